/*
 * Contexts by the i386 entry alone, as i386-entry does for tables: its numbers, offsets in two halves, i386's registers
 * and values of 32 bits. A 64-bit program that enters through int 0x80 gets exactly what a 32-bit one may, so both print
 * the same lines.
 *
 * To be linked at a fixed address, below 4 GiB. x86 only.
 */
#define _GNU_SOURCE
#include "int80.h"
#include "tap.h"

#include <trampfd.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ADDRESS(object) ((uint32_t)(uintptr_t)(object))

enum { PAGE = 4096 };

static struct trampfd_user user;
static struct trampfd_map map;
static struct {
	uint32_t nregs, reserved;
	struct trampfd_reg regs[TRAMPFD_MAX_REGS + 1];
} regs, found;
static struct {
	uint32_t flags, offset, size, reserved;
	uint8_t data[TRAMPFD_MAX_DATA_SIZE + 1];
} stack;
static struct {
	uint32_t nvalues, reserved;
	uint64_t values[TRAMPFD_MAX_PCS + 1];
} pcs;
static uint32_t unmapped, read_only;

static int created(void)
{
	user.flags = user.reserved = 0;
	int fd = (int)int80(SYS_trampfd, TRAMPFD_USER, ADDRESS(&user), 0, 0, 0, 0);
	if (fd < 0)
		bail_out("trampfd by int 0x80 gives no trampoline: %s", errno_name(errno));
	return fd;
}

static int64_t put(int fd, const void *bytes, uint32_t count, uint32_t offset)
{
	return int80(I386_PWRITE64, fd, ADDRESS(bytes), count, offset, 0, 0);
}

static int64_t get(int fd, void *bytes, uint32_t count, uint32_t offset)
{
	return int80(I386_PREAD64, fd, ADDRESS(bytes), count, offset, 0, 0);
}

/* A register and a target that gives it; the size of the context. */
static uint32_t make_right(uint32_t name, uint64_t value)
{
	memset(&regs, 0, sizeof regs);
	regs.nregs = 2;
	regs.regs[0] = (struct trampfd_reg){ name, 0, value };
	regs.regs[1] = (struct trampfd_reg){ trampfd_user_x32_eip, 0, ADDRESS(i386_targets) + 16 * name };
	return 8 + 2 * 16;
}

static void creating(void)
{
	struct rlimit limit, none;

	user.flags = 1;
	expect_errno("v1-create", EINVAL, "flags", int80(SYS_trampfd, 0, ADDRESS(&user), 0, 0, 0, 0), "flags are 1");
	user.flags = 0;
	user.reserved = 1;
	expect_errno("v1-create", EINVAL, "reserved", int80(SYS_trampfd, 0, ADDRESS(&user), 0, 0, 0, 0), "reserved is 1");
	user.reserved = 0;
	expect_errno("v1-create", EINVAL, "third-argument", int80(SYS_trampfd, 0, ADDRESS(&user), 1, 0, 0, 0), "it is 1");
	expect_errno("v1-create", EFAULT, "user-unreadable", int80(SYS_trampfd, 0, unmapped, 0, 0, 0, 0), "not mapped");
	expect_errno("v1-create", EFAULT, "user-unreadable", int80(SYS_trampfd, 0, unmapped - 4, 0, 0, 0, 0), "half of it");
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	expect_errno("v1-create", EMFILE, "no-descriptor", int80(SYS_trampfd, 0, ADDRESS(&user), 0, 0, 0, 0), "none is free");
	setrlimit(RLIMIT_NOFILE, &limit);
	int fd = created();
	expect_success("v1-create", fd >= 0, "by int 0x80");
	for (uint32_t offset = 0; offset < 4; offset++) {
		expect_success("v1-lseek", int80(I386_LSEEK, fd, offset, SEEK_SET, 0, 0, 0) == offset, "to %u", offset);
		expect_success("v1-lseek", llseek(fd, 0, offset, SEEK_SET) == offset, "_llseek to %u", offset);
	}
	expect_errno("v1-lseek", EINVAL, "offset", int80(I386_LSEEK, fd, 4, SEEK_SET, 0, 0, 0), "to 4");
	expect_errno("v1-lseek", EINVAL, "offset", llseek(fd, 1, 0, SEEK_SET), "_llseek to 4 GiB");
	expect_errno("v1-lseek", EINVAL, "whence", llseek(fd, 0, 0, SEEK_CUR), "_llseek from here");
	close(fd);
}

static void register_errors(void)
{
	int fd = created();
	uint32_t size = make_right(trampfd_user_x32_ecx, 1);

	expect_errno("v1-pwrite-regs", EINVAL, "buffer-null", int80(I386_PWRITE64, fd, 0, size, 1, 0, 0), "NULL");
	expect_errno("v1-pwrite-regs", EINVAL, "count-zero", put(fd, &regs, 0, 1), "count 0");
	expect_errno("v1-pwrite-regs", EINVAL, "count-below", put(fd, &regs, 7, 1), "count 7");
	expect_errno("v1-pwrite-regs", EINVAL, "count-above", put(fd, &regs, 649, 1), "count 649");
	expect_errno("v1-pwrite-regs", EINVAL, "count-not-as-said", put(fd, &regs, size - 1, 1), "a byte less");
	expect_errno("v1-pwrite-regs", EFAULT, "buffer", int80(I386_PWRITE64, fd, unmapped, size, 1, 0, 0), "not mapped");
	expect_errno("v1-pwrite-regs", EINVAL, "offset", int80(I386_PWRITE64, fd, ADDRESS(&regs), size, 1, 1, 0),
	             "the upper half of the offset is 1");
	expect_errno("v1-pwrite-regs", EINVAL, "offset", put(fd, &regs, size, 4), "at 4");
	expect_errno("v1-pwrite-map", EINVAL, "always", put(fd, &map, sizeof map, 0), "the parameters are not written");
	for (uint32_t name = trampfd_user_x64_rax; name <= trampfd_user_x64_rip; name++) {
		regs.regs[0].name = name;
		expect_errno("v1-pwrite-regs", EINVAL, "register", put(fd, &regs, size, 1), "register %u of x86-64", name);
	}
	for (uint32_t bit = 32; bit < 64; bit++) {
		make_right(trampfd_user_x32_ecx, (uint64_t)1 << bit);
		expect_errno("v1-pwrite-regs", EINVAL, "value-too-wide", put(fd, &regs, size, 1), "a value with bit %u", bit);
	}
	make_right(trampfd_user_x32_ecx, 1);
	regs.regs[1].value |= (uint64_t)1 << 32;
	expect_errno("v1-pwrite-regs", EINVAL, "value-too-wide", put(fd, &regs, size, 1), "a PC above 4 GiB");
	make_right(trampfd_user_x32_ecx, 1);
	regs.nregs = 1;
	expect_errno("v1-pwrite-regs", EINVAL, "no-pc", put(fd, &regs, 24, 1), "no PC");

	pcs.nvalues = 1;
	pcs.values[0] = ADDRESS(i386_targets);
	expect_success("v1-pwrite-pcs", put(fd, &pcs, 16, 3) == 16, "a list: %s", errno_name(errno));
	make_right(trampfd_user_x32_ecx, 1);
	expect_errno("v1-pwrite-regs", EINVAL, "pc-not-allowed", put(fd, &regs, size, 1), "a target that is not in it");
	pcs.nvalues = 0;
	expect_row("v1-pwrite-pcs", "removed", put(fd, &pcs, 8, 3) == 8, "the list: %s", errno_name(errno));
	expect_success("v1-pwrite-regs", put(fd, &regs, size, 1) == size, "after all these errors: %s", errno_name(errno));
	close(fd);
}

static void reading(void)
{
	int fd = created();
	uint32_t size = make_right(trampfd_user_x32_edi, 0x89abcdef);

	expect_success("v1-write-regs", int80(I386_LSEEK, fd, 1, SEEK_SET, 0, 0, 0) == 1 &&
	               int80(I386_WRITE, fd, ADDRESS(&regs), size, 0, 0, 0) == size, "by lseek and write: %s", errno_name(errno));
	expect_success("v1-pread-regs", get(fd, &found, 648, 1) == size && memcmp(&found, &regs, size) == 0, "as written: %s",
	               errno_name(errno));
	memset(&found, 0, sizeof found);
	expect_success("v1-read-regs", int80(I386_READ, fd, ADDRESS(&found), 24, 0, 0, 0) == 24 && memcmp(&found, &regs, 24) == 0,
	               "24 bytes of it: %s", errno_name(errno));
	expect_errno("v1-pread-regs", EFAULT, "buffer", int80(I386_PREAD64, fd, read_only, size, 1, 0, 0), "to read-only memory");
	expect_errno("v1-pread-regs", EINVAL, "offset", int80(I386_PREAD64, fd, ADDRESS(&found), size, 1, 1, 0),
	             "the upper half of the offset is 1");
	expect_errno("v1-pread-pcs", EINVAL, "always", get(fd, &found, 8, 3), "the list is not read");
	stack.size = 3;
	expect_success("v1-pwrite-stack", put(fd, &stack, 19, 2) == 19, "three bytes: %s", errno_name(errno));
	expect_success("v1-pread-stack", get(fd, &found, 80, 2) == 19 && memcmp(&found, &stack, 19) == 0, "as written: %s",
	               errno_name(errno));
	close(fd);
}

static int64_t map_it(int fd, uint32_t length, uint32_t pages)
{
	return int80(I386_MMAP2, 0, length, map.prot, map.flags, fd, pages);
}

static void calling(void)
{
	int fd = created(), wrong = 0;

	expect_success("v1-pread-map", get(fd, &map, sizeof map, 0) == sizeof map, "24 bytes: %s", errno_name(errno));
	expect_errno("v1-mmap", EINVAL, "offset", map_it(fd, map.size, map.offset / PAGE + 1), "mmap2, a page further");
	expect_errno("v1-mmap", EINVAL, "offset", map_it(fd, map.size, map.offset / PAGE ^ 0x80000000), "mmap2, 8 TiB further");
	expect_errno("v1-mmap", EINVAL, "length", map_it(fd, map.size + PAGE, map.offset / PAGE), "mmap2, a page more");
	int64_t base = map_it(fd, map.size, map.offset / PAGE);
	expect_success("v1-mmap", base != -1, "by mmap2: %s", errno_name(errno));
	if (base == -1)
		return;
	for (uint32_t name = trampfd_user_x32_eax; name <= trampfd_user_x32_ebp; name++) {
		wrong = 0;
		for (uint32_t i = 0; i < 20; i++) {
			uint32_t value = 0x9e3779b9u * (i + 1 + 20 * name);
			wrong += put(fd, &regs, make_right(name, value), 1) == -1;
			wrong += call_i386((uint32_t)base + map.ioffset) != value;
		}
		expect_success("v1-call", wrong == 0, "register %u, from 32-bit code: %d wrong", name, wrong);
	}
	expect_success("v1-munmap", int80(I386_MUNMAP, (uint32_t)base, map.size, 0, 0, 0, 0) == 0, "by int 0x80");
	close(fd);
	expect_errno("v1-mmap", EBADF, "closed", map_it(fd, map.size, map.offset / PAGE), "the descriptor is closed");
}

int main(void)
{
	/* Low memory: at an address where nothing of such a program is. */
	char *area = mmap((void *)0x20000000, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (area == MAP_FAILED || (uintptr_t)&regs >> 31 >> 1 != 0)
		bail_out("the program is not linked below 4 GiB, or has no memory there");
	unmapped = ADDRESS(area) + PAGE;
	read_only = ADDRESS(area) + 2 * PAGE;
	mprotect(area + PAGE, PAGE, PROT_NONE);
	mprotect(area + 2 * PAGE, PAGE, PROT_READ);
	close(created());
	creating();
	register_errors();
	reading();
	calling();
	return done();
}
