/*
 * A process executes a program, which has no end: a file of its own that is closed by that is served by another process, who never
 * answers. So long the kernel has whoever looks at the memory of that process wait, or at its /proc/PID/stat. A child of it asks
 * for executable memory, and calls a trampoline; so does an honest process, again and again.
 *
 * Prints `executes: still`, `child: 8` and `honest: COUNT times, at most MILLISECONDS`.
 */
#include "served.h"

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static long call_trampoline(void)
{
	function_t *function = place_trampoline(executable_memory(1), enter_add, 5);
	return function(3);
}

static void honest(void)
{
	double longest = 0;
	int count = 0;
	for (const double end = now() + 2500; now() < end; usleep(20 * 1000), count++) {
		const double start = now();
		need(call_trampoline() == 8, "trampoline");
		if (now() - start > longest)
			longest = now() - start;
	}
	printf("honest: %d times, at most %.0f\n", count, longest);
	fflush(stdout);
	_exit(0);
}

static void execute(void)
{
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		usleep(500 * 1000);
		printf("child: %ld\n", call_trampoline());
		fflush(stdout);
		pause();
	}
	need(open(file, O_RDONLY | O_CLOEXEC) >= 0, "file");
	execl("/bin/true", "true", NULL);
	need(0, "program");
}

int main(void)
{
	/* What others need of the common part. */
	(void)prepare, (void)serve_by_thread, (void)serve_by_file;
	wanted = calls;
	served = content;
	never_flushes = 1;
	mount_file();
	const pid_t executing = fork();
	if (executing == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execute();
	}
	usleep(200 * 1000);
	const pid_t other = fork();
	if (other == 0)
		honest();
	waitpid(other, NULL, 0);
	if (waitpid(executing, NULL, WNOHANG) == 0)
		puts("executes: still");
	fflush(stdout);
	_exit(0);
}
