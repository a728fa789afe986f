/*
 * Executes the code of contexts in a chosen state of the processor, and reports the state and the stack that the target
 * finds. What an architecture's file must define stands in test/conformance/machine/state.h; the stack pointer is among the
 * registers. Where a call faults, the result is what the signal's context says, and the address that could not be
 * accessed. For that, the file also defines FAULT_REGISTER, which gives a register by its index, and FAULT_FLAGS.
 *
 * Input: a count, then that many `struct call`. Output: the addresses of the two targets, then a `struct result` for each
 * call. All integers are of 64 bits and little-endian. With a count of 0 the program only tells the targets' addresses,
 * which are the same in every run: it must be linked to a fixed place.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "../../conformance/machine/state.h"

#define FILE_BYTES 8192
/* What is reported of the stack: so many bytes, of which the last 64 are above the stack pointer. */
#define STACK_BYTES 1024
#define STACK_ABOVE 64
#define FILLING 0xa5

struct call {
	uint64_t file_address; /* where code and data are to stand */
	uint64_t invocation;   /* what is called, from there */
	uint64_t stack_pointer;
	uint64_t flags;
	uint64_t registers[WORD_REGISTERS];
	uint8_t file[FILE_BYTES];
};

struct result {
	uint64_t reached;
	uint64_t flags;
	uint64_t registers[WORD_REGISTERS];
	uint8_t stack[STACK_BYTES];
};

#if __SIZEOF_POINTER__ == 8
#define CODE_REGION 0x123456780000
#define STACK_REGION 0x2bcdef900000
#else
#define CODE_REGION 0x34560000
#define STACK_REGION 0x4bcd0000
#endif
#define REGION_SIZE 0x40000

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void map_region(uintptr_t address)
{
	void *at = mmap((void *)address, REGION_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != (void *)address)
		fail("mmap of a region");
}

static sigjmp_buf before_call;

static void on_fault(int signal, siginfo_t *info, void *data)
{
	const ucontext_t *context = data;

	(void)signal;
	for (int r = 0; r < WORD_REGISTERS; r++)
		after[r] = FAULT_REGISTER(context, r);
	flags_after = FAULT_FLAGS(context);
	reached = (uintptr_t)info->si_addr;
	siglongjmp(before_call, 1);
}

/* The handler has a stack of its own: the stack pointer of a call may be anything. */
static void catch_faults(void)
{
	static char handler_stack[65536];
	const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
	const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (sigaltstack(&stack, NULL) || sigaction(SIGSEGV, &action, NULL))
		fail("a signal handler");
}

static void call_slot(void)
{
	if (sigsetjmp(before_call, 1) == 0)
		run_slot();
}

int main(void)
{
	uint64_t count;
	const uint64_t targets[2] = {(uintptr_t)target_0, (uintptr_t)target_1};
	static struct call call;
	static struct result result;

	catch_faults();
	map_region(CODE_REGION);
	map_region(STACK_REGION);
	if (fread(&count, sizeof count, 1, stdin) != 1 || fwrite(targets, sizeof targets, 1, stdout) != 1)
		fail("input or output");
	for (uint64_t i = 0; i < count; i++) {
		if (fread(&call, sizeof call, 1, stdin) != 1)
			fail("input ends early");
		memcpy((void *)(uintptr_t)call.file_address, call.file, FILE_BYTES);
		__builtin___clear_cache((char *)(uintptr_t)call.file_address, (char *)(uintptr_t)call.file_address + FILE_BYTES);
		if (mprotect((void *)CODE_REGION, REGION_SIZE, PROT_READ | PROT_EXEC))
			fail("mprotect");
		memset((void *)STACK_REGION, FILLING, REGION_SIZE);
		for (int r = 0; r < WORD_REGISTERS; r++) {
			before[r] = (unsigned long)call.registers[r];
			after[r] = 0;
		}
		flags_before = (unsigned long)call.flags;
		flags_after = reached = 0;
		slot_address = (unsigned long)(call.file_address + call.invocation);
		call_slot();
		result.reached = reached;
		result.flags = flags_after;
		for (int r = 0; r < WORD_REGISTERS; r++)
			result.registers[r] = after[r];
		memcpy(result.stack, (char *)(uintptr_t)call.stack_pointer + STACK_ABOVE - STACK_BYTES, STACK_BYTES);
		if (mprotect((void *)CODE_REGION, REGION_SIZE, PROT_READ | PROT_WRITE))
			fail("mprotect");
		if (fwrite(&result, sizeof result, 1, stdout) != 1)
			fail("output");
	}
	return 0;
}
