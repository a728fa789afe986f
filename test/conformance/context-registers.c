/*
 * Register contexts, executed: every register that has a name takes its value, alone and with all others, the program
 * counter goes to its target, and what the context does not name arrives as the caller left it: registers, stack pointer,
 * flags and vector registers.
 */
#define _GNU_SOURCE
#include "contexts.h"

static struct user user;

static void choose_state(void)
{
	for (int i = 0; i < WORD_REGISTERS; i++) {
		before[i] = random_word();
		after[i] = ~before[i];
	}
	for (int i = 0; i < VECTOR_BYTES; i++)
		vectors_before[i] = (unsigned char)random_word();
	memset(vectors_after, 0, sizeof vectors_after);
	flags_before = (random_word() & FLAGS_MASK) | FLAGS_SET;
	flags_after = ~flags_before;
	slot_address = user_address(&user);
	before[STACK_POINTER] &= ~15ul;
#ifdef JUMP_REGISTER
	before[JUMP_REGISTER] = slot_address;
#endif
}

/* Room for calls: without a stack context nothing of it may be touched. */
static unsigned char stack[4096] __attribute__((aligned(64)));

/* Calls with a context in a random state; what is wrong with the state that its target finds, or NULL. */
static const char *wrong(const struct registers_context *context)
{
	static char text[128];
	uintptr_t target = 0;

	choose_state();
	before[STACK_POINTER] = (unsigned long)(uintptr_t)(stack + 2048);
	memset(stack, 0x5a, sizeof stack);
	run_slot_with_vectors();
	for (uint32_t n = 0; n < context->nregs; n++)
		if (context->regs[n].name == PROGRAM_COUNTER)
			target = (uintptr_t)context->regs[n].value;
	if (reached != target)
		return "another target is reached";
	for (int i = 0; i < WORD_REGISTERS; i++) {
		unsigned long right = before[i];
		for (uint32_t n = 0; n < context->nregs; n++)
			if ((int)context->regs[n].name == registers[i].user)
				right = (unsigned long)context->regs[n].value;
		if (after[i] != right) {
			snprintf(text, sizeof text, "%s is %#lx, not %#lx", registers[i].name, after[i], right);
			return text;
		}
	}
	if (((flags_before ^ flags_after) & FLAGS_MASK) != 0)
		return "the flags have changed";
#if defined(__x86_64__) || defined(__i386__)
	if (memcmp(vectors_before, vectors_after, VECTOR_BYTES) != 0)
		return "a vector register has changed";
#endif
	/* What lies below the stack pointer is nobody's. */
	for (size_t i = 2048; i < sizeof stack; i++)
		if (stack[i] != 0x5a)
			return "the caller's stack has changed";
	return NULL;
}

static uintptr_t some_target(void)
{
	return (uintptr_t)(random_word() & 1 ? target_0 : target_1);
}

/* Sets a context and calls; what is wrong. */
static const char *tried(const struct registers_context *context)
{
	if (set_registers(user.fd, context) != 0)
		return errno_name(errno);
	return wrong(context);
}

static void each_register(void)
{
	char row[32];

	for (int i = 0; i < WORD_REGISTERS; i++) {
		const char *fault = NULL;
		if (registers[i].user < 0)
			continue;
		for (int round = 0; round < 8 && fault == NULL; round++) {
			struct registers_context context = { 0, 0, { { 0, 0, 0 } } };
			int first = round % 2;
			if (first)
				add_register(&context, PROGRAM_COUNTER, some_target());
			add_register(&context, registers[i].user, round < 2 ? (uintptr_t)-round : random_word());
			if (!first)
				add_register(&context, PROGRAM_COUNTER, some_target());
			fault = tried(&context);
		}
		snprintf(row, sizeof row, "register-%s", registers[i].name);
		expect_row("v1-call", row, fault == NULL, "%s alone: %s", registers[i].name, fault ? fault : "as it should be");
	}
}

static void only_the_program_counter(void)
{
	struct registers_context context = { 0, 0, { { 0, 0, 0 } } };

	add_register(&context, PROGRAM_COUNTER, (uintptr_t)target_1);
	const char *fault = tried(&context);
	expect_row("v1-call", "register-pc", fault == NULL, "the program counter alone: %s", fault ? fault : "as it should be");
}

static void all_registers(void)
{
	const char *fault = NULL;

	for (int round = 0; round < 50 && fault == NULL; round++) {
		struct registers_context context = { 0, 0, { { 0, 0, 0 } } };
		for (int i = 0; i < WORD_REGISTERS; i++)
			if (registers[i].user >= 0)
				add_register(&context, registers[i].user, random_word());
		add_register(&context, PROGRAM_COUNTER, some_target());
		fault = tried(&context);
#ifdef __aarch64__
		/* A jump needs a register: an implementation may refuse a context that leaves it none. */
		if (fault != NULL && strcmp(fault, "EINVAL") == 0) {
			freedom("v1-all-registers", "EINVAL");
			return;
		}
#endif
	}
	freedom("v1-all-registers", "%s", fault == NULL ? "accepted" : fault);
	expect_success("v1-call", fault == NULL, "all registers: %s", fault ? fault : "as it should be");
}

/* Any choice of registers, in any order, some of them twice: the last one counts. */
static void any_registers(void)
{
	const char *fault = NULL;
	int rounds = 0;

	for (; rounds < 300 && fault == NULL; rounds++) {
		struct registers_context context = { 0, 0, { { 0, 0, 0 } } };
		uint32_t number = 1 + (uint32_t)random_word() % TRAMPFD_MAX_REGS;
		uint32_t pc = (uint32_t)random_word() % number;
		for (uint32_t n = 0; n < number; n++) {
			int i = (int)((uint32_t)random_word() % WORD_REGISTERS);
			if (n == pc || registers[i].user < 0)
				add_register(&context, PROGRAM_COUNTER, some_target());
#ifdef __aarch64__
			else if (strcmp(registers[i].name, "x16") == 0)
				add_register(&context, PROGRAM_COUNTER, some_target());
#endif
			else
				add_register(&context, registers[i].user, random_word());
		}
		fault = tried(&context);
	}
	expect_row("v1-call", "last-of-a-name", fault == NULL, "%d contexts at random, registers twice: %s", rounds,
	           fault ? fault : "as they should be");
}

int main(void)
{
	require_contexts();
	user_open(&user);
	only_the_program_counter();
	each_register();
	all_registers();
	any_registers();
	user_close(&user);
	return done();
}
