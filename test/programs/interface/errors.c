/*
 * Every error of the interface as a program gets it. What is wrong is one thing at a time, but where the order of the
 * checks is the point.
 */
#define _GNU_SOURCE
#include "table.h"
#include "tap.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static long page_size;
static uintptr_t slots[SLOTS];

/* An address where nothing is, the first byte of a page that cannot be written to, and the last bytes before a hole. */
static char *unmapped, *read_only, *edge;
/* NULL, which the compiler does not know to be NULL. */
static char *volatile null;
#define KERNEL_ADDRESS ((char *)(uintptr_t)(sizeof(void *) == 8 ? 0xffff888000000000u : 0xffffe000u))

static void fails(long result, int expected, const char *what)
{
	int error = result == -1 ? errno : 0;

	if (error == expected)
		ok(1, "%s: %s", what, strerrorname_np(error));
	else
		ok(0, "%s: %ld, %s instead of %s", what, result, error ? strerrorname_np(error) : "no error",
		   strerrorname_np(expected));
}

/* A new table without descriptors. */
static int created(void)
{
	struct trampfd_info info;
	int fd = trampfd(&info);
	if (fd < 0)
		ok(0, "create: %s", strerror(errno));
	return fd;
}

static struct trampfd_code good_code(void)
{
	struct trampfd_code code = { 1, CODE_REGISTER, (uintptr_t)slots };
	return code;
}

static struct trampfd_data good_data(void)
{
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)slots };
	return data;
}

/* A new table with both descriptors. */
static int complete(void)
{
	struct trampfd_code code = good_code();
	struct trampfd_data data = good_data();
	int fd = created();
	ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16 && pwrite(fd, &data, 16, TRAMPFD_DATA) == 16, "a complete table");
	return fd;
}

static void make_pointers(void)
{
	char *area = mmap(NULL, (size_t)(4 * page_size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	edge = area + page_size - 8;
	unmapped = area + page_size;
	munmap(unmapped, (size_t)page_size);
	read_only = area + 2 * page_size;
	mprotect(read_only, (size_t)page_size, PROT_READ);
	ok(area != MAP_FAILED, "pointers of every kind");
}

static void create(void)
{
	fails(trampfd(NULL), EINVAL, "create: info is NULL");
	fails(trampfd((struct trampfd_info *)unmapped), EFAULT, "create: info is not mapped");
	fails(trampfd((struct trampfd_info *)read_only), EFAULT, "create: info is read-only");
	fails(trampfd((struct trampfd_info *)edge), EFAULT, "create: half of info is not mapped");
	fails(trampfd((struct trampfd_info *)KERNEL_ADDRESS), EFAULT, "create: info is the kernel's");
	fails(trampfd((struct trampfd_info *)(UINTPTR_MAX - 3)), EFAULT, "create: info passes the end of all addresses");
	fails(syscall(SYS_trampfd, unmapped), EFAULT, "create by syscall(2): info is not mapped");

	struct rlimit limit, none;
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	struct trampfd_info info;
	setrlimit(RLIMIT_NOFILE, &none);
	fails(trampfd(&info), EMFILE, "create: no descriptor is free");
	setrlimit(RLIMIT_NOFILE, &limit);
	int fd = trampfd(&info);
	ok(fd >= 0, "create: works again with the old limit: %s", strerror(errno));
	close(fd);
}

static void seek(void)
{
	static const int whences[] = { SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 5, -1 };
	static const off_t offsets[] = { -1, 2, 3, 16, 4096, 0x7fffffff };
	int fd = created();

	for (size_t i = 0; i < sizeof whences / sizeof *whences; i++)
		fails(lseek(fd, 0, whences[i]), EINVAL, "lseek: whence is not SEEK_SET");
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
		fails(lseek(fd, offsets[i], SEEK_SET), EINVAL, "lseek: offset below 0 or from 2 on");
	ok(lseek(fd, 1, SEEK_SET) == 1 && lseek(fd, 0, SEEK_SET) == 0, "lseek: 0 and 1 are right");
	close(fd);
}

static void write_arguments(void)
{
	static const off_t offsets[] = { 2, 3, 16, 4096, 0x7fffffff };
	static const size_t counts[] = { 0, 1, 8, 15, 17, 24, 32, 4096, 0x7fffffff };
	struct trampfd_code buffer[300];
	int fd = created();

	memset(buffer, 0, sizeof buffer);
	buffer[0] = good_code();
	for (off_t offset = 0; offset < 2; offset++) {
		fails(pwrite(fd, null, 16, offset), EINVAL, "pwrite: buffer is NULL");
		for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
			fails(pwrite(fd, buffer, counts[i], offset), EINVAL, "pwrite: count is not 16");
		fails(pwrite(fd, unmapped, 16, offset), EFAULT, "pwrite: buffer is not mapped");
		fails(pwrite(fd, edge, 16, offset), EFAULT, "pwrite: half of the buffer is not mapped");
		fails(pwrite(fd, KERNEL_ADDRESS, 16, offset), EFAULT, "pwrite: buffer is the kernel's");
		fails(pwrite(fd, unmapped, 15, offset), EINVAL, "pwrite: the count is judged before the buffer");
		fails(lseek(fd, offset, SEEK_SET) == offset ? write(fd, null, 16) : 0, EINVAL, "write: buffer is NULL");
		fails(write(fd, buffer, 0), EINVAL, "write: count is 0");
		fails(write(fd, buffer, 17), EINVAL, "write: count is not 16");
		fails(write(fd, unmapped, 16), EFAULT, "write: buffer is not mapped");
	}
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
		fails(pwrite(fd, buffer, 16, offsets[i]), EINVAL, "pwrite: offset is not 0 or 1");
	fails(pwrite(fd, buffer, 16, -1), EINVAL, "pwrite: offset is -1");
	ok(pwrite(fd, buffer, 16, TRAMPFD_CODE) == 16, "nothing of all this has set the code: %s", strerror(errno));
	close(fd);
}

static void vectors(void)
{
	struct trampfd_code code = good_code();
	struct iovec vector = { &code, sizeof code };
	int fd = created();
	long result = pwritev(fd, &vector, 1, TRAMPFD_CODE);
	ok(result == 16 || result == -1, "pwritev: %ld", result);
	if (result == 16)
		fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EEXIST, "pwritev: has set the code");
	else
		ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16, "pwritev: has not set the code");
	close(fd);
}

static void code_values(void)
{
	struct trampfd_info info;
	struct trampfd_code code;
	struct trampfd_data data;
	int fd = trampfd(&info);
	const uint32_t counts[] = { 0, info.ntrampolines + 1, 4096, 0x80000000u, 0xffffffffu };
	const uint32_t registers[] = { OTHER_WIDTH_REGISTER, 22, 43, 1000, 0xffffffffu };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		code = good_code();
		code.ntrampolines = counts[i];
		fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: ntrampolines 0 or above info's");
	}
	for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
		code = good_code();
		code.reg = registers[i];
		fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: register is not of the caller's width");
	}
	code = good_code();
	code.table = 0;
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: table is NULL");
	code.table = (uintptr_t)slots + 1;
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: table is misaligned");
	code.table = sizeof(void *) == 8 ? ~(uint64_t)7 : ~(uint32_t)3;
	code.ntrampolines = 2;
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: table passes the end of the address space");
	if (sizeof(void *) == 4) {
		code = good_code();
		code.table |= (uint64_t)1 << 32;
		fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: table is too large for 32 bits");
	}
	data = good_data();
	ok(pwrite(fd, &data, 16, TRAMPFD_DATA) == 16, "the data descriptor is taken");
	code = good_code();
	code.reg = DATA_REGISTER;
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EINVAL, "code: the data's register");
	code = good_code();
	ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16, "the code descriptor is taken: %s", strerror(errno));
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EEXIST, "code: set already");
	code.ntrampolines = 0;
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EEXIST, "code: set already, before the values are judged");
	close(fd);
}

static void data_values(void)
{
	struct trampfd_code code = good_code();
	struct trampfd_data data;
	int fd = created();
	const uint32_t registers[] = { OTHER_WIDTH_REGISTER, 22, 43, 1000, 0xffffffffu };

	for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
		data = good_data();
		data.reg = registers[i];
		fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: register is not of the caller's width");
	}
	data = good_data();
	data.reserved = 1;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: reserved is not 0");
	data = good_data();
	data.table = 0;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: table is NULL");
	data.table = (uintptr_t)slots + 2;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: table is misaligned");
	ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16, "the code descriptor is taken");
	data = good_data();
	data.reg = CODE_REGISTER;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: the code's register");
	data = good_data();
	ok(pwrite(fd, &data, 16, TRAMPFD_DATA) == 16, "the data descriptor is taken: %s", strerror(errno));
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EEXIST, "data: set already");
	data.reg = 1000;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EEXIST, "data: set already, before the register is judged");
	data.reserved = 1;
	fails(pwrite(fd, &data, 16, TRAMPFD_DATA), EINVAL, "data: reserved is judged before that");
	close(fd);
}

static void reading(void)
{
	char buffer[32];
	int fd = complete();

	fails(read(fd, buffer, sizeof buffer), EINVAL, "read");
	fails(read(fd, buffer, 0), EINVAL, "read of nothing");
	fails(read(fd, null, 16), EINVAL, "read to NULL");
	fails(pread(fd, buffer, 16, 0), EINVAL, "pread at the code");
	fails(pread(fd, buffer, 16, 1), EINVAL, "pread at the data");
	fails(pread(fd, buffer, 16, 4096), EINVAL, "pread elsewhere");
	close(fd);
}

/* Tries a mapping and undoes it; -1 with errno, or 0. */
static long try_map(size_t length, int protection, int flags, int fd, off_t offset)
{
	void *base = mmap(NULL, length, protection, flags, fd, offset);
	if (base == MAP_FAILED)
		return -1;
	munmap(base, length);
	return 0;
}

static void mapping(void)
{
	static const int wrong_flags[] = {
		0, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_NORESERVE, MAP_PRIVATE | MAP_POPULATE,
		MAP_PRIVATE | MAP_LOCKED, MAP_PRIVATE | MAP_DENYWRITE, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE | MAP_STACK,
		MAP_SHARED | MAP_NORESERVE, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE | MAP_HUGETLB,
	};
	const int rx = PROT_READ | PROT_EXEC;
	size_t page = (size_t)page_size;
	int fd = complete();

	for (int protection = 0; protection < 8; protection++) {
		/* What is writable and executable the policy may refuse first. */
		if (protection == rx || (protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
			continue;
		fails(try_map(page, protection, MAP_PRIVATE, fd, 0), EINVAL, "mmap: protection is not exactly R-X");
	}
	for (int protection = PROT_WRITE | PROT_EXEC; protection < 8; protection++) {
		long result = try_map(page, protection, MAP_PRIVATE, fd, 0);
		ok(result == -1 && (errno == EINVAL || errno == EACCES), "mmap: protection %d: %s", protection,
		   strerrorname_np(errno));
	}
	for (size_t i = 0; i < sizeof wrong_flags / sizeof *wrong_flags; i++)
		fails(try_map(page, rx, wrong_flags[i], fd, 0), EINVAL, "mmap: flags are not exactly MAP_PRIVATE");
	char *place = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *fixed = mmap(place, page, rx, MAP_PRIVATE | MAP_FIXED, fd, 0);
	fails(fixed == MAP_FAILED ? -1 : 0, EINVAL, "mmap: MAP_FIXED");
	ok(place[0] == 0, "mmap: and what was there is still there");
	munmap(place, page);

	fails(try_map(page, rx, MAP_PRIVATE, fd, page_size), EINVAL, "mmap: offset is not code_offset");
	fails(try_map(page, rx, MAP_PRIVATE, fd, 16 * page_size), EINVAL, "mmap: offset is far behind");
	fails(try_map(0, rx, MAP_PRIVATE, fd, 0), EINVAL, "mmap: length is 0");
	fails(try_map(page + 1, rx, MAP_PRIVATE, fd, 0), EINVAL, "mmap: length is two pages when rounded up");
	fails(try_map(1u << 30, rx, MAP_PRIVATE, fd, 0), EINVAL, "mmap: length is a gigabyte");
	ok(try_map(1, rx, MAP_PRIVATE, fd, 0) == 0, "mmap: length 1 is a page: %s", strerror(errno));

	void *base = mmap(NULL, page, rx, MAP_PRIVATE, fd, 0);
	ok(base != MAP_FAILED, "mmap: right: %s", strerror(errno));
	fails(try_map(page, rx, MAP_PRIVATE, fd, 0), EEXIST, "mmap: mapped already");
	fails(try_map(page, rx, MAP_SHARED, fd, 0), EEXIST, "mmap: mapped already, shared");
	fails(try_map(page, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL, "mmap: the arguments are judged before that");
	munmap(base, page);
	ok(try_map(page, rx, MAP_PRIVATE, fd, 0) == 0, "mmap: unmapped, so mappable: %s", strerror(errno));
	close(fd);
}

static void incomplete(void)
{
	struct trampfd_code code = good_code();
	struct trampfd_data data = good_data();
	const int rx = PROT_READ | PROT_EXEC;
	size_t page = (size_t)page_size;
	int only_code = created(), only_data = created();

	fails(try_map(page, rx, MAP_PRIVATE, only_code, 0), EINVAL, "mmap: neither code nor data is set");
	ok(pwrite(only_code, &code, 16, TRAMPFD_CODE) == 16, "code is set");
	fails(try_map(page, rx, MAP_PRIVATE, only_code, 0), EINVAL, "mmap: data is not set");
	ok(pwrite(only_data, &data, 16, TRAMPFD_DATA) == 16, "data is set");
	fails(try_map(page, rx, MAP_PRIVATE, only_data, 0), EINVAL, "mmap: code is not set");
	close(only_code);
	close(only_data);
}

static void other_process(void)
{
	int fd = complete(), status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(try_map((size_t)page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == -1 ? errno : 0);
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == EINVAL, "mmap: by another process than the creator: %s",
	   WIFEXITED(status) && WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "success");
	close(fd);
}

static void closed(void)
{
	struct trampfd_code code = good_code();
	int fd = created();

	close(fd);
	fails(pwrite(fd, &code, 16, TRAMPFD_CODE), EBADF, "pwrite: the descriptor is closed");
	fails(write(fd, &code, 16), EBADF, "write: the descriptor is closed");
	fails(lseek(fd, 0, SEEK_SET), EBADF, "lseek: the descriptor is closed");
	fails(try_map((size_t)page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EBADF, "mmap: the descriptor is closed");
}

int main(void)
{
	page_size = sysconf(_SC_PAGESIZE);
	make_pointers();
	create();
	seek();
	write_arguments();
	vectors();
	code_values();
	data_values();
	reading();
	mapping();
	incomplete();
	other_process();
	closed();
	return done();
}
