/*
 * Executes bytes that are said to be harmless: sequences of them, from each place on, with other such bytes, zeros and
 * traps behind. A program of 64 bits must be stopped at once: no instruction is done. One of 32 bits must be stopped in the
 * same page, wherever that is.
 *
 * usage: harmless SEQUENCES BYTES, the bytes in hexadecimal; each pair of them is tried, and random sequences
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, LONGEST = 16 };

static unsigned char table[256], *page;
static int count;
static sigjmp_buf back;
volatile uintptr_t entry;
static volatile uintptr_t stopped_at, stack_at;
static volatile int stopped_by;
static char alternate[65536];

#ifdef __x86_64__
#define PC REG_RIP
#define SP REG_RSP
#else
#define PC REG_EIP
#define SP REG_ESP
#endif

static void stopped(int number, siginfo_t *info, void *context)
{
	const mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;

	(void)info;
	stopped_by = number;
	stopped_at = (uintptr_t)machine->gregs[PC];
	stack_at = (uintptr_t)machine->gregs[SP];
	siglongjmp(back, 1);
}

static void fail(const unsigned char *bytes, const char *what)
{
	printf("%s: signal %d, %ld bytes on:", what, stopped_by, (long)(stopped_at - entry));
	for (int i = 0; i < LONGEST + 16; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
	exit(1);
}

static uintptr_t stack_before;

/* Jumps to the bytes; the stack is one of their own, for some of them push and pop. */
static void run(unsigned char *bytes)
{
	static char stack[65536] __attribute__((aligned(16)));
	char *top = stack + sizeof stack / 2;

	memset(stack, 0, sizeof stack);
	entry = (uintptr_t)bytes;
	stack_before = (uintptr_t)top;
	if (sigsetjmp(back, 1) == 0) {
		/* Where the other registers point to, memory may be changed. */
#ifdef __x86_64__
		__asm__ volatile("mov %0, %%rsp; mov %1, %%rax; mov %1, %%rbx; mov %1, %%rdx; mov %1, %%rsi; mov %1, %%rdi; mov %1, %%rbp; jmp *entry(%%rip)"
		                 :
		                 : "r"(top), "c"(stack + 1024)
		                 : "memory");
#else
		__asm__ volatile("mov %0, %%esp; mov %1, %%eax; mov %1, %%ebx; mov %1, %%edx; mov %1, %%esi; mov %1, %%edi; mov %1, %%ebp; jmp *entry"
		                 :
		                 : "r"(top), "c"(stack + 1024)
		                 : "memory");
#endif
		__builtin_unreachable();
	}
	if (stopped_at < (uintptr_t)page || stopped_at >= (uintptr_t)page + PAGE)
		fail(bytes, "control has left the page");
#ifdef __x86_64__
	/* INT3 and INT1 are done, with the prefixes before them; all else is stopped where it begins. */
	uintptr_t at = stopped_by == SIGTRAP ? stopped_at : entry;
	if (stopped_at != at || stack_at != stack_before)
		fail(bytes, "an instruction was done");
	if (stopped_by == SIGTRAP && bytes[stopped_at - entry - 1] != 0xcc && bytes[stopped_at - entry - 1] != 0xf1)
		fail(bytes, "a trap that is none");
#endif
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = stopped, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t other = { .ss_sp = alternate, .ss_size = sizeof alternate };
	long sequences = argc > 2 ? atol(argv[1]) : 0, done = 0;

	for (const char *at = argc > 2 ? argv[2] : ""; at[0] != '\0' && at[1] != '\0'; at += 2) {
		char text[3] = { at[0], at[1], '\0' };
		table[count++] = (unsigned char)strtoul(text, NULL, 16);
	}
	if (count == 0)
		return 2;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 3;
	sigaltstack(&other, NULL);
	for (int i = 0; i < 5; i++)
		sigaction((const int[]){ SIGSEGV, SIGILL, SIGTRAP, SIGBUS, SIGFPE }[i], &action, NULL);
	srand(12345);
	memset(page, 0xcc, PAGE);
	unsigned char *bytes = page + PAGE / 2;
	for (long i = 0; i < (long)count * count + sequences; i++, done++) {
		memset(bytes, 0xcc, 64);
		for (int j = 0; j < LONGEST; j++)
			bytes[j] = table[rand() % count];
		if (i < (long)count * count) {
			bytes[0] = table[i / count];
			bytes[1] = table[i % count];
		}
		run(bytes);
	}
	printf("sequences=%ld\n", done);
	return 0;
}
