/*
 * What lies in a page beside the trampolines that were asked for is no code to slide along: a jump there is a fault, at
 * whatever byte it goes in. And no fault of a trampoline does harm: with slots that cannot be read, or a target that
 * cannot be executed, the program gets its signal with the address that is wrong.
 */
#define _GNU_SOURCE
#include "table.h"

#include <setjmp.h>
#include <signal.h>

static struct table table;
static sigjmp_buf back;
static volatile sig_atomic_t caught;
static void *volatile fault_address;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	fault_address = info->si_addr;
	siglongjmp(back, 1);
}

/* Jumps to an address; the signal that comes of it, or 0 where something was executed and came back. */
static int jump(uintptr_t address)
{
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		((void (*)(void))address)();
		return 0;
	}
	return caught;
}

static int is_trap(int signal)
{
	return signal == SIGTRAP || signal == SIGILL || signal == SIGSEGV || signal == SIGBUS;
}

static uintptr_t reached(void)
{
	return 0;
}

/* Every byte behind the last trampoline of a table of n. */
static void behind(uint32_t n)
{
	size_t page = (size_t)getpagesize();
	int executed = 0;

	if ((table.fd = trampfd(&table.info)) < 0)
		bail_out("a table: %s", errno_name(errno));
	struct trampfd_code code = code_of(&table, n);
	struct trampfd_data data = data_of(&table);
	pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE);
	pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA);
	if (table_map(&table, MAP_PRIVATE) != 0)
		bail_out("a mapping: %s", errno_name(errno));
	for (uint32_t i = 0; i < table.info.ntrampolines; i++)
		slot_set(&table, i, reached, 0);
#if defined(__aarch64__) || defined(__arm__)
	const size_t step = 4;
#else
	const size_t step = 1;
#endif
	for (size_t at = (size_t)n * table.info.code_size; at < page; at += step)
		executed += !is_trap(jump((uintptr_t)table.base + at));
	ok(executed == 0, "a jump to each byte behind %u trampolines is a fault: %d are not", n, executed);
	expect_success("call", jump(trampoline(&table, n - 1)) == 0, "of the last of %u trampolines all the same", n);
	munmap(table.base, page);
	close(table.fd);
}

static void faults(void)
{
	size_t page = (size_t)getpagesize();
	char *hole = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct trampfd_data data;

	if ((table.fd = trampfd(&table.info)) < 0)
		bail_out("a table: %s", errno_name(errno));
	struct trampfd_code code = { 2, CODE_REGISTER, (uintptr_t)hole };
	data = data_of(&table);
	pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE);
	pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA);
	if (table_map(&table, MAP_PRIVATE) != 0)
		bail_out("a mapping: %s", errno_name(errno));
	int signal = jump(trampoline(&table, 1));
	ok(signal == SIGSEGV && fault_address == hole + sizeof(uintptr_t),
	   "code slots that cannot be read: signal %d with the slot's address: %p, %p", signal, fault_address,
	   (void *)(hole + sizeof(uintptr_t)));

	mprotect(hole, page, PROT_READ | PROT_WRITE);
	((uintptr_t volatile *)hole)[1] = (uintptr_t)hole + 64;
	signal = jump(trampoline(&table, 1));
	ok(signal == SIGSEGV && fault_address == hole + 64,
	   "a target that cannot be executed: signal %d with its address: %p, %p", signal, fault_address, (void *)(hole + 64));
	munmap(table.base, (size_t)table.info.code_size * 2);
	signal = jump((uintptr_t)table.base);
	ok(signal == SIGSEGV && fault_address == table.base, "a table that is unmapped: signal %d, address %p, %p", signal,
	   fault_address, (void *)table.base);
	close(table.fd);
}

int main(void)
{
	static char stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&alternative, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	require_tables();
	behind(1);
	behind(table.info.ntrampolines / 2);
	behind(table.info.ntrampolines);
	faults();
	return done();
}
