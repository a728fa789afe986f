/*
 * A call whose memory, file or code another process delivers: after some milliseconds, or never, where these are 0. Beside
 * it an honest process makes tables, and says how long the longest of its calls has taken.
 *
 *     served uffd|fuse MILLISECONDS CALL
 *
 * Prints `CALL: RESULT` or `CALL: not back`, and `honest: COUNT tables, at most MILLISECONDS`.
 */
#include "served.h"

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* Shared with the honest process: how many tables it has made, and whether it is to end. */
static volatile struct {
	int count, is_over;
} *common;

static void honest(void)
{
	double longest = 0;
	for (; !common->is_over; usleep(5000)) {
		struct trampfd_info info;
		const double start = now();
		const int table = trampfd(&info);
		if (table < 0) {
			printf("honest: %s\n", strerrorname_np(errno));
			_exit(1);
		}
		if (now() - start > longest)
			longest = now() - start;
		close(table);
		common->count++;
	}
	printf("honest: %d tables, at most %.0f\n", common->count, longest);
	fflush(stdout);
	_exit(0);
}

static volatile int is_back;

static void *make(void *nothing)
{
	errno = 0;
	const long result = wanted->make();
	if (result == -1)
		printf("%s: %s\n", wanted->name, strerrorname_np(errno));
	else
		printf("%s: %ld\n", wanted->name, result);
	fflush(stdout);
	is_back = 1;
	return nothing;
}

int main(int count, char **words)
{
	pthread_t thread;

	need(count == 4, "arguments");
	milliseconds = atoi(words[2]);
	for (size_t at = 0; at < sizeof calls / sizeof *calls; at++)
		if (strcmp(calls[at].name, words[3]) == 0)
			wanted = &calls[at];
	need(wanted != NULL, "such call");
	common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(common != MAP_FAILED, "common memory");
	const pid_t other = fork();
	if (other == 0)
		honest();
	while (common->count == 0)
		usleep(1000);
	const int protection = PROT_READ | PROT_WRITE | (wanted->make == trampoline ? PROT_EXEC : 0);
	served = mmap(NULL, PAGE_SIZE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	need(served != MAP_FAILED, "memory");
	prepare(wanted->name);
	if (strcmp(words[1], "uffd") == 0)
		serve_by_thread();
	else {
		never_flushes = wanted->make == command;
		mount_file();
		/* Who has a file open for writing keeps it from being executed. */
		if (wanted->make != execution_of_file && wanted->make != command)
			serve_by_file();
	}
	need(pthread_create(&thread, NULL, make, NULL) == 0, "thread");
	if (milliseconds > 0)
		pthread_join(thread, NULL);
	else
		usleep(1000 * 1000);
	if (!is_back)
		printf("%s: not back\n", wanted->name);
	fflush(stdout);
	common->is_over = 1;
	waitpid(other, NULL, 0);
	_exit(0);
}
