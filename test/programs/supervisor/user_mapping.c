/*
 * Mappings of trampolines of version 1, as this implementation makes them: whether a fork inherits one, and whether the
 * call that sees to it leaves a trace in the thread that mapped.
 *
 * usage: user_mapping state            tells of one mapping: inherited or not, and what becomes of a child that calls it
 *        user_mapping storm N          maps and calls N times while a signal comes every 200 microseconds
 *        user_mapping threads N        8 threads map and call N times each
 *        user_mapping kill N           kills N children one after another while they map, and maps itself in between
 *
 * Status 0 when all calls arrived.
 */
#define _GNU_SOURCE
#include <trampfd.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

uintptr_t target(void);

#if defined(__x86_64__)
#define CHAIN trampfd_user_x64_r10
#define PC trampfd_user_x64_rip
__asm__(".text\ntarget: endbr64; mov %r10, %rax; ret\n");
#else
#define CHAIN trampfd_user_x32_ecx
#define PC trampfd_user_x32_eip
__asm__(".text\ntarget: endbr32; mov %ecx, %eax; ret\n");
#endif

static volatile sig_atomic_t signals;

static void need(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

static int set(int fd, uintptr_t value)
{
	struct {
		uint32_t count, reserved;
		struct trampfd_reg registers[2];
	} context = { 2, 0, { { CHAIN, 0, value }, { PC, 0, (uintptr_t)target } } };

	return pwrite(fd, &context, sizeof context, TRAMPFD_REGS_OFFSET) == sizeof context;
}

static void *map(int fd, struct trampfd_map *how)
{
	need(pread(fd, how, sizeof *how, TRAMPFD_MAP_OFFSET) == sizeof *how, "pread");
	void *base = mmap(NULL, how->size, (int)how->prot, (int)how->flags, fd, how->offset);
	need(base != MAP_FAILED, "mmap");
	return base;
}

static uintptr_t call(void *base, const struct trampfd_map *how)
{
	return ((uintptr_t (*)(void))((char *)base + how->ioffset))();
}

/* Whether the mapping at an address is one that forks do not inherit: "dc" among its flags. */
static int is_inherited(void *address)
{
	char line[512];
	unsigned long from, to;
	int here = 0, inherited = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	need(file != NULL, "smaps");
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from == (unsigned long)address;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			inherited = strstr(line, " dc") == NULL;
	}
	fclose(file);
	return inherited;
}

static void one(uintptr_t value, int look)
{
	struct trampfd_map how;
	int fd = trampfd_create_user();

	need(fd >= 0, "trampfd_create_user");
	need(set(fd, value), "pwrite");
	void *base = map(fd, &how);
	if (call(base, &how) != value) {
		printf("a call went wrong\n");
		exit(1);
	}
	if (look && is_inherited(base) != 0) {
		printf("a mapping is inherited\n");
		exit(1);
	}
	need(munmap(base, how.size) == 0 && close(fd) == 0, "munmap and close");
}

static void state(void)
{
	struct trampfd_map how;
	int status, fd = trampfd_create_user();

	need(fd >= 0, "trampfd_create_user");
	need(set(fd, 77), "pwrite");
	void *base = map(fd, &how);
	printf("inherited %d\n", is_inherited(base));
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit((int)call(base, &how));
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("child signal %d\n", WTERMSIG(status));
	else
		printf("child status %d\n", WEXITSTATUS(status));
	printf("parent %d\n", (int)call(base, &how));
}

static void count(int number)
{
	(void)number;
	signals++;
}

static void storm(int times)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } };
	const struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };

	need(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
	for (int i = 0; i < times; i++)
		one((uintptr_t)i, i % 20 == 0);
	printf("signals %s\n", signals > 10 ? "came" : "did not come");
}

static void *work(void *times)
{
	for (intptr_t i = 0; i < (intptr_t)times; i++)
		one((uintptr_t)i, i % 20 == 0);
	return NULL;
}

static void threads(int times)
{
	pthread_t started[8];

	for (int i = 0; i < 8; i++)
		need(pthread_create(&started[i], NULL, work, (void *)(intptr_t)times) == 0, "pthread_create");
	for (int i = 0; i < 8; i++)
		pthread_join(started[i], NULL);
}

static void kill_children(int times)
{
	for (int i = 0; i < times; i++) {
		int status;
		pid_t child = fork();
		if (child == 0)
			for (;;)
				one(1, 0);
		/* At another moment of the child's work each time. */
		usleep(500 + (useconds_t)(i * 37 % 1000));
		need(kill(child, SIGKILL) == 0, "kill");
		/* It is not reaped until its killer has been served. */
		one(2, 0);
		need(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "waitpid");
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int times = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(what, "state") == 0)
		state();
	else if (strcmp(what, "storm") == 0)
		storm(times);
	else if (strcmp(what, "kill") == 0)
		kill_children(times);
	else if (strcmp(what, "threads") == 0)
		threads(times);
	else
		return 2;
	return 0;
}
