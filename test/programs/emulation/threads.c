/*
 * Trampolines and threads. Prints what is the same in every run.
 *
 *   threads call         eight threads call one trampoline, and each one its own, at once
 *   threads rewrite      each thread writes its trampoline anew, in a page where the others call theirs
 *   threads start        threads start and end all the time, each asks for memory, calls, and gives it back
 *   threads stacks       nested functions on the threads' stacks: large and small ones, and stacks of the program's own
 *   threads wait         other threads wait in calls of many kinds when the first one asks for such memory
 *   threads end          threads end by pthread_exit() and the process by exit() in functions that are called back
 *   threads first        the first thread ends, the others go on
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

static pthread_t threads[THREADS];
static long results[THREADS];
static unsigned char *memory;
static pthread_barrier_t barrier;
static int rounds = 300;

static void start_all(void *(*function)(void *), const pthread_attr_t *attributes)
{
	for (long n = 0; n < THREADS; n++)
		need(pthread_create(&threads[n], attributes, function, (void *)n) == 0, "thread");
}

static void join_all(void)
{
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	for (int n = 0; n < THREADS; n++)
		printf("%ld ", results[n]);
	puts("");
}

static void *call_both(void *argument)
{
	long index = (long)argument, wrong = 0;
	function_t *shared = (function_t *)memory;
	function_t *own = (function_t *)(memory + (index + 1) * TRAMPOLINE_ROOM);

	pthread_barrier_wait(&barrier);
	for (int n = 0; n < rounds; n++) {
		wrong += shared(n) != n + 100;
		wrong += own(n) != n * (index + 2);
	}
	results[index] = wrong;
	return NULL;
}

static void call_at_once(void)
{
	memory = executable_memory(1);
	place_trampoline(memory, enter_add, 100);
	for (int n = 0; n < THREADS; n++)
		place_trampoline(memory + (n + 1) * TRAMPOLINE_ROOM, enter_multiply, n + 2);
	for (int n = 0; n < 3; n++) {
		start_all(call_both, NULL);
		join_all();
	}
}

static void *write_anew(void *argument)
{
	long index = (long)argument, wrong = 0;
	unsigned char *place = memory + index * TRAMPOLINE_ROOM;

	pthread_barrier_wait(&barrier);
	for (long n = 0; n < rounds; n++) {
		function_t *function = place_trampoline(place, n % 2 ? enter_add : enter_multiply, n);
		for (int calls = 0; calls < 3; calls++)
			wrong += function(n) != (n % 2 ? n + n : n * n);
	}
	results[index] = wrong;
	return NULL;
}

static void rewrite(void)
{
	memory = executable_memory(1);
	start_all(write_anew, NULL);
	join_all();
}

static void *ask_and_end(void *argument)
{
	long index = (long)argument;
	unsigned char *own = executable_memory(2);

	results[index] += call_often(place_trampoline(own + PAGE_SIZE, enter_add, index), 5);
	munmap(own, 2 * PAGE_SIZE);
	return NULL;
}

static void start_and_end(void)
{
	for (int round = 0; round < rounds / 6; round++) {
		start_all(ask_and_end, NULL);
		for (int n = 0; n < THREADS; n++)
			pthread_join(threads[n], NULL);
	}
	for (int n = 0; n < THREADS; n++)
		printf("%ld ", results[n]);
	puts("");
}

static void *call_nested(void *argument)
{
	long index = (long)argument, calls = 0;

	long nested(long value)
	{
		calls++;
		return value * index;
	}
	results[index] = call_often(nested, 30) + calls;
	return NULL;
}

static void on_stacks(void)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	start_all(call_nested, NULL);
	join_all();
	pthread_attr_setstacksize(&attributes, 65536);
	start_all(call_nested, &attributes);
	join_all();
	pthread_attr_setstacksize(&attributes, 64 << 20);
	start_all(call_nested, &attributes);
	join_all();
	/* A stack that the program brings: where trampolines are to run on it, it asks for what it needs. */
	for (long n = 0; n < THREADS; n++) {
		size_t size = 64 * PAGE_SIZE;
		void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		need(stack != MAP_FAILED && pthread_attr_setstack(&attributes, stack, size) == 0, "stack");
		need(pthread_create(&threads[n], &attributes, call_nested, (void *)n) == 0, "thread");
	}
	join_all();
}

static int pipes[THREADS][2];
static sem_t semaphore;

/* Waits in a call of its own kind; gives what the call gives, or minus its errno. */
static void *wait_in_a_call(void *argument)
{
	long index = (long)argument, result = 0;
	char byte = 0;
	struct pollfd wanted = { pipes[index][0], POLLIN, 0 };
	struct timespec while_it_asks = { 0, 400000000 };
	sigset_t set;

	pthread_barrier_wait(&barrier);
	switch (index) {
	case 0:
	case 1:
		result = read(pipes[index][0], &byte, 1);
		break;
	case 2:
	case 3:
		result = poll(&wanted, 1, -1);
		break;
	case 4:
		result = nanosleep(&while_it_asks, NULL);
		break;
	case 5:
		result = clock_nanosleep(CLOCK_MONOTONIC, 0, &while_it_asks, NULL);
		break;
	case 6:
		result = sem_wait(&semaphore);
		break;
	case 7:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		result = sigwaitinfo(&set, NULL);
		break;
	}
	results[index] = result < 0 ? -errno : result;
	return NULL;
}

static void wait_while_asked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sem_init(&semaphore, 0, 0);
	for (int n = 0; n < THREADS; n++)
		need(pipe(pipes[n]) == 0, "pipe");
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	start_all(wait_in_a_call, NULL);
	pthread_barrier_wait(&barrier);
	usleep(100000);
	memory = executable_memory(1);
	printf("%ld\n", call_often(place_trampoline(memory, enter_add, 7), 20));
	usleep(500000);
	for (int n = 0; n < 4; n++)
		need(write(pipes[n][1], "x", 1) == 1, "byte");
	sem_post(&semaphore);
	pthread_kill(threads[7], SIGUSR1);
	join_all();
}

ENTRY(end_thread)
{
	pthread_exit((void *)(value + constant));
}

ENTRY(end_process)
{
	exit((int)(value + constant));
}

static void *end_in_callback(void *argument)
{
	((function_t *)memory)((long)argument);
	return NULL;
}

static void ends(void)
{
	memory = executable_memory(1);
	place_trampoline(memory, enter_end_thread, 500);
	start_all(end_in_callback, NULL);
	for (int n = 0; n < THREADS; n++) {
		void *result;
		pthread_join(threads[n], &result);
		printf("%ld ", (long)result);
	}
	puts("");
	place_trampoline(memory, enter_end_process, 50);
	start_all(call_nested, NULL);
	need(pthread_create(&threads[0], NULL, end_in_callback, (void *)1) == 0, "thread");
	pause();
}

static void *go_on(void *argument)
{
	long index = (long)argument;

	/* Until the first thread has ended. */
	usleep(200000);
	results[index] = call_often((function_t *)memory, 100);
	pthread_barrier_wait(&barrier);
	if (index == 0) {
		for (int n = 0; n < THREADS; n++)
			printf("%ld ", results[n]);
		puts("");
		exit(52);
	}
	pause();
	return NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_barrier_init(&barrier, NULL, THREADS);
	if (strcmp(what, "call") == 0)
		call_at_once();
	else if (strcmp(what, "rewrite") == 0)
		rewrite();
	else if (strcmp(what, "start") == 0)
		start_and_end();
	else if (strcmp(what, "stacks") == 0)
		on_stacks();
	else if (strcmp(what, "wait") == 0)
		wait_while_asked();
	else if (strcmp(what, "end") == 0)
		ends();
	else if (strcmp(what, "first") == 0) {
		memory = executable_memory(1);
		place_trampoline(memory, enter_add, 3);
		start_all(go_on, NULL);
		pthread_exit(NULL);
	} else
		return 2;
	return 43;
}
