/*
 * What the programs about contexts share: a trampoline of the interface's first version, and its contexts.
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#include "machine/machine.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "tap.h"

/* Contexts with room for all that they may hold. */
struct registers_context {
	uint32_t nregs, reserved;
	struct trampfd_reg regs[TRAMPFD_MAX_REGS + 1];
};

struct stack_context {
	uint32_t flags, offset, size, reserved;
	uint8_t data[TRAMPFD_MAX_DATA_SIZE + 1];
};

struct pcs_context {
	uint32_t nvalues, reserved;
	uint64_t values[TRAMPFD_MAX_PCS + 1];
};

/* A trampoline. */
struct user {
	int fd;
	struct trampfd_map map;
	char *base;
};

/* A register for a word of the program's: any that a function may change, and that no argument is in. */
#if defined(__x86_64__)
#define CHAIN trampfd_user_x64_r10
#elif defined(__i386__)
#define CHAIN trampfd_user_x32_ecx
#elif defined(__aarch64__)
#define CHAIN trampfd_user_arm64_x17
#else
#define CHAIN trampfd_user_arm_ip
#endif

/* Gives what is in CHAIN. */
uintptr_t target_chain(void);
uintptr_t target_chain_negated(void);

#if defined(__x86_64__)
__asm__(".text\n"
        "target_chain: endbr64; mov %r10, %rax; ret\n"
        "target_chain_negated: endbr64; mov %r10, %rax; not %rax; ret\n");
#elif defined(__i386__)
__asm__(".text\n"
        "target_chain: endbr32; mov %ecx, %eax; ret\n"
        "target_chain_negated: endbr32; mov %ecx, %eax; not %eax; ret\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        "target_chain: hint #34; mov x0, x17; ret\n"
        "target_chain_negated: hint #34; mvn x0, x17; ret\n");
#else
__asm__(".text\n"
        ".arm\n"
        ".type target_chain, %function\n"
        "target_chain: mov r0, r12; bx lr\n"
        ".type target_chain_negated, %function\n"
        "target_chain_negated: mvn r0, r12; bx lr\n");
#endif

TAP_UNUSED static uint64_t random_state = 0x9e3779b97f4a7c15u;

TAP_UNUSED static uintptr_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uintptr_t)(random_state * 0x2545f4914f6cdd1du >> (sizeof(uintptr_t) == 8 ? 0 : 32));
}

/* Creates a trampoline, or ends the program: there is nothing to be judged then. */
TAP_UNUSED static int created(void)
{
	int fd = trampfd_create_user();

	if (fd < 0)
		bail_out("trampfd_create_user() gives no trampoline: %s", errno_name(errno));
	return fd;
}

/* Begins the program: somebody has to answer. */
TAP_UNUSED static void require_contexts(void)
{
	close(created());
}

TAP_UNUSED static void add_register(struct registers_context *context, int name, uintptr_t value)
{
	struct trampfd_reg entry = { (uint32_t)name, 0, value };
	context->regs[context->nregs++] = entry;
}

/* A context of two registers: a word, and a target. */
TAP_UNUSED static struct registers_context simple(uintptr_t word, uintptr_t (*target)(void))
{
	struct registers_context context;

	memset(&context, 0, sizeof context);
	add_register(&context, CHAIN, word);
	add_register(&context, PROGRAM_COUNTER, (uintptr_t)target);
	return context;
}

/* Each sets a context. Returns 0, or -1 with errno. */
TAP_UNUSED static int set_registers(int fd, const struct registers_context *context)
{
	ssize_t size = (ssize_t)TRAMPFD_REGS_SIZE(context->nregs);
	return pwrite(fd, context, (size_t)size, TRAMPFD_REGS_OFFSET) == size ? 0 : -1;
}

TAP_UNUSED static int set_simple(int fd, uintptr_t word, uintptr_t (*target)(void))
{
	struct registers_context context = simple(word, target);
	return set_registers(fd, &context);
}

TAP_UNUSED static int set_stack(int fd, const struct stack_context *context)
{
	ssize_t size = (ssize_t)TRAMPFD_STACK_SIZE(context->size);
	return pwrite(fd, context, (size_t)size, TRAMPFD_STACK_OFFSET) == size ? 0 : -1;
}

TAP_UNUSED static int set_pcs(int fd, const struct pcs_context *context)
{
	ssize_t size = (ssize_t)TRAMPFD_VALUES_SIZE(context->nvalues);
	return pwrite(fd, context, (size_t)size, TRAMPFD_PCS_OFFSET) == size ? 0 : -1;
}

/* Reads how a trampoline wants to be mapped, and maps it so. Returns 0, or -1 with errno. */
TAP_UNUSED static int user_map(struct user *user)
{
	if (pread(user->fd, &user->map, sizeof user->map, TRAMPFD_MAP_OFFSET) != sizeof user->map)
		return -1;
	void *base = mmap(NULL, user->map.size, (int)user->map.prot, (int)user->map.flags, user->fd, user->map.offset);
	if (base == MAP_FAILED)
		return -1;
	user->base = (char *)base;
	return 0;
}

TAP_UNUSED static int user_unmap(struct user *user)
{
	return munmap(user->base, user->map.size);
}

TAP_UNUSED static uintptr_t user_address(const struct user *user)
{
	return (uintptr_t)user->base + user->map.ioffset;
}

TAP_UNUSED static uintptr_t user_call(const struct user *user)
{
	return ((uintptr_t (*)(void))user_address(user))();
}

/* Creates and maps a trampoline, or ends the program. */
TAP_UNUSED static void user_open(struct user *user)
{
	user->fd = created();
	if (user_map(user) != 0)
		bail_out("a trampoline cannot be mapped: %s", errno_name(errno));
}

TAP_UNUSED static void user_close(struct user *user)
{
	ok(user_unmap(user) == 0 && close(user->fd) == 0, "dropped");
}

#endif
