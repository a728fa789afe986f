/*
 * Trampolines of processes that have one memory, or a copy of it: made by clone(2) with these flags, which the program
 * prints nothing of. Prints what is the same in every run.
 *
 *   sharers FLAGS TRIAL...      each trial in a process of its own
 *
 * FLAGS: letters of v (CLONE_VM), f (CLONE_VFORK), s (CLONE_SIGHAND), t (CLONE_THREAD), n (no signal at its end), 3 (clone3)
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (1 << 16)
#define OFTEN 600

static int flags;
static int is_clone3;
static unsigned char *page, *second;
/* What all processes of a trial have, whether they share their memory or not. */
static struct {
	volatile int turn, done, thread;
	volatile long sum;
} *common;

static int is_thread(void)
{
	return (flags & CLONE_THREAD) != 0;
}

static void leave(int status)
{
	if (is_thread()) {
		common->thread = status + 1;
		syscall(SYS_exit, 0);
	}
	_Exit(status);
}

static int begin(void *function)
{
	((void (*)(void))function)();
	leave(0);
	return 0;
}

/* A child that runs a function, by the flags. */
static pid_t make_child(void (*function)(void))
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(stack != MAP_FAILED, "stack");
	common->thread = 0;
#ifdef __x86_64__
	if (is_clone3) {
		struct clone_args arguments = {
			.flags = (unsigned)flags & ~0xffu,
			.exit_signal = (unsigned)flags & 0xff,
			.stack = (uintptr_t)stack,
			.stack_size = STACK,
		};
		register int (*target)(void *) __asm__("r13") = begin;
		register void *argument __asm__("r12") = (void *)function;
		long child;
		/* The child begins on another stack, with the function in a register that the call leaves alone. */
		__asm__ volatile("syscall\n\ttestq %%rax, %%rax\n\tjnz 1f\n\tmovq %%r12, %%rdi\n\tcall *%%r13\n1:"
		                 : "=a"(child)
		                 : "0"((long)SYS_clone3), "D"(&arguments), "S"(sizeof arguments), "r"(target), "r"(argument)
		                 : "rcx", "r11", "memory");
		return (pid_t)child;
	}
#endif
	return clone(begin, stack + STACK, flags, (void *)function);
}

static void wait_for(pid_t child)
{
	int status = 0;

	need(child > 0, strerror(errno));
	if (is_thread()) {
		while (common->thread == 0)
			usleep(1000);
		printf("thread ended with %d\n", common->thread - 1);
	} else {
		need(waitpid(child, &status, __WALL) == child, "child");
		printf("child ended with %x\n", status);
	}
	fflush(stdout);
}

static long call_page(unsigned char *at)
{
	return call_often((function_t *)at, OFTEN);
}

static void say(const char *who, long value)
{
	printf("%s %ld\n", who, value);
	fflush(stdout);
}

/* Runs by itself in the child first; the parent calls what is there then, and writes it anew. */
static void child_calls(void)
{
	common->sum = call_page(page);
}

static void called_first(void)
{
	page = executable_memory(1);
	second = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	place_trampoline(second, enter_add, 9);
	wait_for(make_child(child_calls));
	say("child", common->sum);
	say("parent", ((function_t *)page)(1));
	say("second", call_page(second));
	say("parent again", ((function_t *)page)(1));
	place_trampoline(page, enter_add, 8);
	say("parent, another", ((function_t *)page)(1));
	say("parent, often", call_page(page));
	place_trampoline(second, enter_multiply, 3);
	say("second, another", ((function_t *)second)(5));
}

/* Written anew by the child when it ran by itself in the parent. */
static void child_writes(void)
{
	common->sum = call_page(page);
	place_trampoline(page, enter_multiply, 5);
	common->sum += call_page(page);
}

static void written(void)
{
	page = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	say("before", call_page(page));
	for (int n = 0; n < 3; n++) {
		wait_for(make_child(child_writes));
		say("child", common->sum);
		say("parent", call_page(page));
		place_trampoline(page, enter_add, n);
		say("parent, another", call_page(page));
	}
}

/* Children of children, each of which calls and writes. */
static void grandchild_writes(void)
{
	child_writes();
	place_trampoline(page, enter_add, 77);
}

static void makes_grandchild(void)
{
	child_writes();
	common->done = 0;
	pid_t child = make_child(grandchild_writes);
	if (is_thread())
		while (common->thread == 0)
			usleep(1000);
	else
		need(waitpid(child, NULL, __WALL) == child, "grandchild");
	common->sum += call_page(page);
}

static void deep(void)
{
	page = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	wait_for(make_child(makes_grandchild));
	say("child", common->sum);
	say("parent", call_page(page));
	say("parent again", call_page(page));
}

/* A program that is executed has another memory; what the parent has stays. */
static void executes(void)
{
	common->sum = call_page(page);
	execl("/proc/self/exe", "sharers", "", "called", (char *)NULL);
	leave(98);
}

static void execute(void)
{
	page = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	for (int n = 0; n < 2; n++) {
		wait_for(make_child(executes));
		say("child", common->sum);
		say("parent", call_page(page));
		place_trampoline(page, enter_add, n);
		say("parent, another", call_page(page));
	}
}

/* Both call at once, and write the same again and again. */
static void calls_and_writes(void)
{
	long sum = 0;

	for (int n = 0; n < 200; n++) {
		sum += call_often((function_t *)page, 20);
		place_trampoline(second + TRAMPOLINE_ROOM * (n % 2), enter_add, n);
		sum += ((function_t *)second)(0) >= 0;
	}
	common->sum += sum;
	common->done++;
}

static void at_once(void)
{
	page = executable_memory(1);
	second = executable_memory(1);
	for (int n = 0; n < 2; n++)
		place_trampoline(second + TRAMPOLINE_ROOM * n, enter_add, 1);
	place_trampoline(page, enter_add, 7);
	pid_t child = make_child(calls_and_writes);
	long sum = 0;
	for (int n = 0; n < 200; n++) {
		sum += call_often((function_t *)page, 20);
		place_trampoline(second + 2 * TRAMPOLINE_ROOM, enter_multiply, n);
		sum += ((function_t *)(second + 2 * TRAMPOLINE_ROOM))(1) == n;
	}
	wait_for(child);
	say("sum", sum + common->sum);
}

/* The parent ends first, and leaves its memory to the child. */
static void outlives(void)
{
	while (kill(common->turn, 0) == 0)
		usleep(1000);
	common->sum = call_page(page);
	place_trampoline(page, enter_multiply, 3);
	common->sum += call_page(page);
	second = executable_memory(1);
	place_trampoline(second, enter_add, 4);
	common->sum += call_page(second);
	common->done = 1;
}

static void orphan(void)
{
	need(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "subreaper");
	pid_t parent = fork();
	if (parent == 0) {
		common->turn = getpid();
		page = executable_memory(1);
		place_trampoline(page, enter_add, 7);
		common->sum = call_page(page);
		need(make_child(outlives) > 0, "child");
		_Exit(0);
	}
	need(waitpid(parent, NULL, 0) == parent, "parent");
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	need(common->done, "end");
	say("orphan", common->sum);
}

/* The child asks for memory, when nobody of the memory has yet, and the parent calls there; or the other way round. */
static void asks(void)
{
	page = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	common->sum = call_page(page);
	common->turn = 1;
	while (common->turn == 1)
		usleep(1000);
	common->sum += call_page(page);
}

static void child_asks(void)
{
	pid_t child = make_child(asks);

	while (common->turn == 0)
		usleep(1000);
	say("child", common->sum);
	say("parent", call_page(page));
	place_trampoline(page, enter_multiply, 2);
	say("parent, another", call_page(page));
	common->turn = 2;
	wait_for(child);
	say("both", common->sum);
	say("parent at the end", call_page(page));
}

static void is_given(void)
{
	while (common->turn == 0)
		usleep(1000);
	common->sum = call_page(page);
	place_trampoline(page, enter_multiply, 2);
	common->sum += call_page(page);
}

static void parent_asks(void)
{
	pid_t child = make_child(is_given);

	page = executable_memory(1);
	place_trampoline(page, enter_add, 7);
	say("parent", call_page(page));
	common->turn = 1;
	wait_for(child);
	say("child", common->sum);
	say("parent at the end", call_page(page));
}

static const struct {
	const char *name;
	void (*run)(void);
} trials[] = {
	{ "called", called_first }, { "written", written },       { "deep", deep },
	{ "execute", execute },     { "at-once", at_once },       { "orphan", orphan },
	{ "child-asks", child_asks }, { "parent-asks", parent_asks },
};

int main(int argc, char **argv)
{
	need(argc >= 3, "words");
	flags = SIGCHLD;
	for (const char *letter = argv[1]; *letter != 0; letter++) {
		flags |= *letter == 'v' ? CLONE_VM : *letter == 'f' ? CLONE_VFORK : *letter == 's' ? CLONE_SIGHAND : 0;
		if (*letter == 't')
			flags |= CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES;
		if (*letter == 'n' || *letter == 't')
			flags &= ~0xff;
		is_clone3 |= *letter == '3';
	}
	common = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(common != MAP_FAILED, "memory");
	for (int word = 2; word < argc; word++) {
		void (*trial)(void) = NULL;
		for (size_t n = 0; n < sizeof trials / sizeof *trials; n++)
			if (strcmp(trials[n].name, argv[word]) == 0)
				trial = trials[n].run;
		need(trial != NULL, "such trial");
		say(argv[word], 0);
		memset((void *)common, 0, sizeof *common);
		pid_t child = fork();
		if (child == 0) {
			trial();
			_Exit(40);
		}
		int status = 0;
		need(child > 0 && waitpid(child, &status, 0) == child, "process");
		say("status", status);
	}
	return 41;
}
