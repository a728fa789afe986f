/*
 * Processes whose calls have memory that another one delivers late or never, that is not mapped, or that comes and goes
 * while it is read. Each is killed in the middle of what it does. An honest process beside them makes tables.
 *
 *     served COUNT SEED
 *
 * Prints `hostile COUNT honest COUNT refused COUNT longest MILLISECONDS ms`.
 */
#include "../supervisor/served.h"

enum { AT_ONCE = 4, LONGEST_LIFE = 60, CALLS = sizeof calls / sizeof *calls };

static volatile struct {
	int honest, refused, is_over;
	double longest;
} *common;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void honest(void)
{
	for (; !common->is_over; usleep(2000)) {
		struct trampfd_info info;
		const double start = now();
		const int table = trampfd(&info);
		if (table < 0)
			common->refused++;
		else
			close(table);
		if (now() - start > common->longest)
			common->longest = now() - start;
		common->honest++;
	}
	_exit(0);
}

/* Has the page come and go. */
static void *race(void *nothing)
{
	for (;;) {
		munmap(served, PAGE_SIZE);
		mmap(served, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mprotect(served, PAGE_SIZE, PROT_READ);
	}
	return nothing;
}

static void *make(void *call)
{
	for (;;)
		((const struct call *)call)->make();
	return NULL;
}

static void attack(unsigned seed)
{
	const struct call *call = &calls[rand_r(&seed) % CALLS];
	const int way = rand_r(&seed) % 4;
	pthread_t thread;
	/* A server that it starts is killed with it: who ends closes the files that are served, and waits for that. */
	setpgid(0, 0);
	milliseconds = rand_r(&seed) % 2 == 0 ? 0 : 1 + rand_r(&seed) % 20;
	served = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	need(served != MAP_FAILED, "memory");
	wanted = call;
	prepare(call->name);
	if (way == 0)
		serve_by_thread();
	else if (way == 1) {
		never_flushes = rand_r(&seed) % 2;
		mount_file();
		serve_by_file();
	} else if (way == 2)
		munmap(served, PAGE_SIZE);
	else
		pthread_create(&thread, NULL, race, NULL);
	for (int threads = 1 + rand_r(&seed) % 4; threads > 0; threads--)
		pthread_create(&thread, NULL, make, (void *)call);
	usleep((useconds_t)(rand_r(&seed) % (LONGEST_LIFE * 1000)));
	kill(0, SIGKILL);
}

int main(int count, char **words)
{
	need(count == 3, "arguments");
	const int hostile = atoi(words[1]);
	unsigned seed = (unsigned)atoi(words[2]);
	common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(common != MAP_FAILED, "common memory");
	const pid_t self = getpid(), other = fork();
	if (other == 0) {
		belong(self);
		honest();
	}
	puts("busy");
	fflush(stdout);
	for (int made = 0, alive = 0; made < hostile || alive > 0;) {
		if (made < hostile && alive < AT_ONCE) {
			const unsigned next = (unsigned)rand_r(&seed);
			if (fork() == 0) {
				belong(self);
				attack(next);
			}
			made++, alive++;
		} else if (wait(NULL) > 0)
			alive--;
	}
	common->is_over = 1;
	waitpid(other, NULL, 0);
	printf("hostile %d honest %d refused %d longest %.0f ms\n", hostile, common->honest, common->refused, common->longest);
	fflush(stdout);
	_exit(0);
}
