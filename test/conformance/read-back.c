/*
 * The sequence that the proposal's author gave on 3 August 2020 against an attacker who can change the data that contexts
 * are made of: create, set the contexts, map, read them back and compare them with what is meant, and only then call.
 */
#define _GNU_SOURCE
#include "contexts.h"

/* What is meant: made before anything can have gone wrong, and read-only from then on. */
static const struct meant {
	struct registers_context regs;
	struct stack_context stack;
} *meant;

/* What the contexts are set from: ordinary memory, which an overflow may reach. */
static struct meant made;

static void write_down(void)
{
	size_t page = (size_t)getpagesize();
	struct meant *page_of_it = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page_of_it == MAP_FAILED)
		bail_out("memory: %s", errno_name(errno));
	page_of_it->regs = simple(2020, target_chain);
	page_of_it->stack = (struct stack_context){ 0, 128, 4, 0, { 3, 8, 20, 20 } };
	if (mprotect(page_of_it, page, PROT_READ) != 0)
		bail_out("mprotect: %s", errno_name(errno));
	meant = page_of_it;
}

static int is_as_meant(int fd)
{
	struct meant found;
	ssize_t regs = (ssize_t)TRAMPFD_REGS_SIZE(meant->regs.nregs), stack = (ssize_t)TRAMPFD_STACK_SIZE(meant->stack.size);

	memset(&found, 0, sizeof found);
	return pread(fd, &found.regs, TRAMPFD_REGS_SIZE(TRAMPFD_MAX_REGS), TRAMPFD_REGS_OFFSET) == regs &&
	       pread(fd, &found.stack, TRAMPFD_STACK_SIZE(TRAMPFD_MAX_DATA_SIZE), TRAMPFD_STACK_OFFSET) == stack &&
	       memcmp(&found.regs, &meant->regs, (size_t)regs) == 0 && memcmp(&found.stack, &meant->stack, (size_t)stack) == 0;
}

/* The sequence; gives what the call gives, or 0 where the check says not to call. */
static uintptr_t sequence(void (*attack_before)(void), void (*attack_after)(int fd))
{
	struct user user;
	uintptr_t result = 0;

	user.fd = created();
	made = *meant;
	if (attack_before != NULL)
		attack_before();
	if (set_registers(user.fd, &made.regs) != 0 || set_stack(user.fd, &made.stack) != 0)
		bail_out("the contexts: %s", errno_name(errno));
	if (user_map(&user) != 0)
		bail_out("the mapping: %s", errno_name(errno));
	if (attack_after != NULL)
		attack_after(user.fd);
	if (is_as_meant(user.fd))
		result = user_call(&user);
	user_unmap(&user);
	close(user.fd);
	return result;
}

static void change_value(void)
{
	made.regs.regs[0].value = 666;
}

static void change_target(void)
{
	made.regs.regs[1].value = (uintptr_t)target_chain_negated;
}

static void add_value(void)
{
	add_register(&made.regs, CHAIN, 666);
}

static void change_data(void)
{
	made.stack.data[3] ^= 1;
}

static void change_offset(void)
{
	made.stack.offset++;
}

static void set_again(int fd)
{
	set_simple(fd, 666, target_chain);
}

static void remove_stack(int fd)
{
	struct stack_context none;

	memset(&none, 0, sizeof none);
	set_stack(fd, &none);
}

/* What the buffer becomes once the contexts are set is of no account. */
static void change_buffer(int fd)
{
	(void)fd;
	memset(&made, 0x41, sizeof made);
}

int main(void)
{
	require_contexts();
	write_down();
	expect_row("v1-call", "read-back", sequence(NULL, NULL) == 2020, "what is read back is what is meant");
	expect_row("v1-call", "read-back", sequence(NULL, change_buffer) == 2020, "the buffer is changed when it is used no more");
	ok(sequence(change_value, NULL) == 0, "another value is noticed before the call");
	ok(sequence(change_target, NULL) == 0, "another target is noticed");
	ok(sequence(add_value, NULL) == 0, "one register more is noticed");
	ok(sequence(change_data, NULL) == 0, "other data for the stack is noticed");
	ok(sequence(change_offset, NULL) == 0, "another place for it is noticed");
	ok(sequence(NULL, set_again) == 0, "a context that is set again is noticed");
	ok(sequence(NULL, remove_stack) == 0, "a context that is removed is noticed");
	return done();
}
