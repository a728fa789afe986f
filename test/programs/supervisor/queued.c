/*
 * A process has signals queued until its user may have no more of them (getrlimit(2): RLIMIT_SIGPENDING). Others ask for executable
 * memory, and call trampolines there: one was traced before that and sleeps, the others come behind it.
 *
 *     queued before|behind   when the first one asks: before the queue is full, or behind that
 *
 * Prints what each of them came to: a number, or `refused`.
 */
#define _GNU_SOURCE
#include "../emulation/trampoline.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASKING = 3 };

static void fill(int ready)
{
	struct rlimit limit;
	sigset_t set;
	need(getrlimit(RLIMIT_SIGPENDING, &limit) == 0, "limit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &limit);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 6);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigqueue(getpid(), SIGRTMIN + 6, (union sigval){0}) == 0)
		;
	need(write(ready, "", 1) == 1, "pipe");
	for (;; usleep(200))
		sigqueue(getpid(), SIGRTMIN + 6, (union sigval){0});
}

static void ask(void)
{
	unsigned char *memory = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		puts("refused");
	else
		printf("%ld\n", place_trampoline(memory, enter_add, 5)(3));
	fflush(stdout);
}

static pid_t sleeper(int ready)
{
	const pid_t process = fork();
	if (process == 0) {
		ask();
		need(write(ready, "", 1) == 1, "pipe");
		pause();
	}
	return process;
}

int main(int count, char **words)
{
	int ends[2];
	char byte;
	pid_t sleeping = 0;

	need(count == 2 && pipe(ends) == 0, "arguments");
	const int is_before = strcmp(words[1], "before") == 0;
	if (is_before) {
		sleeping = sleeper(ends[1]);
		need(read(ends[0], &byte, 1) == 1, "pipe");
	}
	const pid_t filling = fork();
	if (filling == 0)
		fill(ends[1]);
	need(read(ends[0], &byte, 1) == 1, "pipe");
	if (!is_before) {
		sleeping = sleeper(ends[1]);
		need(read(ends[0], &byte, 1) == 1, "pipe");
	}
	for (int at = 0; at < ASKING; at++) {
		if (fork() == 0) {
			ask();
			_exit(0);
		}
		wait(NULL);
	}
	kill(filling, SIGKILL);
	kill(sleeping, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
