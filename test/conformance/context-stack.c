/*
 * Stack contexts, executed: the data is put below the stack pointer, at its offset, of every size; the pointer stays, or
 * moves to the data, aligned as a function's entry wants it. Above it nothing changes.
 */
#define _GNU_SOURCE
#include "contexts.h"

static struct user user;
static unsigned char stack[8192] __attribute__((aligned(64)));
enum { TOP = 4096 };

#if defined(__x86_64__)
#define ALIGNED(address) (((address) & ~15ul) - 8)
#elif defined(__i386__)
#define ALIGNED(address) ((((address) + 4) & ~15ul) - 4)
#elif defined(__aarch64__)
#define ALIGNED(address) ((address) & ~15ul)
#else
#define ALIGNED(address) ((address) & ~7ul)
#endif

/* The stack pointer of arm64 has to be aligned wherever it is used. */
#ifdef __aarch64__
enum { STEP = 16 };
#else
enum { STEP = 1 };
#endif

/* Whether anything but the data was ever written below the stack pointer. */
static int changed_below;

/* Calls at a stack pointer; what is wrong with what the target finds, or NULL. */
static const char *wrong(const struct stack_context *context, uintptr_t pointer)
{
	static char text[128];

	for (int i = 0; i < WORD_REGISTERS; i++)
		before[i] = random_word();
	before[STACK_POINTER] = pointer;
	slot_address = user_address(&user);
#ifdef JUMP_REGISTER
	before[JUMP_REGISTER] = slot_address;
#endif
	flags_before = (random_word() & FLAGS_MASK) | FLAGS_SET;
	memset(stack, 0x5a, sizeof stack);
	run_slot();

	uintptr_t at = pointer - context->size - context->offset;
	if (context->flags & TRAMPFD_SET_SP)
		at = ALIGNED(at);
	uintptr_t moved = context->flags & TRAMPFD_SET_SP ? at : pointer;
	if (reached != (uintptr_t)target_0)
		return "another target is reached";
	if (after[STACK_POINTER] != moved) {
		snprintf(text, sizeof text, "the stack pointer is %#lx, not %#lx", after[STACK_POINTER], (unsigned long)moved);
		return text;
	}
	for (int i = 0; i < WORD_REGISTERS; i++)
		if (i != STACK_POINTER && registers[i].user != CHAIN && after[i] != before[i])
			return registers[i].name;
	if (((flags_before ^ flags_after) & FLAGS_MASK) != 0)
		return "the flags have changed";
	if (memcmp((void *)at, context->data, context->size) != 0)
		return "the data is not there";
	/* What the caller has above its stack pointer is its own. Below lies nothing that a call would leave alone. */
	for (unsigned char *byte = (unsigned char *)pointer; byte < stack + sizeof stack; byte++)
		if (*byte != 0x5a)
			return "the caller's stack has changed";
	for (unsigned char *byte = stack; byte < (unsigned char *)pointer; byte++)
		if (*byte != 0x5a && (byte < (unsigned char *)at || byte >= (unsigned char *)at + context->size))
			changed_below = 1;
	return NULL;
}

static void fill(struct stack_context *context, uint32_t flags, uint32_t offset, uint32_t size)
{
	memset(context, 0, sizeof *context);
	context->flags = flags;
	context->offset = offset;
	context->size = size;
	for (uint32_t i = 0; i < size; i++)
		context->data[i] = (uint8_t)(random_word() | 1);
}

/* Sets a context and calls at 16 neighbouring stack pointers; what is wrong, or NULL. */
static const char *tried(uint32_t flags, uint32_t offset, uint32_t size)
{
	struct stack_context context;
	const char *fault = NULL;

	fill(&context, flags, offset, size);
	if (set_stack(user.fd, &context) != 0)
		return errno_name(errno);
	for (uintptr_t by = 0; by < 16 && fault == NULL; by += STEP)
		fault = wrong(&context, (uintptr_t)(stack + TOP) + by);
	return fault;
}

static void sizes(uint32_t flags)
{
	static const uint32_t offsets[] = { 0, 1, 8, 255, 256 };

	for (uint32_t size = 1; size <= TRAMPFD_MAX_DATA_SIZE; size++) {
		const char *fault = NULL;
		for (size_t i = 0; i < sizeof offsets / sizeof *offsets && fault == NULL; i++)
			fault = tried(flags, offsets[i], size);
		expect_row("v1-call", "stack-sizes", fault == NULL, "%u bytes on the stack, flags %u: %s", size, flags,
		           fault ? fault : "as they should be");
	}
}

static void every_offset(uint32_t flags)
{
	const char *fault = NULL;
	uint32_t offset = 0;

	for (; offset <= TRAMPFD_MAX_STACK_OFFSET && fault == NULL; offset++)
		fault = tried(flags, offset, 1 + offset % TRAMPFD_MAX_DATA_SIZE);
	expect_row("v1-call", flags ? "stack-set-sp" : "stack-offsets", fault == NULL, "%u offsets, flags %u: %s", offset, flags,
	           fault ? fault : "as they should be");
}

/* Set before any registers, replaced, and removed: the newest one counts. */
static void replaced(void)
{
	struct stack_context context;

	fill(&context, 0, 0, 0);
	ok(set_stack(user.fd, &context) == 0, "the stack context is removed: %s", errno_name(errno));
	const char *fault = wrong(&context, (uintptr_t)(stack + TOP));
	expect_row("v1-call", "stack-removed", fault == NULL, "without its stack context: %s", fault ? fault : "as it should be");
	fault = tried(TRAMPFD_SET_SP, 16, 5);
	expect_row("v1-call", "stack-replaced", fault == NULL, "with another one: %s", fault ? fault : "as it should be");
}

int main(void)
{
	struct stack_context early;

	require_contexts();
	user_open(&user);
	fill(&early, 0, 4, 12);
	ok(set_stack(user.fd, &early) == 0, "a stack context before any registers: %s", errno_name(errno));
	struct registers_context regs = simple(1, (uintptr_t(*)(void))(uintptr_t)target_0);
	ok(set_registers(user.fd, &regs) == 0, "and a target: %s", errno_name(errno));
	const char *fault = wrong(&early, (uintptr_t)(stack + TOP));
	expect_success("v1-call", fault == NULL, "with what was set before the registers: %s", fault ? fault : "as it should be");
	sizes(0);
	sizes(TRAMPFD_SET_SP);
	every_offset(0);
	every_offset(TRAMPFD_SET_SP);
	replaced();
	freedom("v1-below-the-stack-pointer", "%s", changed_below ? "used" : "only the data");
	user_close(&user);
	return done();
}
