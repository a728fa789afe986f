/*
 * Makes calls that no signal interrupts, while a timer's signal comes all the time, and counts those that failed with EINTR
 * all the same: one line for each call, "NAME FAILED". Every call that has failed is made again, and must succeed then.
 *
 * usage: uninterrupted TIMES MICROSECONDS restart|end traced|free
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not the C library's, which may add flags; i386's old one has its arguments in memory. */
#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif

static int file, top;
static long ticks;

static void tick(int number)
{
	(void)number;
	ticks++;
}

#ifdef __x86_64__
/* A name that the entry of 32-bit programs can have. */
static char *low;

static int other_entry(int number, unsigned first, unsigned second)
{
	int result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory", "cc", "r8", "r9", "r10", "r11");
	return result;
}
#endif

static int spawn_true(void)
{
	extern char **environ;
	char *words[] = { "true", NULL };
	pid_t child;
	int error = posix_spawnp(&child, "true", NULL, NULL, words, environ);
	if (error != 0)
		return errno = error, -1;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Makes one call of a kind; 0, or -1 with errno. */
static int call(int kind)
{
	int result;
	void *page;
	cpu_set_t processors;
	struct sigaction action = { .sa_handler = SIG_DFL };
	switch (kind) {
	case 0:
		result = (int)syscall(SYS_memfd_create, "x", 0);
		if (result >= 0)
			close(result);
		return result < 0 ? -1 : 0;
	case 1:
		return sigaction(SIGSEGV, &action, NULL);
	case 2:
		return sched_getaffinity(0, sizeof processors, &processors);
	case 3:
		CPU_ZERO(&processors);
		for (int one = 0; one < 64; one++)
			CPU_SET(one, &processors);
		return sched_setaffinity(0, sizeof processors, &processors);
	case 4:
		page = (void *)syscall(MMAP, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
		if (page == MAP_FAILED)
			return -1;
		munmap(page, 4096);
		return 0;
	case 5:
		return lseek(top, 0, SEEK_SET) < 0 ? -1 : 0;
	case 6:
		result = dup3(file, top, O_CLOEXEC);
		return result < 0 ? -1 : 0;
	case 7:
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED)
			munmap(page, 4096);
		return page == MAP_FAILED && errno == EINTR ? -1 : 0;
	case 8:
		return spawn_true();
#ifdef __x86_64__
	case 9:
		/* memfd_create, whose number is no call's of the other entry. */
		result = other_entry(356, (unsigned)(uintptr_t)low, 0);
		if (result >= 0)
			close(result);
		return result < 0 ? errno = -result, -1 : 0;
#endif
	}
	return 0;
}

static const char *const names[] = { "memfd_create", "rt_sigaction", "sched_getaffinity", "sched_setaffinity", "mmap-file",
	"lseek", "dup3", "mmap-anonymous", "execve",
#ifdef __x86_64__
	"memfd_create-other-entry",
#endif
};

int main(int count, char **words)
{
	if (count < 5)
		errx(2, "usage: uninterrupted TIMES MICROSECONDS restart|end traced|free");
	int times = atoi(words[1]), period = atoi(words[2]);
	file = open("/bin/true", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		err(2, "/bin/true");
	/* The highest numbers are those of tables. */
	top = (int)sysconf(_SC_OPEN_MAX) - 1;
	if (dup3(file, top, O_CLOEXEC) < 0)
		err(2, "dup3");
#ifdef __x86_64__
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		err(2, "mmap");
	strcpy(low, "x");
#endif
	void *held = NULL;
	if (strcmp(words[4], "traced") == 0) {
		/* Who has memory that is to be executable is traced. */
		held = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (held == MAP_FAILED)
			err(2, "mmap");
	}
	struct sigaction action = { .sa_handler = tick, .sa_flags = strcmp(words[3], "restart") == 0 ? SA_RESTART : 0 };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval timer = { { 0, period }, { 0, period } };
	for (unsigned kind = 0; kind < sizeof names / sizeof *names; kind++) {
		int failed = 0;
		/* A program takes long to start. */
		int now = kind == 8 ? times / 20 : times;
		setitimer(ITIMER_REAL, &timer, NULL);
		for (int time = 0; time < now; time++) {
			while (call((int)kind) != 0) {
				if (errno != EINTR)
					err(3, "%s", names[kind]);
				failed++;
			}
		}
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
		printf("%s %d\n", names[kind], failed);
		fflush(stdout);
	}
	printf("ticks %ld\n", ticks);
	return 0;
}
