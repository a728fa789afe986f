/*
 * The interface by the i386 entry alone: its numbers, mmap2 and the old mmap, offsets in two halves, _llseek, tables of
 * 28-byte trampolines, registers of 32 bits. Compiled for either width: a 64-bit program that enters through int 0x80
 * gets exactly what a 32-bit one may, so both print the same lines.
 *
 * To be linked at a fixed address, below 4 GiB. x86 only.
 */
#define _GNU_SOURCE
#include "int80.h"
#include "tap.h"

#include <trampfd.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESS(object) ((uint32_t)(uintptr_t)(object))
#define READ_EXECUTE (PROT_READ | PROT_EXEC)

enum { PAGE = 4096, TRAMPOLINES = PAGE / 28 };

static struct trampfd_info info;
static uint32_t code_slots[TRAMPOLINES], data_slots[TRAMPOLINES];
static union {
	struct trampfd_code code;
	struct trampfd_data data;
	char bytes[8192];
} buffer;

/* An address where nothing is, and a page that cannot be written to. */
static uint32_t unmapped, read_only;

/* How a descriptor is written. */
static const struct way {
	const char *call;
	uint32_t offset;
	enum { PWRITE64, LSEEK_AND_WRITE, LLSEEK_AND_WRITE } by;
} ways[] = {
	{ "pwrite-code", TRAMPFD_CODE, PWRITE64 },        { "pwrite-data", TRAMPFD_DATA, PWRITE64 },
	{ "write-code", TRAMPFD_CODE, LSEEK_AND_WRITE },  { "write-data", TRAMPFD_DATA, LSEEK_AND_WRITE },
	{ "write-code", TRAMPFD_CODE, LLSEEK_AND_WRITE }, { "write-data", TRAMPFD_DATA, LLSEEK_AND_WRITE },
};

static int64_t put(const struct way *way, int fd, uint32_t address, uint32_t count)
{
	if (way->by == PWRITE64)
		return int80(I386_PWRITE64, fd, address, count, way->offset, 0, 0);
	int64_t position = way->by == LSEEK_AND_WRITE ? int80(I386_LSEEK, fd, way->offset, SEEK_SET, 0, 0, 0)
	                                              : llseek(fd, 0, way->offset, SEEK_SET);
	if (position != way->offset && errno != EBADF)
		bail_out("a seek to %u: %s", way->offset, errno_name(errno));
	return int80(I386_WRITE, fd, address, count, 0, 0, 0);
}

static int created(void)
{
	int fd = (int)int80(SYS_trampfd, ADDRESS(&info), 0, 0, 0, 0, 0);
	if (fd < 0)
		bail_out("trampfd by int 0x80 gives no table: %s", errno_name(errno));
	return fd;
}

static void make_right(const struct way *way)
{
	struct trampfd_code code = { 2, x32_edx, ADDRESS(code_slots) };
	struct trampfd_data data = { x32_eax, 0, ADDRESS(data_slots) };

	memset(&buffer, 0, sizeof buffer);
	if (way->offset == TRAMPFD_CODE)
		buffer.code = code;
	else
		buffer.data = data;
}

static int64_t put_right(const struct way *way, int fd)
{
	make_right(way);
	return put(way, fd, ADDRESS(&buffer), 16);
}

static int complete(void)
{
	int fd = created();
	if (put_right(&ways[0], fd) != 16 || put_right(&ways[1], fd) != 16)
		bail_out("a table: %s", errno_name(errno));
	return fd;
}

static void create(void)
{
	struct rlimit limit, none;

	expect_errno("create", EFAULT, "info-unwritable", int80(SYS_trampfd, unmapped, 0, 0, 0, 0, 0), "info is not mapped");
	expect_errno("create", EFAULT, "info-unwritable", int80(SYS_trampfd, unmapped - 8, 0, 0, 0, 0, 0), "nor is half of it");
	expect_errno("create", EFAULT, "info-unwritable", int80(SYS_trampfd, read_only, 0, 0, 0, 0, 0), "info is read-only");
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	expect_errno("create", EMFILE, "no-descriptor", int80(SYS_trampfd, ADDRESS(&info), 0, 0, 0, 0, 0), "none is free");
	setrlimit(RLIMIT_NOFILE, &limit);
	memset(&info, 0x55, sizeof info);
	int fd = created();
	expect_success("create", fd >= 0, "by int 0x80");
	ok(info.code_size == 28 && info.ntrampolines == TRAMPOLINES && info.reserved == 0, "%u trampolines of %u bytes",
	   info.ntrampolines, info.code_size);
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "the descriptor is close-on-exec");
	expect_success("close", int80(I386_CLOSE, fd, 0, 0, 0, 0, 0) == 0, "by int 0x80");
}

static void seek(void)
{
	static const uint32_t offsets[] = { 2, 3, 4096, 0x7fffffff, 0x80000000, 0xffffffff };
	int fd = created();

	for (uint32_t whence = 1; whence < 7; whence++) {
		expect_errno("lseek", EINVAL, "whence", int80(I386_LSEEK, fd, 0, whence, 0, 0, 0), "whence %u", whence);
		expect_errno("lseek", EINVAL, "whence", llseek(fd, 0, 0, whence), "_llseek, whence %u", whence);
	}
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		expect_errno("lseek", EINVAL, "offset", int80(I386_LSEEK, fd, offsets[i], SEEK_SET, 0, 0, 0), "to %#x", offsets[i]);
		expect_errno("lseek", EINVAL, "offset", llseek(fd, 0, offsets[i], SEEK_SET), "_llseek to %#x", offsets[i]);
	}
	expect_errno("lseek", EINVAL, "offset", llseek(fd, 1, 0, SEEK_SET), "_llseek to 4 GiB");
	expect_errno("lseek", EINVAL, "offset", llseek(fd, 0xffffffff, 0, SEEK_SET), "_llseek to -4 GiB");
	expect_success("lseek", int80(I386_LSEEK, fd, 1, SEEK_SET, 0, 0, 0) == 1, "to 1");
	expect_success("lseek", llseek(fd, 0, 0, SEEK_SET) == 0, "_llseek to 0");
	expect_success("lseek", llseek(fd, 0, 1, SEEK_SET) == 1, "_llseek to 1");
	close(fd);
}

static void arguments(const struct way *way)
{
	static const uint32_t counts[] = { 1, 8, 15, 17, 24, 32, 4096 };
	int fd = created();

	make_right(way);
	expect_errno(way->call, EINVAL, "buffer-null", put(way, fd, 0, 16), "buffer is NULL");
	expect_errno(way->call, EINVAL, "count-zero", put(way, fd, ADDRESS(&buffer), 0), "count is 0");
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		expect_errno(way->call, EINVAL, "count", put(way, fd, ADDRESS(&buffer), counts[i]), "count is %u", counts[i]);
	expect_errno(way->call, EFAULT, "buffer-unreadable", put(way, fd, unmapped, 16), "buffer is not mapped");
	expect_errno(way->call, EFAULT, "buffer-unreadable", put(way, fd, unmapped - 8, 16), "half of it is not mapped");
	if (way->by == PWRITE64) {
		static const uint32_t offsets[][2] = { { 2, 0 }, { 4096, 0 }, { 0, 1 }, { 1, 1 }, { 0xffffffff, 0xffffffff } };
		for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
			expect_errno(way->call, EINVAL, "offset",
			             int80(I386_PWRITE64, fd, ADDRESS(&buffer), 16, offsets[i][0], offsets[i][1], 0),
			             "offset %#x with the upper half %#x", offsets[i][0], offsets[i][1]);
	}
	expect_success(way->call, put(way, fd, ADDRESS(&buffer), 16) == 16, "after all these errors: %s", errno_name(errno));
	expect_errno(way->call, EEXIST, "set-already", put(way, fd, ADDRESS(&buffer), 16), "set already");
	close(fd);
	expect_errno(way->call, EBADF, "closed", put(way, fd, ADDRESS(&buffer), 16), "the descriptor is closed");
}

#define REFUSED(row, field, value) \
	do { \
		make_right(way); \
		(field) = (value); \
		expect_errno(way->call, EINVAL, row, put(way, fd, ADDRESS(&buffer), 16), #field ", " row); \
	} while (0)

static void code_values(const struct way *way)
{
	int fd = created();

	REFUSED("ntrampolines-zero", buffer.code.ntrampolines, 0);
	REFUSED("ntrampolines-above", buffer.code.ntrampolines, TRAMPOLINES + 1);
	for (uint32_t name = x64_rax; name <= x64_r15; name++)
		REFUSED("register", buffer.code.reg, name);
	REFUSED("table-null", buffer.code.table, 0);
	REFUSED("table-misaligned", buffer.code.table, ADDRESS(code_slots) + 2);
	REFUSED("table-beyond", buffer.code.table, ((uint64_t)1 << 32) - 4);
	REFUSED("table-beyond", buffer.code.table, ADDRESS(code_slots) | (uint64_t)1 << 32);
	ok(put_right(&ways[1], fd) == 16, "the data is set: %s", errno_name(errno));
	REFUSED("register-of-the-other", buffer.code.reg, x32_eax);
	expect_success(way->call, put_right(way, fd) == 16, "after all these errors: %s", errno_name(errno));
	close(fd);
}

static void data_values(const struct way *way)
{
	int fd = created();

	for (uint32_t name = x64_rax; name <= x64_r15; name++)
		REFUSED("register", buffer.data.reg, name);
	REFUSED("reserved", buffer.data.reserved, 1);
	REFUSED("table-null", buffer.data.table, 0);
	REFUSED("table-misaligned", buffer.data.table, ADDRESS(data_slots) + 2);
	REFUSED("table-beyond", buffer.data.table, ADDRESS(data_slots) | (uint64_t)1 << 32);
	ok(put_right(&ways[0], fd) == 16, "the code is set: %s", errno_name(errno));
	REFUSED("table-beyond", buffer.data.table, ((uint64_t)1 << 32) - 4);
	REFUSED("register-of-the-other", buffer.data.reg, x32_edx);
	expect_success(way->call, put_right(way, fd) == 16, "after all these errors: %s", errno_name(errno));
	close(fd);
}

static void reading(void)
{
	int fd = complete();

	expect_errno("read", EINVAL, "always", int80(I386_READ, fd, ADDRESS(&buffer), 16, 0, 0, 0), "16 bytes");
	expect_errno("read", EINVAL, "always", int80(I386_READ, fd, ADDRESS(&buffer), 0, 0, 0, 0), "nothing");
	for (uint32_t offset = 0; offset < 3; offset++)
		expect_errno("pread", EINVAL, "always", int80(I386_PREAD64, fd, ADDRESS(&buffer), 16, offset, 0, 0), "at %u", offset);
	close(fd);
	expect_errno("read", EBADF, "closed", int80(I386_READ, fd, ADDRESS(&buffer), 16, 0, 0, 0), "the descriptor is closed");
	expect_errno("pread", EBADF, "closed", int80(I386_PREAD64, fd, ADDRESS(&buffer), 16, 0, 0, 0), "of a closed descriptor");
	expect_errno("lseek", EBADF, "closed", llseek(fd, 0, 0, SEEK_SET), "the descriptor is closed");
}

/* mmap2, with the offset in pages of 4096 bytes; what was mapped is unmapped. */
static int64_t try_map(uint32_t length, uint32_t protection, uint32_t flags, int fd, uint32_t pages)
{
	int64_t base = int80(I386_MMAP2, 0, length, protection, flags, fd, pages);
	return base == -1 ? -1 : int80(I386_MUNMAP, (uint32_t)base, length, 0, 0, 0, 0);
}

static int map_in_child(int fd)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, fd, info.code_offset / PAGE) == -1 ? errno : 0);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static void mapping(void)
{
	static const uint32_t wrong_flags[] = {
		0, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_NORESERVE, MAP_PRIVATE | MAP_POPULATE, MAP_PRIVATE | MAP_GROWSDOWN,
	};
	static const uint32_t lengths[] = { 0, PAGE + 1, 2 * PAGE, 1 << 30 };
	int fd = complete(), empty = created(), only_code = created(), only_data = created();
	uint32_t right = info.code_offset / PAGE;

	for (uint32_t protection = 0; protection < 4; protection++)
		expect_errno("mmap", EINVAL, "protection", try_map(PAGE, protection, MAP_PRIVATE, fd, right), "protection %u",
		             protection);
	for (size_t i = 0; i < sizeof wrong_flags / sizeof *wrong_flags; i++)
		expect_errno("mmap", EINVAL, "flags", try_map(PAGE, READ_EXECUTE, wrong_flags[i], fd, right), "flags %#x",
		             wrong_flags[i]);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		expect_errno("mmap", EINVAL, "length", try_map(lengths[i], READ_EXECUTE, MAP_PRIVATE, fd, right), "length %u",
		             lengths[i]);
	for (uint32_t pages = 1; pages != 0; pages <<= 1)
		expect_errno("mmap", EINVAL, "offset", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, fd, right ^ pages),
		             "mmap2's offset of %#x pages", right ^ pages);

	expect_errno("mmap", EINVAL, "code-not-set", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, empty, right), "nothing is set");
	ok(put_right(&ways[0], only_code) == 16 && put_right(&ways[1], only_data) == 16, "one descriptor each");
	expect_errno("mmap", EINVAL, "data-not-set", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, only_code, right), "no data");
	expect_errno("mmap", EINVAL, "code-not-set", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, only_data, right), "no code");
	errno = map_in_child(fd);
	expect_errno("mmap", EINVAL, "other-process", errno ? -1 : 0, "by a child of the creator");

	int64_t base = int80(I386_MMAP2, 0, 28 * 2, READ_EXECUTE, MAP_PRIVATE, fd, right);
	expect_success("mmap", base != -1, "by mmap2: %s", errno_name(errno));
	expect_errno("mmap", EEXIST, "mapped-already", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, fd, right), "mapped already");
	expect_success("munmap", int80(I386_MUNMAP, (uint32_t)base, PAGE, 0, 0, 0, 0) == 0, "by int 0x80");
	expect_success("mmap", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, fd, right) == 0, "unmapped, so mappable");
	close(fd);
	expect_errno("mmap", EBADF, "closed", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, fd, right), "the descriptor is closed");
	close(empty);
	close(only_code);
	close(only_data);
}

/* The old mmap has its arguments in memory, and its offset in bytes. It may be refused to everybody. */
static void old_mapping(void)
{
	static struct old_mmap_arguments block;
	int fd = complete();
	struct old_mmap_arguments right = { 0, 48, READ_EXECUTE, MAP_PRIVATE, (uint32_t)fd, info.code_offset };

	struct old_mmap_arguments wrong[] = { right, right, right, right };
	wrong[0].length = 2 * PAGE;
	wrong[1].protection = 1;
	wrong[2].flags = MAP_PRIVATE | MAP_FIXED;
	wrong[3].offset += 1;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		block = wrong[i];
		int64_t result = int80(I386_OLD_MMAP, ADDRESS(&block), 0, 0, 0, 0, 0);
		ok(result == -1 && (errno == EINVAL || errno == EACCES), "the old mmap with a wrong argument, %zu: %s", i,
		   result == -1 ? errno_name(errno) : "success");
	}
	block = right;
	int64_t base = int80(I386_OLD_MMAP, ADDRESS(&block), 0, 0, 0, 0, 0);
	int error = base == -1 ? errno : 0;
	freedom("old-mmap", "%s", errno_name(error));
	ok(error == 0 || error == EACCES, "the old mmap maps, or is refused to everybody: %s", errno_name(error));
	int64_t again = int80(I386_OLD_MMAP, ADDRESS(&block), 0, 0, 0, 0, 0);
	ok(again == -1 && errno == (base == -1 ? EACCES : EEXIST), "and again: %s", again == -1 ? errno_name(errno) : "success");
	if (base != -1)
		int80(I386_MUNMAP, (uint32_t)base, PAGE, 0, 0, 0, 0);
	close(fd);
}

static void copies(void)
{
	static const struct {
		const char *call;
		uint32_t number, command;
	} copying[] = { { "dup", I386_DUP, 0 }, { "fcntl", I386_FCNTL, F_DUPFD }, { "fcntl", I386_FCNTL64, F_DUPFD_CLOEXEC } };

	for (size_t i = 0; i < sizeof copying / sizeof *copying; i++) {
		int fd = created(), copy = (int)int80(copying[i].number, fd, copying[i].command, 3, 0, 0, 0);
		expect_success(copying[i].call, copy >= 0 && copy != fd, "by int 0x80: %s", errno_name(errno));
		ok(put_right(&ways[0], fd) == 16 && put_right(&ways[1], copy) == 16, "which shares all with the original");
		expect_success("mmap", try_map(PAGE, READ_EXECUTE, MAP_PRIVATE, copy, info.code_offset / PAGE) == 0, "of a copy: %s",
		               errno_name(errno));
		close(copy);
		close(fd);
	}
	int first = created(), second = created();
	expect_success("dup2", int80(I386_DUP2, first, second, 0, 0, 0, 0) == second, "over another table");
	expect_success("dup3", int80(I386_DUP3, first, second, O_CLOEXEC, 0, 0, 0) == second, "over itself");
	expect_errno("dup3", EINVAL, "dup3-same", int80(I386_DUP3, first, first, 0, 0, 0, 0), "to itself");
	ok(put_right(&ways[0], second) == 16 && put_right(&ways[0], first) == -1 && errno == EEXIST, "they are one");
	close(first);
	close(second);
}

/* Every pair of registers, with the trampolines called from 32-bit code. */
static void calls(void)
{
	for (uint32_t code = x32_eax; code <= x32_ebp; code++) {
		for (uint32_t data = x32_eax; data <= x32_ebp; data++) {
			if (code == data)
				continue;
			int fd = created(), wrong = 0;
			buffer.code = (struct trampfd_code){ TRAMPOLINES, code, ADDRESS(code_slots) };
			put(&ways[0], fd, ADDRESS(&buffer), 16);
			buffer.data = (struct trampfd_data){ data, 0, ADDRESS(data_slots) };
			put(&ways[1], fd, ADDRESS(&buffer), 16);
			int64_t base = int80(I386_MMAP2, 0, PAGE, READ_EXECUTE, MAP_PRIVATE, fd, info.code_offset / PAGE);
			for (uint32_t i = 0; i < TRAMPOLINES && base != -1; i++) {
				*(volatile uint32_t *)&code_slots[i] = ADDRESS(i386_targets) + 16 * data;
				*(volatile uint32_t *)&data_slots[i] = 0x9e3779b9u * (i + 1);
				wrong += call_i386((uint32_t)base + 28 * i) != 0x9e3779b9u * (i + 1);
			}
			expect_success("call", base != -1 && wrong == 0, "code register %u, data register %u: %d wrong", code, data, wrong);
			int80(I386_MUNMAP, (uint32_t)base, PAGE, 0, 0, 0, 0);
			close(fd);
		}
	}
}

int main(void)
{
	/* Low memory: at an address where nothing of such a program is. */
	char *area = mmap((void *)0x20000000, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (area == MAP_FAILED || (uintptr_t)&buffer >> 31 >> 1 != 0)
		bail_out("the program is not linked below 4 GiB, or has no memory there");
	unmapped = ADDRESS(area) + PAGE;
	read_only = ADDRESS(area) + 2 * PAGE;
	mprotect(area + PAGE, PAGE, PROT_NONE);
	mprotect(area + 2 * PAGE, PAGE, PROT_READ);

	close(created());
	create();
	seek();
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		arguments(&ways[i]);
		if (ways[i].offset == TRAMPFD_CODE)
			code_values(&ways[i]);
		else
			data_values(&ways[i]);
	}
	reading();
	mapping();
	old_mapping();
	copies();
	calls();
	return done();
}
