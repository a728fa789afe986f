/*
 * Programs with threads of which one asks for memory for trampolines while another executes a program, which ends all of
 * them. Prints what is the same in every run.
 *
 *   executes race ROUNDS THREADS     processes whose threads do both at a time; each is to have become another program
 *   executes judged ROUNDS THREADS   the same, and what is asked is that memory of the heap becomes executable
 *   executes held FILE INTERPRETER   a thread executes FILE, whose interpreter is kept from being opened: so it stands in
 *                                    the kernel for as long as is wanted. Another one asks meanwhile, in a process that is
 *                                    traced but for one thread; another process calls and asks, and then the one is let go
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BECAME 61

static const char *own_path;
static pthread_barrier_t barrier;
static int is_judged;
static unsigned char *heap_page;

static void become_another(void)
{
	execl(own_path, own_path, "became", is_judged ? "judged" : NULL, (char *)NULL);
	_Exit(98);
}

static void *wait_to_be_ended(void *argument)
{
	if (argument != NULL)
		pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static void *execute(void *argument)
{
	long pause_for = (long)argument;

	pthread_barrier_wait(&barrier);
	if (pause_for > 0)
		usleep(pause_for);
	become_another();
	return NULL;
}

static void *ask(void *argument)
{
	pthread_barrier_wait(&barrier);
	/* It may be ended in here, or before. */
	while (is_judged) {
		if (mprotect(heap_page, PAGE_SIZE, PROT_READ | PROT_EXEC) != 0)
			_Exit(96);
		mprotect(heap_page, PAGE_SIZE, PROT_READ | PROT_WRITE);
	}
	for (;;) {
		unsigned char *memory = executable_memory(1);
		if (place_trampoline(memory, enter_add, 5)(3) != 8)
			_Exit(97);
		munmap(memory, PAGE_SIZE);
	}
	return argument;
}

static void start(void *(*function)(void *), long argument)
{
	static pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	need(pthread_create(&thread, &attributes, function, (void *)argument) == 0, "thread");
}

static void race(int rounds, int threads)
{
	int became = 0;

	for (int round = 0; round < rounds; round++) {
		int status;
		pid_t child = fork();
		need(child >= 0, "child");
		if (child == 0) {
			int executing = 1 + round % 3;
			heap_page = sbrk(2 * PAGE_SIZE);
			heap_page += -(uintptr_t)heap_page % PAGE_SIZE;
			pthread_barrier_init(&barrier, NULL, executing + 1);
			/* Some are older than those that execute, and some younger. */
			for (int n = 0; n < threads / 2; n++)
				start(wait_to_be_ended, 0);
			for (int n = 0; n < executing; n++)
				start(execute, round * 37 % 1000 * 2);
			for (int n = 0; n < threads / 2; n++)
				start(wait_to_be_ended, 0);
			if (round % 2 == 0)
				ask(NULL);
			start(ask, 0);
			wait_to_be_ended(NULL);
		}
		need(waitpid(child, &status, 0) == child, "child");
		if (WIFEXITED(status) && WEXITSTATUS(status) == BECAME)
			became++;
		else
			printf("round %d: status %x\n", round, status);
	}
	printf("%d became another program\n", became);
}

static int broken[2], let_go[2], go_on[2], gone_on[2];

static void say(int to)
{
	need(write(to, "x", 1) == 1, "byte");
}

static void wait_for(int from)
{
	char byte;

	need(read(from, &byte, 1) == 1, "byte");
}

static void note_broken(int number)
{
	(void)number;
	say(broken[1]);
}

/* Whoever opens the file waits from then on, until this process lets go of its lease. */
static void hold(const char *path)
{
	int file = open(path, O_RDONLY);

	signal(SIGIO, note_broken);
	need(file >= 0 && fcntl(file, F_SETLEASE, F_WRLCK) == 0, "lease");
	say(gone_on[1]);
	wait_for(let_go[0]);
	fcntl(file, F_SETLEASE, F_UNLCK);
	_Exit(0);
}

/* Another process, which calls and asks. */
static void be_served(void)
{
	unsigned char *memory = executable_memory(1);
	long sum = call_often(place_trampoline(memory, enter_add, 1), 10);

	say(gone_on[1]);
	wait_for(go_on[0]);
	sum += call_often(place_trampoline(executable_memory(1), enter_multiply, 2), 10);
	_Exit((int)sum);
}

static int wait_untraced(void *argument)
{
	for (;;)
		syscall(SYS_pause);
	return argument != NULL;
}

static void *ask_meanwhile(void *argument)
{
	wait_for(broken[0]);
	say(gone_on[1]);
	executable_memory(1);
	return argument;
}

static const char *held_file;

static void *execute_held(void *argument)
{
	pthread_barrier_wait(&barrier);
	execl(held_file, held_file, "became", (char *)NULL);
	_Exit(98);
	return argument;
}

/* A process that is traced but for one thread, of which one thread executes, and then another one asks. */
static void execute_and_ask(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_UNTRACED;

	pthread_barrier_init(&barrier, NULL, 2);
	need(place_trampoline(executable_memory(1), enter_add, 5)(3) == 8, "trampoline");
	start(wait_to_be_ended, 0);
	start(execute_held, 0);
	start(ask_meanwhile, 0);
	need(clone(wait_untraced, stack + sizeof stack, flags, NULL) > 0, "untraced thread");
	pthread_barrier_wait(&barrier);
	wait_to_be_ended(NULL);
}

static void say_end(const char *who, pid_t child)
{
	int status = 0;

	need(waitpid(child, &status, 0) == child, "child");
	printf("%s: %s %d\n", who, WIFEXITED(status) ? "ended with" : "killed by",
	       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void held(const char *interpreter)
{
	pid_t holder, served, executing;

	need(pipe(broken) == 0 && pipe(let_go) == 0 && pipe(go_on) == 0 && pipe(gone_on) == 0, "pipe");
	if ((holder = fork()) == 0)
		hold(interpreter);
	if ((served = fork()) == 0)
		be_served();
	wait_for(gone_on[0]);
	wait_for(gone_on[0]);
	if ((executing = fork()) == 0)
		execute_and_ask();
	/* From here on one thread stands in its execve(), and another one asks. */
	wait_for(gone_on[0]);
	usleep(300000);
	say(go_on[1]);
	say_end("served meanwhile", served);
	say(let_go[1]);
	say_end("executed", executing);
	say_end("holder", holder);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	own_path = argv[0];
	if (strcmp(what, "became") == 0 && argc > 2)
		return BECAME;
	if (strcmp(what, "became") == 0) {
		unsigned char *memory = executable_memory(1);
		return place_trampoline(memory, enter_add, 1)(BECAME - 1);
	}
	is_judged = strcmp(what, "judged") == 0;
	if ((is_judged || strcmp(what, "race") == 0) && argc > 3)
		race(atoi(argv[2]), atoi(argv[3]));
	else if (strcmp(what, "held") == 0 && argc > 3) {
		held_file = argv[2];
		held(argv[3]);
	} else
		return 2;
	return 43;
}
