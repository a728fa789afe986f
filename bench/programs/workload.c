/*
 * usage: workload compute|write|getppid|getpgid|spawn|python COUNT
 *
 * One thing that programs do, COUNT times; prints the seconds that it took, measured inside, so that the start of a
 * supervisor or tracer around it does not count.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Marsaglia's xorshift: each step needs the one before. */
static void compute(long count)
{
	uint64_t state = 88172645463325252u;
	for (long step = 0; step < count; step++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
	}
	need(state != 0, "xorshift");
}

static void write_bytes(long count)
{
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	need(null >= 0, "open");
	for (long call = 0; call < count; call++)
		need(write(null, "", 1) == 1, "write");
}

static void ask_parent(long count)
{
	for (long call = 0; call < count; call++)
		need(syscall(SYS_getppid) >= 0, "getppid");
}

static void ask_group(long count)
{
	for (long call = 0; call < count; call++)
		need(syscall(SYS_getpgid, 0) >= 0, "getpgid");
}

static void run(char *const arguments[])
{
	const pid_t child = fork();
	need(child >= 0, "fork");
	if (child == 0) {
		execve(arguments[0], arguments, environ);
		_exit(127);
	}
	int status;
	need(waitpid(child, &status, 0) == child && status == 0, arguments[0]);
}

static void spawn(long count)
{
	char *const arguments[] = {"/bin/true", NULL};
	for (long process = 0; process < count; process++)
		run(arguments);
}

static void python(long count)
{
	char *const arguments[] = {"/usr/bin/python3", "-c", "pass", NULL};
	for (long process = 0; process < count; process++)
		run(arguments);
}

static const struct {
	const char *name;
	void (*work)(long count);
} workloads[] = {{"compute", compute},   {"write", write_bytes}, {"getppid", ask_parent},
		 {"getpgid", ask_group}, {"spawn", spawn},       {"python", python}};

int main(int count, char **arguments)
{
	for (size_t index = 0; count == 3 && index < sizeof workloads / sizeof workloads[0]; index++) {
		if (strcmp(arguments[1], workloads[index].name) != 0)
			continue;
		const long repetitions = number(arguments[2]);
		const double start = now();
		workloads[index].work(repetitions);
		printf("%.9f\n", (now() - start) / 1e9);
		return 0;
	}
	fprintf(stderr, "usage: workload compute|write|getppid|getpgid|spawn|python COUNT\n");
	return 2;
}
