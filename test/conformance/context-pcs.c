/*
 * Allowed PCs: once they are set, register contexts with another target are refused. A context that is there stays, and
 * the list can be replaced and removed.
 */
#define _GNU_SOURCE
#include "contexts.h"

static struct user user;

static int allow(uint32_t number, const uintptr_t *values)
{
	struct pcs_context context = { number, 0, { 0 } };

	for (uint32_t i = 0; i < number; i++)
		context.values[i] = values[i];
	return set_pcs(user.fd, &context);
}

int main(void)
{
	uintptr_t plain = (uintptr_t)target_chain, negated = (uintptr_t)target_chain_negated;
	uintptr_t many[TRAMPFD_MAX_PCS];
	char bytes[64];

	require_contexts();
	user_open(&user);
	ok(set_simple(user.fd, 5, target_chain) == 0, "a context before there is a list");
	expect_success("v1-pwrite-pcs", allow(1, &negated) == 0, "a list without its target: %s", errno_name(errno));
	expect_success("v1-call", user_call(&user) == 5, "of the context that was there before the list");
	expect_errno("v1-pwrite-regs", EINVAL, "pc-not-allowed", set_simple(user.fd, 6, target_chain), "the same target again");
	expect_success("v1-call", user_call(&user) == 5, "which has changed nothing");
	ok(set_simple(user.fd, 7, target_chain_negated) == 0, "a target of the list: %s", errno_name(errno));
	expect_success("v1-call", user_call(&user) == ~(uintptr_t)7, "of the allowed target");

	/* Where a name comes twice, the last counts: so it is with what is judged. */
	struct registers_context twice = simple(8, target_chain);
	add_register(&twice, PROGRAM_COUNTER, negated);
	ok(set_registers(user.fd, &twice) == 0 && user_call(&user) == ~(uintptr_t)8, "the last target is the one that is judged");
	twice = simple(9, target_chain_negated);
	add_register(&twice, PROGRAM_COUNTER, plain);
	expect_errno("v1-pwrite-regs", EINVAL, "pc-not-allowed", set_registers(user.fd, &twice), "so the first does not help");

	for (int i = 0; i < TRAMPFD_MAX_PCS; i++)
		many[i] = i == TRAMPFD_MAX_PCS - 1 ? plain : 1000 + (uintptr_t)i;
	expect_success("v1-pwrite-pcs", allow(TRAMPFD_MAX_PCS, many) == 0, "sixteen, in the place of one: %s", errno_name(errno));
	ok(set_simple(user.fd, 10, target_chain) == 0 && user_call(&user) == 10, "the last of sixteen is allowed");
	expect_errno("v1-pwrite-regs", EINVAL, "pc-not-allowed", set_simple(user.fd, 11, target_chain_negated),
	             "what the list before had allowed");
	struct registers_context none = { 0, 0, { { 0, 0, 0 } } };
	ok(set_registers(user.fd, &none) == 0, "the registers may be removed under any list: %s", errno_name(errno));

	expect_errno("v1-pread-pcs", EINVAL, "always", pread(user.fd, bytes, 16, TRAMPFD_PCS_OFFSET), "the list is not read");
	expect_success("v1-pwrite-pcs", allow(0, NULL) == 0, "none: the list is removed");
	ok(set_simple(user.fd, 12, target_chain_negated) == 0 && user_call(&user) == ~(uintptr_t)12, "and all is allowed");
	user_close(&user);
	return done();
}
