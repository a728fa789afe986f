/*
 * Calls a trampoline again and again, close to each other, in a page that holds something else too, so that each call is
 * emulated. A burst of such calls keeps the thread on one processor. What it may see of that, and what may come of it:
 *
 *   kept      /proc says so, and no more some time after the last call
 *   asked     sched_getaffinity(2) says in the middle of it what it says before
 *   chosen    what sched_setaffinity(2) sets in the middle of it stays
 *   fork, thread, execute
 *             what is made in the middle of it may run where the thread may run by itself
 *   killed    a signal that ends the process in the middle of it
 *   many N    N calls, and nothing else
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trampoline.h"

/* Calls that a burst may take to come, and thousandths of a second that one may take to end. */
#define MOST_CALLS 200000
#define MOST_WAITS 5000

static char own[512];

/* Where the calling thread may run, as /proc has it: it asks no system call that is about that. */
static void processors(char *text, size_t size)
{
	char line[512];
	FILE *file = fopen("/proc/thread-self/status", "re");

	need(file != NULL, "status");
	text[0] = 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, "Cpus_allowed_list:", 18) == 0)
			snprintf(text, size, "%s", line + 18);
	fclose(file);
}

static int is_own(void)
{
	char now[512];

	processors(now, sizeof now);
	return strcmp(now, own) == 0;
}

static int becomes_own(void)
{
	for (int waits = 0; waits < MOST_WAITS; waits++) {
		if (is_own())
			return 1;
		usleep(1000);
	}
	return 0;
}

/* Calls until there is a burst. Where the thread has one processor there is nothing to see of one. */
static void begin(function_t *call)
{
	cpu_set_t set;

	need(sched_getaffinity(0, sizeof set, &set) == 0, "affinity");
	for (long calls = 0; calls < MOST_CALLS; calls++) {
		need(call(calls) == calls + 5, "sum");
		if (calls % 64 == 63 && (!is_own() || CPU_COUNT(&set) == 1))
			return;
	}
	need(0, "burst");
}

static void *look(void *unused)
{
	(void)unused;
	return becomes_own() ? own : NULL;
}

static int say(const char *what, int holds)
{
	printf("%s: %s\n", what, holds ? "as it is alone" : "otherwise");
	return holds ? 44 : 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	cpu_set_t before;
	cpu_set_t now;
	unsigned char *page = executable_memory(1);
	function_t *call = place_trampoline(page, enter_add, 5);

	page[PAGE_SIZE - 1] = 1;
	processors(own, sizeof own);
	if (strcmp(what, "executed") == 0)
		return say("execute", argc > 2 && strcmp(own, argv[2]) == 0);
	if (strcmp(what, "many") == 0) {
		long calls = argc > 2 ? atol(argv[2]) : 0;

		for (long done = 0; done < calls; done++)
			need(call(done) == done + 5, "sum");
		return 0;
	}
	need(sched_getaffinity(0, sizeof before, &before) == 0, "affinity");
	begin(call);
	if (strcmp(what, "kept") == 0)
		return say(what, becomes_own());
	if (strcmp(what, "asked") == 0)
		return say(what, sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&before, &now));
	if (strcmp(what, "chosen") == 0) {
		int cpu = sched_getcpu();

		CPU_ZERO(&now);
		CPU_SET(cpu, &now);
		need(sched_setaffinity(0, sizeof now, &now) == 0, "setting");
		usleep(100000);
		call(1);
		usleep(100000);
		CPU_ZERO(&before);
		CPU_SET(cpu, &before);
		need(sched_getaffinity(0, sizeof now, &now) == 0, "affinity");
		return say(what, CPU_EQUAL(&before, &now));
	}
	if (strcmp(what, "fork") == 0) {
		int status = 1;
		pid_t child = fork();

		if (child == 0)
			_exit(becomes_own() ? 0 : 1);
		need(waitpid(child, &status, 0) == child, "child");
		return say(what, status == 0 && becomes_own());
	}
	if (strcmp(what, "thread") == 0) {
		pthread_t thread;
		void *result = NULL;

		need(pthread_create(&thread, NULL, look, NULL) == 0, "thread");
		pthread_join(thread, &result);
		return say(what, result != NULL && becomes_own());
	}
	if (strcmp(what, "execute") == 0)
		execl(argv[0], argv[0], "executed", own, (char *)NULL);
	if (strcmp(what, "killed") == 0)
		kill(getpid(), SIGTERM);
	return 1;
}
