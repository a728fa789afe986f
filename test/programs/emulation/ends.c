/*
 * How programs with trampolines end, stop and go on, as those see it who wait for them. Prints what is the same in every
 * run.
 *
 *   ends status N       calls, and exits with N in a function that is called back
 *   ends signal N       calls, and is killed by signal N that it sends itself there
 *   ends stops          a child stops by each signal that stops, in a function that is called back, and is continued
 *   ends children       children end in every way, in functions that are called back
 *   ends daemon FILE    leaves a process behind, in a session of its own, that calls later and writes FILE
 *   ends wait           says "ready" and waits for a line, before and after calls; ends with 47
 *   ends loop           says "ready", then calls until it is killed
 *   ends traced         whether it is traced before it asks, while it has such memory, without it, and as another program
 *   ends undumpable     asks when nobody may look into it any more
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *memory;

ENTRY(end_with)
{
	exit((int)(value + constant));
}

ENTRY(signal_with)
{
	raise((int)(value + constant));
	return value;
}

/* A place for each, so that none takes another's. */
static function_t *at(int place, entry_t *entry, long constant)
{
	return place_trampoline(memory + place * TRAMPOLINE_ROOM, entry, constant);
}

static void say_status(int status)
{
	if (WIFEXITED(status))
		printf("exited with %d\n", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("killed by %d\n", WTERMSIG(status));
	else if (WIFSTOPPED(status))
		printf("stopped by %d\n", WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		puts("continued");
	fflush(stdout);
}

static volatile sig_atomic_t told, last_code;

static void note_child(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	last_code = information->si_code;
	told++;
}

/* Waits until the child has changed its state, and says how. */
static void say_change(pid_t child, int options)
{
	int status;

	if (waitpid(child, &status, options) == child)
		say_status(status);
	else
		puts("no child");
}

/* The same, with what the signal said that comes with each change. */
static void say_change_and_signal(pid_t child, int options)
{
	say_change(child, options);
	while (told == 0)
		usleep(1000);
	told = 0;
	puts(last_code == CLD_STOPPED     ? "told that it stopped"
	     : last_code == CLD_CONTINUED ? "told that it was continued"
	     : last_code == CLD_EXITED    ? "told that it exited"
	                                  : "told something else");
	fflush(stdout);
}

static volatile sig_atomic_t continued;

static void count_continued(int number)
{
	(void)number;
	continued++;
}

static void stops(void)
{
	static const int numbers[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction action = { .sa_sigaction = note_child, .sa_flags = SA_SIGINFO | SA_RESTART };

	int go_on[2];

	need(pipe(go_on) == 0, "pipe");
	sigaction(SIGCHLD, &action, NULL);
	for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
		/* The child is in a group of its own whose leader's parent is here: job control's stops count there. */
		pid_t child = fork();
		need(child >= 0, "child");
		if (child == 0) {
			setpgid(0, 0);
			signal(SIGCONT, count_continued);
			long sum = 0;
			for (int round = 0; round < 2; round++) {
				char byte;
				sum += call_often(at(1, enter_add, 5 + round), 10);
				at(2, enter_signal_with, numbers[n])(0);
				/* One change at a time: signals of the same number do not queue up. */
				need(read(go_on[0], &byte, 1) == 1, "byte");
			}
			_Exit((int)sum % 100 + continued);
		}
		for (int round = 0; round < 2; round++) {
			say_change_and_signal(child, WUNTRACED);
			kill(child, SIGCONT);
			say_change_and_signal(child, WCONTINUED);
			need(write(go_on[1], "x", 1) == 1, "byte");
		}
		say_change_and_signal(child, 0);
	}
}

static void children(void)
{
	for (int n = 0; n < 6; n++) {
		fflush(stdout);
		pid_t child = fork();
		need(child >= 0, "child");
		if (child == 0) {
			call_often(at(1, enter_add, 5), 3);
			if (n < 2)
				at(2, enter_end_with, 60)(n);
			at(2, enter_signal_with, n == 2 ? SIGTERM : n == 3 ? SIGKILL : n == 4 ? SIGSEGV : SIGABRT)(0);
		}
		say_change(child, 0);
	}
	call_often(at(1, enter_add, 5), 3);
}

static void leave_daemon(const char *path)
{
	long before = call_often(at(1, enter_add, 5), 3);

	pid_t child = fork();
	if (child == 0) {
		setsid();
		if (fork() != 0)
			_Exit(0);
		usleep(400000);
		int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dprintf(file, "%ld %ld %ld\n", before, call_often((function_t *)(memory + TRAMPOLINE_ROOM), 3),
		        call_often(at(2, enter_multiply, 4), 5));
		unsigned char *others = executable_memory(1);
		dprintf(file, "%ld\n", call_often(place_trampoline(others, enter_add, 9), 5));
		_Exit(0);
	}
	say_change(child, 0);
}

static void wait_for_line(void)
{
	char line[32];

	puts("ready");
	fflush(stdout);
	need(fgets(line, sizeof line, stdin) != NULL, "line");
}

static void say_traced(const char *when)
{
	char line[256];
	int tracer = -1;
	FILE *file = fopen("/proc/self/status", "r");

	need(file != NULL, "status");
	while (fgets(line, sizeof line, file) != NULL)
		sscanf(line, "TracerPid: %d", &tracer);
	fclose(file);
	printf("%s: %s\n", when, tracer == 0 ? "not traced" : "traced");
	fflush(stdout);
}

static void traced(void)
{
	say_traced("before");
	memory = executable_memory(1);
	need(call_often(at(0, enter_add, 1), 3) == 6, "trampoline");
	say_traced("with such memory");
	pid_t child = fork();
	if (child == 0) {
		say_traced("child");
		execl("/proc/self/exe", "ends", "say", (char *)NULL);
		_Exit(98);
	}
	say_change(child, 0);
	munmap(memory, PAGE_SIZE);
	/* It is seen at the latest when another call is made. */
	for (int n = 0; n < 3; n++)
		munmap(executable_memory(1), PAGE_SIZE);
	say_traced("without such memory");
	execl("/proc/self/exe", "ends", "say", (char *)NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(what, "traced") == 0)
		traced();
	if (strcmp(what, "say") == 0) {
		say_traced("another program");
		return 47;
	}
	if (strcmp(what, "undumpable") == 0)
		need(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "secrets");
	memory = executable_memory(1);
	if (strcmp(what, "status") == 0)
		at(0, enter_end_with, number)(0);
	else if (strcmp(what, "signal") == 0)
		at(0, enter_signal_with, number)(0);
	else if (strcmp(what, "stops") == 0)
		stops();
	else if (strcmp(what, "children") == 0)
		children();
	else if (strcmp(what, "daemon") == 0 && argc > 2)
		leave_daemon(argv[2]);
	else if (strcmp(what, "undumpable") == 0)
		printf("%ld\n", call_often(at(0, enter_add, 1), 5));
	else if (strcmp(what, "wait") == 0) {
		for (int n = 0; n < 3; n++) {
			printf("%ld\n", call_often(at(n, enter_add, n), 5));
			wait_for_line();
		}
	} else if (strcmp(what, "loop") == 0) {
		function_t *function = at(0, enter_add, 1);
		printf("%ld\n", function(1));
		puts("ready");
		fflush(stdout);
		for (;;)
			function(2);
	} else
		return 2;
	return 47;
}
