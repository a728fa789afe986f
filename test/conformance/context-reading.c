/*
 * Contexts are read back: exactly as they were written, as much as the count allows, as often as one likes. Neither reads
 * nor writes move the position.
 */
#define _GNU_SOURCE
#include "contexts.h"

static int fd;

static int is_zero(const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (((const unsigned char *)bytes)[i] != 0)
			return 0;
	return 1;
}

/* Reads a context with every count from its header to the largest there is, and compares. */
static void expect_context(const char *call, const void *context, size_t size, size_t header, size_t most, off_t offset)
{
	int wrong = 0;

	for (size_t count = header; count <= most; count++) {
		unsigned char bytes[1024];
		size_t right = count < size ? count : size;
		memset(bytes, 0xa5, sizeof bytes);
		wrong += pread(fd, bytes, count, offset) != (ssize_t)right || memcmp(bytes, context, right) != 0;
		for (size_t i = right; i < sizeof bytes; i++)
			wrong += bytes[i] != 0xa5;
		memset(bytes, 0xa5, sizeof bytes);
		wrong += lseek(fd, offset, SEEK_SET) != offset || read(fd, bytes, count) != (ssize_t)right ||
		         memcmp(bytes, context, right) != 0;
	}
	expect_row(call, "as-written", wrong == 0, "%zu bytes, with counts of %zu to %zu: %d wrong", size, header, most, wrong);
}

static void expect_registers(const struct registers_context *context)
{
	expect_context("v1-pread-regs", context, TRAMPFD_REGS_SIZE(context->nregs), 8, TRAMPFD_REGS_SIZE(TRAMPFD_MAX_REGS),
	               TRAMPFD_REGS_OFFSET);
}

static void expect_stack(const struct stack_context *context)
{
	expect_context("v1-pread-stack", context, TRAMPFD_STACK_SIZE(context->size), 16,
	               TRAMPFD_STACK_SIZE(TRAMPFD_MAX_DATA_SIZE), TRAMPFD_STACK_OFFSET);
}

static void registers_read(void)
{
	struct registers_context none, context;

	memset(&none, 0, sizeof none);
	expect_registers(&none);
	context = simple(77, target_chain);
	ok(set_registers(fd, &context) == 0, "two registers are set");
	expect_registers(&context);
	while (context.nregs < TRAMPFD_MAX_REGS)
		add_register(&context, context.nregs % 2 ? CHAIN : PROGRAM_COUNTER, random_word() | 1);
	ok(set_registers(fd, &context) == 0, "forty, each name many times: %s", errno_name(errno));
	expect_registers(&context);
	struct registers_context bad = simple(1, target_chain);
	bad.regs[0].reserved = 1;
	expect_errno("v1-pwrite-regs", EINVAL, "register-reserved", set_registers(fd, &bad), "a bad context");
	expect_registers(&context);
	ok(set_registers(fd, &none) == 0, "removed");
	expect_registers(&none);
}

static void stack_read(void)
{
	struct stack_context none, context;

	memset(&none, 0, sizeof none);
	memset(&context, 0, sizeof context);
	expect_stack(&none);
	context.flags = TRAMPFD_SET_SP;
	context.offset = 200;
	for (context.size = 1; context.size < TRAMPFD_MAX_DATA_SIZE; context.size += 21)
		context.data[context.size] = (uint8_t)context.size;
	context.size = TRAMPFD_MAX_DATA_SIZE;
	ok(set_stack(fd, &context) == 0, "all the data that there may be: %s", errno_name(errno));
	expect_stack(&context);
	context.size = 7;
	context.flags = 0;
	ok(set_stack(fd, &context) == 0, "less of it");
	expect_stack(&context);
	ok(set_stack(fd, &none) == 0, "removed");
	expect_stack(&none);
}

static void mapping_read(void)
{
	struct trampfd_map first, second;

	expect_success("v1-pread-map", pread(fd, &first, sizeof first, TRAMPFD_MAP_OFFSET) == sizeof first, "24 bytes: %s",
	               errno_name(errno));
	ok(!is_zero(&first, sizeof first) && first.reserved == 0, "which say something");
	ok(set_simple(fd, 1, target_chain) == 0, "a context is set");
	expect_success("v1-read-map", lseek(fd, TRAMPFD_MAP_OFFSET, SEEK_SET) == TRAMPFD_MAP_OFFSET &&
	               read(fd, &second, sizeof second) == sizeof second, "by lseek and read: %s", errno_name(errno));
	ok(memcmp(&first, &second, sizeof first) == 0, "the parameters are the same with and without a context");
}

/* The position stays where lseek has put it, whatever is read and written. */
static void position(void)
{
	struct registers_context context = simple(1, target_chain);
	struct stack_context stack = { 0, 0, 2, 0, { 1, 2 } };
	size_t size = TRAMPFD_REGS_SIZE(2);
	char bytes[1024];

	ok(lseek(fd, TRAMPFD_REGS_OFFSET, SEEK_SET) == TRAMPFD_REGS_OFFSET, "at the registers");
	expect_success("v1-write-regs", write(fd, &context, size) == (ssize_t)size && write(fd, &context, size) == (ssize_t)size,
	               "twice: %s", errno_name(errno));
	expect_success("v1-read-regs", read(fd, bytes, size) == (ssize_t)size && read(fd, bytes, size) == (ssize_t)size,
	               "twice: %s", errno_name(errno));
	expect_success("v1-pwrite-stack", set_stack(fd, &stack) == 0, "elsewhere: %s", errno_name(errno));
	expect_success("v1-pread-map", pread(fd, bytes, 24, TRAMPFD_MAP_OFFSET) == 24, "elsewhere: %s", errno_name(errno));
	expect_success("v1-read-regs", read(fd, bytes, size) == (ssize_t)size && memcmp(bytes, &context, size) == 0,
	               "still there: %s", errno_name(errno));
}

int main(void)
{
	require_contexts();
	fd = created();
	registers_read();
	stack_read();
	mapping_read();
	position();
	close(fd);
	return done();
}
