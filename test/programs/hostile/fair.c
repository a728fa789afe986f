/*
 * One process does what it can to keep the supervisor busy; an honest one beside it measures how long it waits at most.
 * Prints the longest wait of each of its calls, in milliseconds.
 *
 *   fair KIND MILLISECONDS      KIND: see `kinds`
 *   fair nothing                ends at once
 */
#define _GNU_SOURCE
#include "../emulation/trampoline.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <trampfd.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void in_threads(int count, void *(*function)(void *))
{
	pthread_t thread;
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 1 << 16);
	for (int n = 0; n < count; n++)
		if (pthread_create(&thread, &attributes, function, NULL) != 0)
			usleep(1000);
	for (;;)
		pause();
}

/* A page that holds something else too is emulated for good. */
static unsigned char *emulated_page(void)
{
	unsigned char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	place_trampoline(page, enter_add, 5);
	memset(page + 2048, 1, 64);
	return page;
}

static unsigned char *page;

static void *trap(void *argument)
{
	for (;;)
		call_often((function_t *)page, 100);
	return argument;
}

static void traps(void)
{
	page = emulated_page();
	need(page != NULL, "page");
	in_threads(200, trap);
}

static void *ask(void *argument)
{
	for (;;) {
		void *memory = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory != MAP_FAILED)
			munmap(memory, PAGE_SIZE);
	}
	return argument;
}

static void requests(void)
{
	in_threads(200, ask);
}

static void maps(void)
{
	char *memory = mmap(NULL, 4096UL * 130000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (size_t n = 0; n < 32000; n++)
		if (mprotect(memory + 8192UL * n, 4096, PROT_NONE) != 0)
			break;
	page = emulated_page();
	in_threads(4, ask);
}

static void *promote(void *argument)
{
	unsigned char *own = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long n = 0; own != MAP_FAILED; n++) {
		place_trampoline(own, enter_add, n);
		call_often((function_t *)own, 300);
	}
	return argument;
}

static void promotions(void)
{
	in_threads(16, promote);
}

static int own_file(void)
{
	char name[] = "/tmp/fair-XXXXXX";
	int file = mkstemp(name);

	if (file >= 0)
		unlink(name);
	return file;
}

static void *view(void *argument)
{
	int file = own_file();

	if (file < 0 || ftruncate(file, PAGE_SIZE) != 0)
		return argument;
	for (;;)
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
}

static void views(void)
{
	in_threads(4, view);
}

static void *large(void *argument)
{
	int file = own_file();

	if (file < 0 || ftruncate(file, 1L << 33) != 0)
		return argument;
	for (size_t length = 1UL << 33;; length = length > PAGE_SIZE ? length / 2 : 1UL << 33) {
		void *memory = mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
		if (memory != MAP_FAILED)
			munmap(memory, length);
	}
}

static void large_views(void)
{
	in_threads(4, large);
}

static void *make_files(void *argument)
{
	for (;;) {
		int file = (int)syscall(SYS_memfd_create, "file", 0);
		if (file >= 0)
			close(file);
	}
	return argument;
}

static void memory_files(void)
{
	in_threads(64, make_files);
}

/* Tables that are never completed, kept at numbers where they are in nobody's way. */
static void *make_tables(void *argument)
{
	for (;;) {
		int table = trampfd_create_user();
		if (table < 0) {
			usleep(100);
			continue;
		}
		fcntl(table, F_DUPFD, 3);
		close(table);
	}
	return argument;
}

static void tables(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	in_threads(8, make_tables);
}

static void *fork_often(void *argument)
{
	for (;;) {
		pid_t child = fork();
		if (child == 0) {
			if (page != NULL)
				((function_t *)page)(1);
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	return argument;
}

static void forks(void)
{
	page = emulated_page();
	in_threads(8, fork_often);
}

static void *execute_often(void *argument)
{
	for (;;) {
		pid_t child = vfork();
		if (child == 0) {
			execl("/proc/self/exe", "fair", "nothing", (char *)NULL);
			_exit(1);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	return argument;
}

static void executions(void)
{
	in_threads(16, execute_often);
}

static void *share_often(void *argument)
{
	for (;;) {
		pid_t child = (pid_t)syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	return argument;
}

static void sharers(void)
{
	page = emulated_page();
	in_threads(4, share_often);
}

static void filters(void)
{
	struct sock_filter instructions[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog filter = { 1, instructions };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	page = executable_memory(1);
	place_trampoline(page, enter_add, 5);
	call_often((function_t *)page, 600);
	for (;;) {
		pid_t child = fork();
		if (child == 0) {
			for (int n = 0; n < 20; n++)
				prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

static void *rest(void *argument)
{
	pause();
	return argument;
}

static void threads(void)
{
	page = emulated_page();
	in_threads(2000, rest);
}

static void nothing(void)
{
	for (;;)
		pause();
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "none", nothing },           { "traps", traps },       { "requests", requests },     { "maps", maps },
	{ "promotions", promotions },  { "views", views },       { "large-views", large_views }, { "memory-files", memory_files },
	{ "tables", tables },          { "forks", forks },       { "executions", executions }, { "sharers", sharers },
	{ "filters", filters },        { "threads", threads },
};

/* What the honest process does. */
static unsigned char *honest_page;

static int calls_trampoline(void)
{
	return ((function_t *)honest_page)(1) == 6;
}

static int asks_for_memory(void)
{
	void *memory = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED && munmap(memory, PAGE_SIZE) == 0;
}

static int makes_file(void)
{
	int file = (int)syscall(SYS_memfd_create, "honest", 0);

	return file >= 0 && close(file) == 0;
}

static int makes_table(void)
{
	int table = trampfd_create_user();

	return table >= 0 && close(table) == 0;
}

static int executes(void)
{
	int status = 1;
	pid_t child = vfork();

	if (child == 0) {
		execl("/proc/self/exe", "fair", "nothing", (char *)NULL);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static const struct {
	const char *name;
	int (*make)(void);
} calls[] = {
	{ "call", calls_trampoline }, { "memory", asks_for_memory }, { "file", makes_file },
	{ "table", makes_table },     { "execution", executes },
};
#define CALLS (sizeof calls / sizeof *calls)

int main(int argc, char **argv)
{
	if (argc == 2)
		return 0;
	need(argc == 3, "words");
	honest_page = emulated_page();
	need(honest_page != NULL && calls_trampoline(), "page");
	pid_t hostile = fork();
	if (hostile == 0) {
		for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++)
			if (strcmp(kinds[n].name, argv[1]) == 0)
				kinds[n].run();
		_exit(2);
	}
	usleep(300000);
	double worst[CALLS] = { 0 };
	int failed[CALLS] = { 0 };
	for (double end = now() + atof(argv[2]); now() < end; usleep(2000))
		for (size_t n = 0; n < CALLS; n++) {
			double began = now();
			failed[n] += !calls[n].make();
			double waited = now() - began;
			if (waited > worst[n])
				worst[n] = waited;
		}
	need(kill(hostile, 0) == 0 && waitpid(hostile, NULL, WNOHANG) == 0, "hostile process");
	kill(hostile, SIGKILL);
	waitpid(hostile, NULL, 0);
	for (size_t n = 0; n < CALLS; n++)
		printf("%s %.1f %d\n", calls[n].name, worst[n], failed[n]);
	return 0;
}
