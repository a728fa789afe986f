/*
 * Races against whoever judges what memory a call of mprotect is about, by looking at it.
 *
 *   race thread ATTEMPTS    a thread swaps the page: a file as it is, and an anonymous page with bytes of ours; prints how
 *                           often mprotect granted and refused, and how often the bytes then ran:
 *                           `granted 1 refused 2 ran 0`
 *   race share 1            who could swap it unseen: prints what becomes of calls that make others share the memory
 *   race orphan 1           kills who judges, or prints `alive` and waits for the end: prints what becomes of calls then
 *   race signals ATTEMPTS   another thread is sent signals that queue up, and waits in calls, while this one makes memory
 *                           executable: prints `signals N data N`, as many as were sent
 *   race spawn ATTEMPTS     another thread starts programs, which share the memory until they execute
 *   race threads ATTEMPTS   another thread starts threads all the time
 *
 * print `granted 1 refused 2 ran 3` of an anonymous page with bytes of ours.
 */
#define _GNU_SOURCE
#include "../wx/attempt.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *page;
static int file;
static atomic_int is_over;
static int granted, refused, ran;

static void place_file(void)
{
	need(mmap(page, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == page, "mmap");
}

/* Written before they are there: whoever swaps must not fault where the page has just become executable. */
static void place_bytes(void)
{
	void *bytes = write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
	need(mremap(bytes, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page, "mremap");
}

static void *swap(void *unused)
{
	while (!is_over) {
		place_file();
		place_bytes();
	}
	return unused;
}

/* Makes the page executable and runs what is there; what is there may have been swapped, and fault. */
static void attempt(void)
{
	if (protect(page, READ_EXECUTE) != 0) {
		refused++;
		return;
	}
	granted++;
	if (sigsetjmp(after_fault, 1) == 0 && strcmp(execute(page), "EXEC") == 0)
		ran++;
}

static void count_faults(void)
{
	const struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
}

static int print_counts(void)
{
	return printf("granted %d refused %d ran %d\n", granted, refused, ran) < 0;
}

static int race_thread(int attempts)
{
	pthread_t thread;
	need(pthread_create(&thread, NULL, swap, NULL) == 0, "pthread_create");
	while (attempts-- > 0)
		attempt();
	is_over = 1;
	pthread_join(thread, NULL);
	return print_counts();
}

static int end_at_once(void *unused)
{
	return unused != NULL;
}

static const char *error_name(int64_t result)
{
	return result == -1 ? strerrorname_np(errno) : "granted";
}

/* A process that shares the memory, made with these flags. */
static const char *make_sharing(int flags)
{
	static unsigned char stack[65536];
	return error_name(clone(end_at_once, stack + sizeof stack, flags, NULL));
}

static int race_share(void)
{
	const char *volatile nested = NULL, *volatile thread = NULL, *volatile executable = NULL;
	printf("beside %s ", make_sharing(CLONE_VM | SIGCHLD));
	printf("waited-for %s ", make_sharing(CLONE_VM | CLONE_VFORK | SIGCHLD));
	place_bytes();
	/* The child of vfork has the memory too, and what it finds is seen here. */
	const pid_t process = vfork();
	if (process == 0) {
		nested = make_sharing(CLONE_VM | CLONE_VFORK | SIGCHLD);
		thread = make_sharing(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
		executable = error_name(protect(page, READ_EXECUTE));
		_exit(0);
	}
	need(process > 0, "vfork");
	return printf("child: nested %s thread %s mprotect %s\n", nested, thread, executable) < 0;
}

static atomic_int signals, data, is_ready;
static int pipe_ends[2];

static void on_signal(int number)
{
	(void)number;
	signals++;
}

/* Waits in a call whenever it does nothing; one that is interrupted by no signal of the program's must not fail. */
static void *receive(void *unused)
{
	char byte;
	is_ready = 1;
	for (ssize_t count; (count = read(pipe_ends[0], &byte, 1)) != 0;) {
		need(count == 1, "read");
		data++;
	}
	return unused;
}

static int race_signals(int attempts)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGRTMIN, &action, NULL);
	need(pipe(pipe_ends) == 0, "pipe");
	pthread_t thread;
	need(pthread_create(&thread, NULL, receive, NULL) == 0, "pthread_create");
	while (!is_ready)
		sched_yield();
	place_bytes();
	for (int count = 0; count < attempts; count++) {
		while (pthread_sigqueue(thread, SIGRTMIN, (union sigval){.sival_int = count}) != 0)
			sched_yield();
		need(write(pipe_ends[1], "x", 1) == 1, "write");
		need(protect(page, READ_EXECUTE) == 0, "mprotect");
		need(protect(page, READ_WRITE) == 0, "mprotect");
	}
	close(pipe_ends[1]);
	pthread_join(thread, NULL);
	return printf("signals %d data %d\n", signals, data) < 0;
}

static void *spawn_programs(void *unused)
{
	char *words[] = {"true", NULL};
	while (!is_over) {
		pid_t process;
		int status;
		need(posix_spawn(&process, "/bin/true", NULL, NULL, words, NULL) == 0, "posix_spawn");
		need(waitpid(process, &status, 0) == process && status == 0, "waitpid");
	}
	return unused;
}

static void *do_nothing(void *unused)
{
	return unused;
}

static void *start_threads(void *unused)
{
	while (!is_over) {
		pthread_t thread;
		need(pthread_create(&thread, NULL, do_nothing, NULL) == 0, "pthread_create");
		pthread_join(thread, NULL);
	}
	return unused;
}

/* Tries again when the parent, who judges, is killed. */
static int race_orphan(void)
{
	const pid_t parent = getppid();
	if (kill(parent, SIGKILL) != 0) {
		/* Somebody outside does it. */
		printf("alive\n");
		fflush(stdout);
	}
	while (getppid() == parent)
		sched_yield();
	place_bytes();
	printf("anonymous %s ", error_name(protect(page, READ_EXECUTE)));
	unsigned char *heap = sbrk(4 * PAGE_SIZE);
	heap = (unsigned char *)(((uintptr_t)heap + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1));
	return printf("heap %s\n", error_name(protect(write_payload(heap), READ_EXECUTE))) < 0;
}

static int race_beside(void *(*other)(void *), int attempts)
{
	pthread_t thread;
	need(pthread_create(&thread, NULL, other, NULL) == 0, "pthread_create");
	while (attempts-- > 0) {
		place_bytes();
		attempt();
	}
	is_over = 1;
	pthread_join(thread, NULL);
	return print_counts();
}

int main(int count, char **arguments)
{
	need(count == 3, "usage");
	const int attempts = atoi(arguments[2]);
	file = open("/proc/self/exe", O_RDONLY);
	need(file >= 0, "open");
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);
	need(page != MAP_FAILED, "mmap");
	count_faults();
	if (strcmp(arguments[1], "thread") == 0)
		return race_thread(attempts);
	if (strcmp(arguments[1], "orphan") == 0)
		return race_orphan();
	if (strcmp(arguments[1], "share") == 0)
		return race_share();
	if (strcmp(arguments[1], "signals") == 0)
		return race_signals(attempts);
	if (strcmp(arguments[1], "spawn") == 0)
		return race_beside(spawn_programs, attempts);
	if (strcmp(arguments[1], "threads") == 0)
		return race_beside(start_threads, attempts);
	return 2;
}
