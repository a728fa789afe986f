/* One trampoline of version 1 for the benchmark programs, over trampfd.h. x86-64. */
#ifndef TRAMPFD_BENCH_CONTEXT_H
#define TRAMPFD_BENCH_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

enum { CONTEXT_MOST_REGISTERS = 15 };

/* Sets the target, and `count` registers from r10 on to `value`. 0, or -1 with errno. */
static inline int context_set(int trampoline, void *target, int count, uintptr_t value)
{
	struct {
		uint32_t count, reserved;
		struct trampfd_reg registers[1 + CONTEXT_MOST_REGISTERS];
	} context = {1 + (uint32_t)count, 0, {{trampfd_user_x64_rip, 0, (uintptr_t)target}}};
	for (int index = 0; index < count; index++)
		context.registers[1 + index] = (struct trampfd_reg){trampfd_user_x64_r10 + (uint32_t)index, 0, value};
	const size_t size = TRAMPFD_REGS_SIZE(context.count);
	return pwrite(trampoline, &context, size, TRAMPFD_REGS_OFFSET) == (ssize_t)size ? 0 : -1;
}

/* Sets eight bytes for the stack, which stay below the stack pointer. 0, or -1 with errno. */
static inline int context_set_stack(int trampoline)
{
	struct {
		uint32_t flags, offset, size, reserved;
		uint8_t data[8];
	} context = {0, 64, 8, 0, "context"};
	return pwrite(trampoline, &context, sizeof context, TRAMPFD_STACK_OFFSET) == sizeof context ? 0 : -1;
}

/* Maps it as it wants to be mapped: the address to call, and the mapping in *base; NULL with errno. */
static inline void *context_map(int trampoline, struct trampfd_map *how, void **base)
{
	if (pread(trampoline, how, sizeof *how, TRAMPFD_MAP_OFFSET) != sizeof *how)
		return NULL;
	*base = mmap(NULL, how->size, (int)how->prot, (int)how->flags, trampoline, how->offset);
	return *base == MAP_FAILED ? NULL : (char *)*base + how->ioffset;
}

#endif
