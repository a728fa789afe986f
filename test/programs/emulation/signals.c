/*
 * Signals and emulated calls. Prints what is the same in every run.
 *
 *   signals storm COUNT   calls COUNT times, and until some have come, while two timers' signals come, whose handlers
 *                         call as well
 *   signals faults        real faults before, between and after calls: what a handler of SIGSEGV is told of each
 *   signals blocked       calls with SIGSEGV blocked: it stays so, and the handler is there afterwards
 *   signals ignored       the same with SIGSEGV ignored
 *   signals default       the same with nothing for SIGSEGV; then dies of a real fault
 *   signals jump          jumps out of functions that are called back
 *   signals sent          SIGSEGV that is sent, not caused
 *   signals queue         real-time signals that are sent while it calls: all come, in their order
 *   signals handler       a handler that is itself a trampoline
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned char *memory;
static function_t *plus, *times;

static void make(void)
{
	memory = executable_memory(1);
	plus = place_trampoline(memory, enter_add, 1000);
	times = place_trampoline(memory + TRAMPOLINE_ROOM, enter_multiply, 3);
}

static void call(const char *when)
{
	printf("%s: %ld %ld\n", when, plus(5), times(7));
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&action.sa_mask);
	need(sigaction(number, &action, NULL) == 0, "handler");
}

static volatile long alarms, profiles, wrong;

static void count(int number, siginfo_t *information, void *context)
{
	(void)information;
	(void)context;
	int before = errno;
	wrong += plus(number) != 1000 + number;
	number == SIGALRM ? alarms++ : profiles++;
	errno = before;
}

static void storm(long calls)
{
	struct itimerval often = { { 0, 100 }, { 0, 100 } };

	handle(SIGALRM, count, SA_RESTART);
	handle(SIGPROF, count, SA_RESTART);
	need(setitimer(ITIMER_REAL, &often, NULL) == 0 && setitimer(ITIMER_PROF, &often, NULL) == 0, "timers");
	for (long n = 0; n < calls || alarms < 20; n++) {
		wrong += plus(n) != n + 1000;
		wrong += times(n) != n * 3;
	}
	struct itimerval never = { 0 };
	setitimer(ITIMER_REAL, &never, NULL);
	setitimer(ITIMER_PROF, &never, NULL);
	printf("wrong %ld\n", wrong);
}

static sigjmp_buf after_fault;
static unsigned char *page_read_only, *page_of_data;
static char alternate[65536];

static const char *place_name(uintptr_t address)
{
	static char text[64];

	if (address >= (uintptr_t)page_read_only && address < (uintptr_t)page_read_only + PAGE_SIZE)
		snprintf(text, sizeof text, "read-only+%d", (int)(address - (uintptr_t)page_read_only));
	else if (address >= (uintptr_t)page_of_data && address < (uintptr_t)page_of_data + PAGE_SIZE)
		snprintf(text, sizeof text, "data+%d", (int)(address - (uintptr_t)page_of_data));
	else if (address < PAGE_SIZE)
		snprintf(text, sizeof text, "%d", (int)address);
	else
		snprintf(text, sizeof text, "elsewhere");
	return text;
}

static void fault(int number, siginfo_t *information, void *context)
{
	const ucontext_t *state = context;
	char on_alternate;
#ifdef __x86_64__
	uintptr_t pc = (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
	long error = (long)state->uc_mcontext.gregs[REG_ERR], trap = (long)state->uc_mcontext.gregs[REG_TRAPNO];
#else
	uintptr_t pc = (uintptr_t)state->uc_mcontext.gregs[REG_EIP];
	long error = state->uc_mcontext.gregs[REG_ERR], trap = state->uc_mcontext.gregs[REG_TRAPNO];
#endif
	printf("signal %d code %d address %s", number, information->si_code, place_name((uintptr_t)information->si_addr));
	printf(" at %s error %ld trap %ld", place_name(pc), error, trap);
	printf(", %s stack", &on_alternate >= alternate && &on_alternate < alternate + sizeof alternate ? "alternate" : "own");
	/* A handler calls as anybody does. */
	printf(", calls %ld\n", plus(number));
	siglongjmp(after_fault, 1);
}

static void cause(int which)
{
	if (sigsetjmp(after_fault, 1) != 0)
		return;
	switch (which) {
	case 0:
		*(volatile char *)16 = 1;
		break;
	case 1:
		(void)*(volatile char *)24;
		break;
	case 2:
		page_read_only[77] = 1;
		break;
	case 3:
		/* Never asked to be executable. */
		((void (*)(void))(page_of_data + 123))();
		break;
	case 4:
		((void (*)(void))32)();
		break;
	case 5:
		plus((long)((function_t *)(uintptr_t)48)(1));
		break;
#ifdef __x86_64__
	case 6:
		*(volatile char *)0x8000000000000000 = 1;
		break;
#endif
	case 7:
		__asm__ volatile("hlt");
		break;
	}
}

static void faults(void)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate };

	need(sigaltstack(&stack, NULL) == 0, "alternate stack");
	handle(SIGSEGV, fault, SA_ONSTACK);
	for (int round = 0; round < 3; round++) {
		for (int which = 0; which < 8; which++)
			cause(which);
		call("between");
		call_often(plus, 50);
	}
}

/* The mask and what is done about SIGSEGV, as the kernel has them. */
static void show_disposition(void)
{
	sigset_t mask;
	struct sigaction action;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sigaction(SIGSEGV, NULL, &action);
	printf("SIGSEGV is %s, SIGUSR1 is %s, ", sigismember(&mask, SIGSEGV) ? "blocked" : "open",
	       sigismember(&mask, SIGUSR1) ? "blocked" : "open");
	puts(action.sa_sigaction == fault              ? "handled"
	     : (void *)action.sa_handler == SIG_IGN ? "ignored"
	     : (void *)action.sa_handler == SIG_DFL ? "left alone"
	                                             : "something else");
}

static void *blocked_thread(void *argument)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGSEGV);
	sigaddset(&both, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &both, NULL);
	show_disposition();
	call("blocked");
	call_often(times, 20);
	show_disposition();
	pthread_sigmask(SIG_UNBLOCK, &both, NULL);
	cause(2);
	show_disposition();
	return argument;
}

static void blocked(void)
{
	pthread_t thread;

	handle(SIGSEGV, fault, 0);
	need(pthread_create(&thread, NULL, blocked_thread, NULL) == 0, "thread");
	pthread_join(thread, NULL);
	blocked_thread(NULL);
}

static void ignored(void)
{
	need(signal(SIGSEGV, SIG_IGN) != SIG_ERR, "disposition");
	show_disposition();
	call("ignored");
	call_often(times, 20);
	show_disposition();
	/* What is sent is ignored, what is caused kills all the same. */
	raise(SIGSEGV);
	puts("sent one is ignored");
	fflush(stdout);
	*(volatile char *)16 = 1;
}

static void left_alone(void)
{
	show_disposition();
	call("default");
	show_disposition();
	fflush(stdout);
	page_read_only[1] = 1;
}

static jmp_buf out;

ENTRY(jump_out)
{
	longjmp(out, (int)(value + constant));
}

ENTRY(compare_or_jump)
{
	if (*(int *)value == (int)constant)
		siglongjmp(out, 77);
	return *(int *)value;
}

static volatile long unwound;

static void jumps(void)
{
	volatile long sum = 0;
	function_t *jump = place_trampoline(memory + 2 * TRAMPOLINE_ROOM, enter_jump_out, 5);

	for (volatile int n = 0; n < 1000; n++) {
		int value = setjmp(out);
		if (value == 0)
			jump(n % 10 + 1);
		sum += value;
	}
	printf("jumped out: %ld\n", (long)sum);
	/* GCC's own way out of a nested function. */
	for (volatile int n = 0; n < 100; n++) {
		__label__ end;
		long leave(long value)
		{
			unwound += value;
			if (value > 3)
				goto end;
			return value;
		}
		function_t *volatile function = leave;
		function(n % 4);
		function(n % 8 + 4);
		puts("never");
	end:;
	}
	printf("left: %ld\n", unwound);
	call("after");
}

static volatile sig_atomic_t sent;

static void note_sent(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	sent++;
	printf("sent: code %s, from %s\n", information->si_code == SI_TKILL ? "tkill" : information->si_code == SI_USER ? "user" :
	       information->si_code == SI_QUEUE ? "queue" : "another", information->si_pid == getpid() ? "itself" : "another");
}

static void send_to_itself(void)
{
	handle(SIGSEGV, note_sent, 0);
	for (int n = 0; n < 3; n++) {
		raise(SIGSEGV);
		call("between");
		kill(getpid(), SIGSEGV);
		call("between");
		sigqueue(getpid(), SIGSEGV, (union sigval){ .sival_int = 5 });
	}
	printf("%d came\n", (int)sent);
	show_disposition();
}

#define QUEUED 300
static volatile int order[QUEUED], came;

static void note_order(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	if (came < QUEUED)
		order[came] = information->si_value.sival_int;
	came++;
}

static void *send_all(void *argument)
{
	for (int n = 0; n < QUEUED; n++)
		while (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = n }) != 0)
			usleep(100);
	return argument;
}

static void queue(void)
{
	pthread_t thread;
	sigset_t mask;

	handle(SIGRTMIN + 1, note_order, SA_RESTART);
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + 1);
	/* The thread that sends gets none. */
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	need(pthread_create(&thread, NULL, send_all, NULL) == 0, "thread");
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
	long calls = 0;
	while (came < QUEUED)
		calls += plus(1) == 1001;
	pthread_join(thread, NULL);
	int in_order = 1;
	for (int n = 0; n < QUEUED; n++)
		in_order &= order[n] == n;
	printf("%d came, %s order\n", came, in_order ? "in" : "out of");
}

static void trampoline_as_handler(void)
{
	volatile long seen = 0;

	void note(int number)
	{
		seen = seen * 10 + number;
	}
	need(signal(SIGUSR1, note) != SIG_ERR && signal(SIGUSR2, note) != SIG_ERR, "handler");
	for (int n = 0; n < 3; n++) {
		raise(n == 1 ? SIGUSR2 : SIGUSR1);
		call("between");
	}
	printf("seen %ld\n", seen);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	page_read_only = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page_of_data = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(page_read_only != MAP_FAILED && page_of_data != MAP_FAILED, "memory");
	make();
	if (strcmp(what, "storm") == 0)
		storm(argc > 2 ? atol(argv[2]) : 1000);
	else if (strcmp(what, "faults") == 0)
		faults();
	else if (strcmp(what, "blocked") == 0)
		blocked();
	else if (strcmp(what, "ignored") == 0)
		ignored();
	else if (strcmp(what, "default") == 0)
		left_alone();
	else if (strcmp(what, "jump") == 0)
		jumps();
	else if (strcmp(what, "sent") == 0)
		send_to_itself();
	else if (strcmp(what, "queue") == 0)
		queue();
	else if (strcmp(what, "handler") == 0)
		trampoline_as_handler();
	else
		return 2;
	call("at the end");
	return 42;
}
