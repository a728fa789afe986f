/*
 * Trampolines of the first version: every errno of creating, seeking, writing, reading and mapping. What is wrong is one
 * thing at a time.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "contexts.h"
#include "pointers.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static union {
	struct registers_context regs;
	struct stack_context stack;
	struct pcs_context pcs;
	struct trampfd_map map;
	uint8_t bytes[65536];
} buffer;

/* A context: where it is, and the sizes that it can have. */
static const struct kind {
	const char *name;
	off_t offset;
	size_t header, most;
	int readable, writable;
} kinds[] = {
	{ "map", TRAMPFD_MAP_OFFSET, 24, 24, 1, 0 },
	{ "regs", TRAMPFD_REGS_OFFSET, 8, TRAMPFD_REGS_SIZE(TRAMPFD_MAX_REGS), 1, 1 },
	{ "stack", TRAMPFD_STACK_OFFSET, 16, TRAMPFD_STACK_SIZE(TRAMPFD_MAX_DATA_SIZE), 1, 1 },
	{ "pcs", TRAMPFD_PCS_OFFSET, 8, TRAMPFD_VALUES_SIZE(TRAMPFD_MAX_PCS), 0, 1 },
};

/* The calls that reach a context. */
enum way { PWRITE, WRITE, PREAD, READ };

static const char *name_of(enum way way, const struct kind *kind)
{
	static const char *const calls[] = { "pwrite", "write", "pread", "read" };
	static char name[32];

	snprintf(name, sizeof name, "v1-%s-%s", calls[way], kind->name);
	return name;
}

static long transfer(enum way way, int fd, void *bytes, size_t count, off_t offset)
{
	if (way == PWRITE)
		return pwrite(fd, bytes, count, offset);
	if (way == PREAD)
		return pread(fd, bytes, count, offset);
	if (lseek(fd, offset, SEEK_SET) != offset)
		bail_out("lseek to %d: %s", (int)offset, errno_name(errno));
	return way == WRITE ? write(fd, bytes, count) : read(fd, bytes, count);
}

/* A context that is right; its size. */
static size_t make_right(const struct kind *kind)
{
	memset(&buffer, 0, sizeof buffer);
	switch (kind->offset) {
	case TRAMPFD_REGS_OFFSET:
		buffer.regs = simple(1, target_chain);
		return TRAMPFD_REGS_SIZE(2);
	case TRAMPFD_STACK_OFFSET:
		buffer.stack.size = 3;
		return TRAMPFD_STACK_SIZE(3);
	case TRAMPFD_PCS_OFFSET:
		buffer.pcs.nvalues = 1;
		buffer.pcs.values[0] = (uintptr_t)target_chain;
		return TRAMPFD_VALUES_SIZE(1);
	default:
		return sizeof buffer.map;
	}
}

/* The system call as it is: trampfd_create_user() gives no choice. */
static long create(const void *user, long flags)
{
	return syscall(SYS_trampfd, (long)TRAMPFD_USER, user, flags, -1L, ~0UL);
}

static void creating(void)
{
	struct trampfd_user user = { 0, 0 };

	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		user.flags = bit;
		expect_errno("v1-create", EINVAL, "flags", create(&user, 0), "flags %#x", bit);
	}
	user.flags = 0;
	user.reserved = 1;
	expect_errno("v1-create", EINVAL, "reserved", create(&user, 0), "reserved is not 0");
	user.reserved = 0;
	expect_errno("v1-create", EINVAL, "third-argument", create(&user, 1), "the third argument is 1");
	expect_errno("v1-create", EFAULT, "user-unreadable", create(unmapped, 0), "the structure is not mapped");
	expect_errno("v1-create", EFAULT, "user-unreadable", create(edge + 4, 0), "half of it is not mapped");
	expect_errno("v1-create", EFAULT, "user-unreadable", create(KERNEL_ADDRESS, 0), "it is the kernel's");

	struct rlimit limit, none;
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	expect_errno("v1-create", EMFILE, "no-descriptor", create(&user, 0), "no descriptor is free");
	setrlimit(RLIMIT_NOFILE, &limit);
	long fd = create(&user, 0);
	expect_success("v1-create", fd >= 0, "by syscall(2): %s", errno_name(errno));
	ok(fcntl((int)fd, F_GETFD) == FD_CLOEXEC, "the descriptor is close-on-exec");
	close((int)fd);
}

static void seeking(void)
{
	static const int whences[] = { SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 5, -1 };
	static const off_t offsets[] = { -1, 4, 5, 16, 0x7fffffff, (off_t)1 << 32, INT64_MAX, INT64_MIN };
	int fd = created();

	for (size_t i = 0; i < sizeof whences / sizeof *whences; i++)
		expect_errno("v1-lseek", EINVAL, "whence", lseek(fd, 0, whences[i]), "whence %d", whences[i]);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
		expect_errno("v1-lseek", EINVAL, "offset", lseek(fd, offsets[i], SEEK_SET), "offset %lld", (long long)offsets[i]);
	for (off_t offset = 0; offset < 4; offset++)
		expect_success("v1-lseek", lseek(fd, offset, SEEK_SET) == offset, "to %d", (int)offset);
	close(fd);
}

/* A call that the context has not at all. */
static void not_there(enum way way, const struct kind *kind)
{
	int fd = created();
	size_t size = make_right(kind);

	expect_errno(name_of(way, kind), EINVAL, "always", transfer(way, fd, &buffer, size, kind->offset), "%zu bytes", size);
	expect_errno(name_of(way, kind), EINVAL, "always", transfer(way, fd, &buffer, kind->header, kind->offset), "a header");
	close(fd);
}

static void transfers(enum way way, const struct kind *kind)
{
	const char *call = name_of(way, kind);
	int fd = created(), writes = way == PWRITE || way == WRITE;
	char *bad = writes ? unmapped : read_only;
	size_t size = make_right(kind), count;

	expect_errno(call, EINVAL, "buffer-null", transfer(way, fd, null, size, kind->offset), "buffer is NULL");
	expect_errno(call, EINVAL, "count-zero", transfer(way, fd, &buffer, 0, kind->offset), "count is 0");
	for (count = 1; count < kind->header; count++)
		expect_errno(call, EINVAL, "count-below", transfer(way, fd, &buffer, count, kind->offset), "count is %zu", count);
	expect_errno(call, EINVAL, "count-above", transfer(way, fd, &buffer, kind->most + 1, kind->offset), "one byte too many");
	expect_errno(call, EINVAL, "count-above", transfer(way, fd, &buffer, 65536, kind->offset), "far too many bytes");
	expect_errno(call, EINVAL, "count-below", transfer(way, fd, unmapped, 1, kind->offset),
	             "the count is judged before the buffer");
	expect_errno(call, EFAULT, "buffer", transfer(way, fd, unmapped, size, kind->offset), "buffer is not mapped");
	expect_errno(call, EFAULT, "buffer", transfer(way, fd, bad, size, kind->offset), "buffer is not to be had");
	expect_errno(call, EFAULT, "buffer", transfer(way, fd, KERNEL_ADDRESS, size, kind->offset), "buffer is the kernel's");
	if (!writes) {
		count = kind->offset == TRAMPFD_MAP_OFFSET ? size : kind->header;
		expect_success(call, transfer(way, fd, &buffer, size, kind->offset) == (long)count, "after all these errors: %s",
		               errno_name(errno));
	} else {
		for (long by = -1; by <= 1; by += 2)
			expect_errno(call, EINVAL, "count-not-as-said",
			             transfer(way, fd, &buffer, size + (size_t)by, kind->offset), "%+ld bytes", by);
		expect_success(call, transfer(way, fd, &buffer, size, kind->offset) == (long)size, "after all these errors: %s",
		               errno_name(errno));
	}
	close(fd);
	expect_errno(call, EBADF, "closed",
	             way == PWRITE || way == PREAD ? transfer(way, fd, &buffer, size, kind->offset)
	             : way == WRITE                ? write(fd, &buffer, size)
	                                           : read(fd, &buffer, size),
	             "the descriptor is closed");
}

static void offsets(void)
{
	static const off_t wrong[] = { -1, 4, 5, 4096, 0x7fffffff, (off_t)1 << 32, INT64_MAX, INT64_MIN };
	int fd = created();
	size_t size = make_right(&kinds[1]);

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		expect_errno("v1-pwrite-regs", EINVAL, "offset", pwrite(fd, &buffer, size, wrong[i]), "at %lld", (long long)wrong[i]);
		expect_errno("v1-pread-regs", EINVAL, "offset", pread(fd, &buffer, size, wrong[i]), "at %lld", (long long)wrong[i]);
	}
	close(fd);
}

/* Tries one wrong value in a context that is right but for it. */
#define REFUSED(kind, row, size, ...) \
	do { \
		(void)make_right(kind); \
		__VA_ARGS__; \
		expect_errno(name_of(way, kind), EINVAL, row, transfer(way, fd, &buffer, size, (kind)->offset), #__VA_ARGS__); \
	} while (0)

#if defined(__x86_64__)
#define OTHER_WIDTH trampfd_user_x32_eip
#elif defined(__i386__)
#define OTHER_WIDTH trampfd_user_x64_rax
#elif defined(__aarch64__)
#define OTHER_WIDTH trampfd_user_arm_pc
#else
#define OTHER_WIDTH trampfd_user_arm64_x0
#endif

static void register_values(enum way way)
{
	const struct kind *regs = &kinds[1];
	int fd = created();
	const size_t two = TRAMPFD_REGS_SIZE(2);

	REFUSED(regs, "reserved", two, buffer.regs.reserved = 1);
	REFUSED(regs, "too-many", TRAMPFD_REGS_SIZE(40), buffer.regs.nregs = 41);
	REFUSED(regs, "too-many", two, buffer.regs.nregs = 0xffffffff);
	REFUSED(regs, "count-not-as-said", two, buffer.regs.nregs = 1);
	REFUSED(regs, "count-not-as-said", two, buffer.regs.nregs = 3);
	REFUSED(regs, "count-not-as-said", two, buffer.regs.nregs = 0);
	REFUSED(regs, "register", two, buffer.regs.regs[0].name = OTHER_WIDTH);
	REFUSED(regs, "register", two, buffer.regs.regs[0].name = 43);
	REFUSED(regs, "register", two, buffer.regs.regs[0].name = 0xffffffff);
	REFUSED(regs, "register-reserved", two, buffer.regs.regs[0].reserved = 1);
	REFUSED(regs, "register-reserved", two, buffer.regs.regs[1].reserved = 0x80000000);
	REFUSED(regs, "no-pc", two, buffer.regs.regs[1].name = CHAIN);
	REFUSED(regs, "pc-zero", two, buffer.regs.regs[1].value = 0);
	if (sizeof(void *) == 4) {
		REFUSED(regs, "value-too-wide", two, buffer.regs.regs[0].value |= (uint64_t)1 << 32);
		REFUSED(regs, "value-too-wide", two, buffer.regs.regs[1].value |= (uint64_t)1 << 63);
	}
	REFUSED(regs, "pc-zero", TRAMPFD_REGS_SIZE(3), add_register(&buffer.regs, PROGRAM_COUNTER, 0));

	struct pcs_context pcs = { 1, 0, { (uintptr_t)target_chain_negated } };
	ok(set_pcs(fd, &pcs) == 0, "another target is the only one that is allowed");
	REFUSED(regs, "pc-not-allowed", two, (void)0);
	pcs.nvalues = 0;
	ok(set_pcs(fd, &pcs) == 0, "all are allowed");
	expect_success(name_of(way, regs), transfer(way, fd, &buffer, make_right(regs), regs->offset) == (long)two,
	               "after all these errors: %s", errno_name(errno));
	(void)make_right(regs);
	buffer.regs.nregs = 0;
	expect_row(name_of(way, regs), "removed", transfer(way, fd, &buffer, 8, regs->offset) == 8, "with no registers");
	close(fd);
}

static void stack_values(enum way way)
{
	const struct kind *stack = &kinds[2];
	int fd = created();
	const size_t three = TRAMPFD_STACK_SIZE(3);

	REFUSED(stack, "reserved", three, buffer.stack.reserved = 1);
	REFUSED(stack, "flags", three, buffer.stack.flags = 2);
	REFUSED(stack, "flags", three, buffer.stack.flags = 0x80000001);
	REFUSED(stack, "stack-offset", three, buffer.stack.offset = 257);
	REFUSED(stack, "stack-offset", three, buffer.stack.offset = 0xffffffff);
	REFUSED(stack, "too-many", TRAMPFD_STACK_SIZE(64), buffer.stack.size = 65);
	REFUSED(stack, "too-many", three, buffer.stack.size = 0xffffffff);
	REFUSED(stack, "count-not-as-said", three, buffer.stack.size = 2);
	REFUSED(stack, "count-not-as-said", three, buffer.stack.size = 4);
	(void)make_right(stack);
	buffer.stack.offset = 256;
	buffer.stack.flags = TRAMPFD_SET_SP;
	expect_success(name_of(way, stack), transfer(way, fd, &buffer, three, stack->offset) == (long)three,
	               "the largest offset, and the flag: %s", errno_name(errno));
	memset(&buffer, 0, sizeof buffer);
	expect_row(name_of(way, stack), "removed", transfer(way, fd, &buffer, 16, stack->offset) == 16, "with no data");
	close(fd);
}

static void pcs_values(enum way way)
{
	const struct kind *pcs = &kinds[3];
	int fd = created();
	const size_t one = TRAMPFD_VALUES_SIZE(1);

	REFUSED(pcs, "reserved", one, buffer.pcs.reserved = 1);
	REFUSED(pcs, "too-many", TRAMPFD_VALUES_SIZE(16), buffer.pcs.nvalues = 17);
	REFUSED(pcs, "count-not-as-said", one, buffer.pcs.nvalues = 2);
	REFUSED(pcs, "value-zero", one, buffer.pcs.values[0] = 0);
	REFUSED(pcs, "value-zero", TRAMPFD_VALUES_SIZE(2), buffer.pcs.nvalues = 2);
	memset(&buffer, 0, sizeof buffer);
	expect_row(name_of(way, pcs), "removed", transfer(way, fd, &buffer, 8, pcs->offset) == 8, "with no values");
	close(fd);
}

static long try_map(size_t length, uint32_t protection, uint32_t flags, int fd, off_t offset)
{
	void *base = mmap(NULL, length, (int)protection, (int)flags, fd, offset);
	if (base == MAP_FAILED)
		return -1;
	munmap(base, length);
	return 0;
}

static void mapping(void)
{
	struct trampfd_map map;
	int fd = created();
	size_t page = (size_t)page_size;

	ok(pread(fd, &map, sizeof map, TRAMPFD_MAP_OFFSET) == sizeof map && map.reserved == 0, "its mapping parameters");
	ok(map.size > 0 && map.size % page == 0 && map.offset % page == 0, "size %u, offset %u", map.size, map.offset);
	ok(map.ioffset < map.size, "it is called within the mapping: %u", map.ioffset);
	ok(map.flags == MAP_PRIVATE || map.flags == MAP_SHARED, "flags %#x", map.flags);
	ok((map.prot & PROT_WRITE) == 0, "protection %u is not writable", map.prot);
	freedom("v1-map", "%u pages, protection %u, flags %u", map.size / (uint32_t)page, map.prot, map.flags);
	expect_success("v1-mmap", try_map(map.size, map.prot, map.flags, fd, map.offset) == 0, "as it says: %s",
	               errno_name(errno));
	expect_errno("v1-mmap", EINVAL, "length", try_map(0, map.prot, map.flags, fd, map.offset), "length 0");
	expect_errno("v1-mmap", EINVAL, "length", try_map(map.size + 1, map.prot, map.flags, fd, map.offset), "a byte more");
	expect_errno("v1-mmap", EINVAL, "length", try_map(map.size + page, map.prot, map.flags, fd, map.offset), "a page more");
	if (map.size > page)
		expect_errno("v1-mmap", EINVAL, "length", try_map(map.size - page, map.prot, map.flags, fd, map.offset), "a page less");
	expect_errno("v1-mmap", EINVAL, "offset", try_map(map.size, map.prot, map.flags, fd, map.offset + page_size),
	             "a page further");
	for (uint32_t protection = 0; protection < 4; protection++)
		if (protection != map.prot)
			expect_errno("v1-mmap", EINVAL, "protection", try_map(map.size, protection, map.flags, fd, map.offset),
			             "protection %u", protection);
	expect_errno("v1-mmap", EINVAL, "flags", try_map(map.size, map.prot, map.flags | MAP_POPULATE, fd, map.offset),
	             "MAP_POPULATE");
	expect_errno("v1-mmap", EINVAL, "flags", try_map(map.size, map.prot, map.flags | MAP_NORESERVE, fd, map.offset),
	             "MAP_NORESERVE");
	expect_errno("v1-mmap", EINVAL, "flags", try_map(map.size, map.prot, 0, fd, map.offset), "no flags");
	close(fd);
	expect_errno("v1-mmap", EBADF, "closed", try_map(map.size, map.prot, map.flags, fd, map.offset),
	             "the descriptor is closed");
}

int main(void)
{
	require_contexts();
	make_pointers();
	creating();
	seeking();
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (enum way way = PWRITE; way <= READ; way++)
			if (way == PWRITE || way == WRITE ? kinds[i].writable : kinds[i].readable)
				transfers(way, &kinds[i]);
			else
				not_there(way, &kinds[i]);
	offsets();
	for (enum way way = PWRITE; way <= WRITE; way++) {
		register_values(way);
		stack_values(way);
		pcs_values(way);
	}
	mapping();
	return done();
}
