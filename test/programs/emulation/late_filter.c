/*
 * A seccomp filter of the program's own, taken when its trampolines ran for some time. It refuses mremap(2) and
 * mprotect(2), which the program does not make. Prints what is the same in every run.
 *
 *   late_filter ACTION TRIAL...      each trial in a process of its own
 *
 * ACTION: what the filter does: trap, errno, thread or process (which it kills)
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFTEN 600
#define PAGES 3

static unsigned action;
static unsigned char *memory;

static void say(const char *what, long value)
{
	char line[80];
	int length = snprintf(line, sizeof line, "%s %ld\n", what, value);

	if (write(1, line, (size_t)length) != length)
		syscall(SYS_exit, 97);
}

static void make(long from)
{
	for (int n = 0; n < PAGES; n++)
		place_trampoline(memory + n * PAGE_SIZE, n % 2 ? enter_add : enter_multiply, from + n);
}

static long call_all(int times)
{
	long sum = 0;

	for (int n = 0; n < PAGES; n++)
		sum += call_often((function_t *)(memory + n * PAGE_SIZE), times);
	return sum;
}

static void begin(void)
{
	memory = executable_memory(PAGES);
	make(7);
	say("before", call_all(OFTEN));
}

/* Calls, writes and calls again what is there. */
static void use(const char *who)
{
	say(who, call_all(2));
	for (int n = 0; n < 3; n++) {
		make(20 + n);
		say(who, call_all(OFTEN));
	}
}

static struct sock_filter instructions[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_RET | BPF_K, 0),
};
static struct sock_fprog filter = { sizeof instructions / sizeof *instructions, instructions };

static void prepare(void)
{
	instructions[4].k = action;
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "privileges to give up");
}

static void take(unsigned flags)
{
	prepare();
	need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0, "filter");
}

static void by_seccomp(void)
{
	begin();
	take(0);
	use("filtered");
}

static void by_prctl(void)
{
	begin();
	prepare();
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0, "filter");
	use("filtered");
	take(0);
	use("filtered twice");
}

/* By the entry of 32-bit programs; the filter stands where that can reach it. */
static void by_int80(void)
{
	begin();
	prepare();
	struct {
		struct {
			uint16_t length;
			uint32_t filter;
		} program;
		struct sock_filter filter[5];
	} *low = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	need(low != MAP_FAILED, "low memory");
	low->program.length = 5;
	low->program.filter = (uint32_t)(uintptr_t)low->filter;
	memcpy(low->filter, instructions, sizeof instructions);
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "0"(354), "b"(SECCOMP_SET_MODE_FILTER), "c"(0), "d"(&low->program) : "memory");
	need(result == 0, "filter by int 0x80");
	use("filtered");
}

/* What fails changes nothing. */
static void failing(void)
{
	begin();
	errno = 0;
	say("no address", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
	say("is", errno);
	say("by prctl", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
	say("is", errno);
	say("no such flag", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 30, &filter));
	say("is", errno);
	use("unfiltered");
}

static volatile int turn;

static void *other(void *argument)
{
	while (turn == 0)
		sched_yield();
	if (argument != NULL)
		take(0);
	use("other thread");
	turn = 2;
	while (turn == 2)
		sched_yield();
	return NULL;
}

/* Of two threads one takes it, or one does so for both. */
static void with_thread(void *argument, void (*between)(void))
{
	pthread_t thread;

	begin();
	need(pthread_create(&thread, NULL, other, argument) == 0, "thread");
	if (between != NULL)
		between();
	turn = 1;
	while (turn == 1)
		sched_yield();
	use("first thread");
	turn = 3;
	pthread_join(thread, NULL);
	use("at the end");
}

static void take_for_all(void)
{
	take(SECCOMP_FILTER_FLAG_TSYNC);
}

static void take_alone(void)
{
	take(0);
}

static void for_all(void)
{
	with_thread(NULL, take_for_all);
}

static void first_alone(void)
{
	with_thread(NULL, take_alone);
}

static void other_alone(void)
{
	with_thread("takes it", NULL);
}

/* A thread calls without rest while another takes the filter. */
static void *call_without_rest(void *argument)
{
	long sum = 0;

	(void)argument;
	while (turn == 0)
		sum += call_all(10);
	return (void *)sum;
}

static void meanwhile(void)
{
	pthread_t threads[2];

	for (int round = 0; round < 20; round++) {
		pid_t child = fork();
		if (child == 0) {
			memory = executable_memory(PAGES);
			make(7);
			for (int n = 0; n < 2; n++)
				need(pthread_create(&threads[n], NULL, call_without_rest, NULL) == 0, "thread");
			call_all(10 * (round + 1));
			take(round % 2 ? SECCOMP_FILTER_FLAG_TSYNC : 0);
			for (int n = 0; n < 50; n++)
				make(n);
			turn = 1;
			_exit(call_all(1) == call_all(1) ? 7 : 8);
		}
		int status;
		need(child > 0 && waitpid(child, &status, 0) == child, "child");
		say("status", status);
	}
}

/* One thread has had the filter since before the memory was asked for. */
static void *had_before(void *argument)
{
	(void)argument;
	take(0);
	turn = 1;
	while (turn == 1)
		sched_yield();
	use("filtered before");
	return NULL;
}

static void before(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, had_before, NULL) == 0, "thread");
	while (turn == 0)
		sched_yield();
	begin();
	turn = 2;
	pthread_join(thread, NULL);
	use("first thread");
}

/* Children and programs inherit it. */
static void inherited(void)
{
	begin();
	take(0);
	for (int depth = 0; depth < 2; depth++) {
		pid_t child = fork();
		if (child == 0) {
			use("child");
			if (depth == 1) {
				pid_t grandchild = fork();
				if (grandchild == 0) {
					use("grandchild");
					_exit(3);
				}
				int status;
				need(waitpid(grandchild, &status, 0) == grandchild, "grandchild");
			}
			_exit(2);
		}
		int status;
		need(child > 0 && waitpid(child, &status, 0) == child, "child");
		say("status", status);
	}
	use("parent");
}

/* A child takes it, as a helper process does; its parent goes on as before. */
static void in_child(void)
{
	begin();
	pid_t child = fork();
	if (child == 0) {
		take(0);
		use("child");
		_exit(2);
	}
	int status;
	need(child > 0 && waitpid(child, &status, 0) == child, "child");
	say("status", status);
	use("parent");
}

/* The same of a child that has the memory. */
static int takes_and_uses(void *argument)
{
	(void)argument;
	take(0);
	use("sharer");
	_exit(2);
}

static void in_sharer(void)
{
	begin();
	char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(stack != MAP_FAILED, "stack");
	pid_t child = clone(takes_and_uses, stack + (1 << 16), CLONE_VM | SIGCHLD, NULL);
	int status;
	need(child > 0 && waitpid(child, &status, 0) == child, "child");
	say("status", status);
	use("parent");
}

static const struct {
	const char *name;
	void (*run)(void);
} trials[] = {
	{ "seccomp", by_seccomp },       { "prctl", by_prctl },           { "int80", by_int80 },
	{ "failing", failing },          { "for-all", for_all },
	{ "first-alone", first_alone },  { "other-alone", other_alone },  { "meanwhile", meanwhile },
	{ "before", before },            { "inherited", inherited },      { "in-child", in_child },
	{ "in-sharer", in_sharer },
};

int main(int argc, char **argv)
{
	need(argc >= 3, "words");
	action = strcmp(argv[1], "trap") == 0    ? SECCOMP_RET_TRAP
	         : strcmp(argv[1], "errno") == 0 ? SECCOMP_RET_ERRNO | EPERM
	         : strcmp(argv[1], "thread") == 0 ? SECCOMP_RET_KILL_THREAD
	                                          : SECCOMP_RET_KILL_PROCESS;
	for (int word = 2; word < argc; word++) {
		void (*trial)(void) = NULL;
		for (size_t n = 0; n < sizeof trials / sizeof *trials; n++)
			if (strcmp(trials[n].name, argv[word]) == 0)
				trial = trials[n].run;
		need(trial != NULL, "such trial");
		say(argv[word], 0);
		pid_t child = fork();
		if (child == 0) {
			trial();
			_exit(40);
		}
		int status = 0;
		need(child > 0 && waitpid(child, &status, 0) == child, "process");
		say("ended", status);
	}
	return 41;
}
