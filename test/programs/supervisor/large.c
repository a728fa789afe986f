/*
 * Tables of more than one page, by the extension: 100,000 trampolines behind one descriptor in one mapping, every error of
 * the way there, and tables that nobody asks it for, which are as they were.
 */
#define _GNU_SOURCE
#include "../../conformance/table.h"
#include "../../conformance/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { COUNT = 100000 };

static uintptr_t *code_table, *data_table;

/* A buffer that is none; the compiler may not know. */
static void *volatile nowhere = (void *)64;
static void *volatile null;

static int new_table(struct trampfd_info *info)
{
	int fd = trampfd(info);

	if (fd < 0)
		ok(0, "a new table: %s", strerror(errno));
	return fd;
}

static int extend(int fd, uint32_t version, uint32_t ntrampolines, uint32_t first, uint32_t second)
{
	struct trampfd_extension extension = { version, ntrampolines, { first, second } };

	errno = 0;
	return pwrite(fd, &extension, sizeof extension, TRAMPFD_EXTENSION) == sizeof extension ? 0 : errno;
}

static int set_code(int fd, uint32_t ntrampolines)
{
	struct trampfd_code code = { ntrampolines, CODE_REGISTER, (uintptr_t)code_table };

	errno = 0;
	return pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code ? 0 : errno;
}

static int set_data(int fd)
{
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)data_table };

	errno = 0;
	return pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data ? 0 : errno;
}

static char *map(int fd, size_t length, int flags)
{
	errno = 0;
	return mmap(NULL, length, PROT_READ | PROT_EXEC, flags, fd, getpagesize());
}

static const char *name_of(int error)
{
	return error == 0 ? "no error" : strerrorname_np(error);
}

#define is(call, expected, text) \
	do { \
		int error_of_it = (call); \
		ok(error_of_it == (expected), "%s: %s", text, name_of(error_of_it)); \
	} while (0)

static size_t whole_pages(size_t length)
{
	size_t page = (size_t)getpagesize();

	return (length + page - 1) / page * page;
}

/* Calls every trampoline with one of two targets and data of its own; the number of wrong results. */
static int wrong_calls(const char *base, uint32_t code_size, uint32_t count, uintptr_t salt)
{
	int wrong = 0;

	for (uint32_t i = 0; i < count; i++) {
		*(volatile uintptr_t *)&code_table[i] = (uintptr_t)(i % 3 ? target_data : target_data_negated);
		*(volatile uintptr_t *)&data_table[i] = salt ^ i * (uintptr_t)0x01000193;
	}
	for (uint32_t i = 0; i < count; i++) {
		uintptr_t data = salt ^ i * (uintptr_t)0x01000193;
		uintptr_t result = ((uintptr_t (*)(void))(uintptr_t)(base + (size_t)code_size * i))();
		wrong += result != (i % 3 ? data : ~data);
	}
	return wrong;
}

static void errors(void)
{
	struct trampfd_info info;
	struct trampfd_extension good = { TRAMPFD_EXTENSION_VERSION, COUNT, { 0, 0 } };
	int fd = new_table(&info);

	is(extend(fd, 0, COUNT, 0, 0), EINVAL, "version 0");
	is(extend(fd, 2, COUNT, 0, 0), EINVAL, "version 2");
	is(extend(fd, 1, COUNT, 1, 0), EINVAL, "the first reserved field");
	is(extend(fd, 1, COUNT, 0, 1), EINVAL, "the second reserved field");
	is(extend(fd, 1, 0, 0, 0), EINVAL, "no trampolines");
	is(extend(fd, 1, TRAMPFD_EXTENSION_MOST + 1, 0, 0), EINVAL, "more trampolines than there may be");
	is(extend(fd, 1, ~0u, 0, 0), EINVAL, "the most that can be said");
	is(pwrite(fd, &good, 15, TRAMPFD_EXTENSION) == -1 ? errno : 0, EINVAL, "15 bytes");
	is(pwrite(fd, null, 16, TRAMPFD_EXTENSION) == -1 ? errno : 0, EINVAL, "from NULL");
	is(pwrite(fd, nowhere, 16, TRAMPFD_EXTENSION) == -1 ? errno : 0, EFAULT, "from nowhere");
	is(pwrite(fd, &good, 16, TRAMPFD_EXTENSION + 1) == -1 ? errno : 0, EINVAL, "beside its offset");
	is(pread(fd, &good, 16, TRAMPFD_EXTENSION) == -1 ? errno : 0, EINVAL, "read");
	is(set_code(fd, info.ntrampolines + 1), EINVAL, "none of this has made the table larger");

	ok(lseek(fd, TRAMPFD_EXTENSION, SEEK_SET) == TRAMPFD_EXTENSION, "lseek to it: %s", strerror(errno));
	ok(write(fd, &good, sizeof good) == sizeof good, "and write: %s", strerror(errno));
	is(extend(fd, 1, COUNT, 0, 0), EEXIST, "asked for again");
	is(extend(fd, 1, 1, 0, 0), EEXIST, "asked for less");
	is(extend(fd, 2, COUNT, 0, 0), EINVAL, "the version is judged before that");
	is(set_code(fd, COUNT + 1), EINVAL, "more trampolines than asked for");
	is(set_code(fd, 0), EINVAL, "no trampolines in the code descriptor");
	is(set_code(fd, COUNT), 0, "as many as asked for");
	is(map(fd, whole_pages((size_t)COUNT * info.code_size), MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL,
	   "mapped before it is complete");
	close(fd);

	fd = new_table(&info);
	is(set_code(fd, 1), 0, "a code descriptor");
	is(extend(fd, 1, COUNT, 0, 0), EEXIST, "asked for after the code");
	close(fd);
	fd = new_table(&info);
	is(set_data(fd), 0, "a data descriptor");
	is(extend(fd, 1, COUNT, 0, 0), EEXIST, "asked for after the data");
	is(set_code(fd, info.ntrampolines + 1), EINVAL, "so the table is one of a page");
	is(set_code(fd, info.ntrampolines), 0, "and may be completed");
	is(extend(fd, 1, COUNT, 0, 0), EEXIST, "asked for when it is complete");
	close(fd);
}

static int called_in_child(const char *base, uint32_t code_size)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(wrong_calls(base, code_size, COUNT, 3) != 0);
	waitpid(child, &status, 0);
	return status;
}

static void large(void)
{
	struct trampfd_info info, again;
	int fd = new_table(&info);
	size_t used = (size_t)COUNT * info.code_size, length = whole_pages(used), page = (size_t)getpagesize();

	is(extend(fd, 1, COUNT, 0, 0), 0, "100,000 trampolines are asked for");
	is(set_data(fd), 0, "data");
	is(set_code(fd, COUNT), 0, "code");
	is(set_code(fd, COUNT), EEXIST, "code again");
	is(set_data(fd), EEXIST, "data again");
	is(map(fd, page, MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL, "one page of it");
	is(map(fd, length - page, MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL, "a page too few");
	is(map(fd, length + 1, MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL, "a page too many");
	is(mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 2 * (off_t)page) == MAP_FAILED ? errno : 0, EINVAL,
	   "from its second page");
	is(mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0, EINVAL,
	   "from the page before it");

	char *base = map(fd, used, MAP_SHARED);
	if (!ok(base != MAP_FAILED, "all of it in one mapping: %s", strerror(errno)))
		return;
	ok(wrong_calls(base, info.code_size, COUNT, 1) == 0, "every one of 100,000 is called, and right");
	int traps = 1;
	for (size_t at = used; at < length; at++)
		traps &= (unsigned char)base[at] == 0xcc;
	ok(traps, "behind the last there are %lu traps", (unsigned long)(length - used));
	is(map(fd, used, MAP_SHARED) == MAP_FAILED ? errno : 0, EEXIST, "mapped again");
	ok(mprotect(base, length, PROT_READ | PROT_WRITE) == -1 && errno == EACCES, "made writable: %s",
	   strerrorname_np(errno));
	ok(called_in_child(base, info.code_size) == 0, "a child calls every one too");
	ok(munmap(base, length) == 0, "unmapped");
	base = map(fd, length, MAP_PRIVATE);
	ok(base != MAP_FAILED && wrong_calls(base, info.code_size, COUNT, 2) == 0, "and mapped again, privately: %s",
	   strerror(errno));
	ok(close(fd) == 0 && wrong_calls(base, info.code_size, COUNT, 4) == 0, "and called without its descriptor");
	ok(munmap(base, length) == 0, "dropped");
	fd = new_table(&again);
	ok(memcmp(&info, &again, sizeof info) == 0, "the next table is told what the first one was");
	close(fd);
}

static void sizes(void)
{
	struct trampfd_info info;
	int fd = new_table(&info);
	char *base;

	is(extend(fd, 1, COUNT, 0, 0), 0, "100,000 are asked for");
	ok(set_code(fd, 5) == 0 && set_data(fd) == 0, "and five are described");
	is(map(fd, whole_pages((size_t)COUNT * info.code_size), MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL,
	   "which are not 100,000");
	base = map(fd, 5 * info.code_size, MAP_SHARED);
	ok(base != MAP_FAILED && wrong_calls(base, info.code_size, 5, 1) == 0, "but one page: %s", strerror(errno));
	munmap(base, 1);
	close(fd);

	/* The last slot of the first page goes on in the second, where the page is no multiple of it. */
	for (uint32_t more = 0; more < 3; more++) {
		fd = new_table(&info);
		uint32_t count = info.ntrampolines + more;
		ok(extend(fd, 1, count, 0, 0) == 0 && set_code(fd, count) == 0 && set_data(fd) == 0,
		   "as many as a page has and %u: %s", more, strerror(errno));
		base = map(fd, (size_t)count * info.code_size, MAP_SHARED);
		ok(base != MAP_FAILED && wrong_calls(base, info.code_size, count, 1) == 0, "are called: %s", strerror(errno));
		munmap(base, (size_t)count * info.code_size);
		close(fd);
	}

	fd = new_table(&info);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int low = open(path, O_RDONLY | O_CLOEXEC);
	ok(low >= 0 && extend(low, 1, 1000, 0, 0) == 0, "asked for at an ordinary number: %s", strerror(errno));
	is(extend(fd, 1, 1000, 0, 0), EEXIST, "the same table");
	close(low);
	close(fd);
}

static void largest(void)
{
	struct trampfd_info info;
	int fd = new_table(&info);
	uint32_t count = TRAMPFD_EXTENSION_MOST;

	is(extend(fd, 1, count, 0, 0), 0, "the most that there may be");
	ok(set_code(fd, count) == 0 && set_data(fd) == 0, "described: %s", strerror(errno));
	char *base = map(fd, (size_t)count * info.code_size, MAP_SHARED);
	ok(base != MAP_FAILED && wrong_calls(base, info.code_size, count, 9) == 0, "every one is called, and right: %s",
	   strerror(errno));
	ok(munmap(base, (size_t)count * info.code_size) == 0 && close(fd) == 0, "dropped");
}

static void without(void)
{
	struct trampfd_info info;
	int fd = new_table(&info);

	is(set_code(fd, info.ntrampolines + 1), EINVAL, "not asked for: more than a page has");
	ok(set_code(fd, info.ntrampolines) == 0 && set_data(fd) == 0, "as many as a page has: %s", strerror(errno));
	is(map(fd, (size_t)getpagesize() + 1, MAP_SHARED) == MAP_FAILED ? errno : 0, EINVAL, "two pages");
	char *base = map(fd, 1, MAP_SHARED);
	ok(base != MAP_FAILED && wrong_calls(base, info.code_size, info.ntrampolines, 1) == 0, "one: %s", strerror(errno));
	munmap(base, 1);
	close(fd);
}

int main(void)
{
	code_table = calloc(TRAMPFD_EXTENSION_MOST, sizeof *code_table);
	data_table = calloc(TRAMPFD_EXTENSION_MOST, sizeof *data_table);
	if (code_table == NULL || data_table == NULL)
		return 2;
	errors();
	large();
	sizes();
	largest();
	without();
	return done();
}
