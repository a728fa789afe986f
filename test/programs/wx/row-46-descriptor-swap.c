/*
 * Row 46: a descriptor number names another file from one moment to the next. A thread puts a file of the attacker's and a
 * trusted one by turns at the number that mmap(2) or execveat(2) is called with, 1,000 times.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <pthread.h>

enum { NUMBER = 90 };

static int good, bad;
static volatile int stop;

static void *swap(void *unused)
{
	while (!stop) {
		dup2(good, NUMBER);
		dup2(bad, NUMBER);
	}
	return unused;
}

/* Calls `attempt` again and again while the other thread swaps; the first page that holds the payload. */
static void *swapped(int trusted, int own, void *(*attempt)(void))
{
	pthread_t thread;
	void *page = NULL;
	int error = 0;
	const int rounds = race_rounds();
	good = trusted, bad = own;
	if (good < 0 || bad < 0)
		return NULL;
	need(dup2(good, NUMBER) == NUMBER && pthread_create(&thread, NULL, swap, NULL) == 0, "pthread_create");
	for (int times = 0; times < rounds && page == NULL && outcome_elsewhere == NULL; times++) {
		page = attempt();
		if (page == NULL && errno != 0)
			error = errno;
	}
	stop = 1;
	pthread_join(thread, NULL);
	/* Nothing was refused, and the race was never won. */
	if (page == NULL && error == 0 && outcome_elsewhere == NULL)
		outcome_elsewhere = "UNCHANGED";
	errno = error;
	return page;
}

static void *payload_in(void *page)
{
	unsigned char bytes[6];
	write_payload(bytes);
	/* A program that is not good is not bad either: what is mapped may be the trusted file. */
	if (page != NULL && memcmp(page, bytes, sizeof bytes) == 0)
		return page;
	if (page != NULL)
		munmap(page, PAGE_SIZE), errno = 0;
	return NULL;
}

static void *mapped(void)
{
	return payload_in(map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, NUMBER));
}

static int trusted_file(void)
{
	return open(beside("victim"), O_RDONLY | O_CLOEXEC);
}

static void *file(void)
{
	const int own = new_file(own_folder());
	return swapped(trusted_file(), own < 0 ? own : fill(own), mapped);
}

static void *memory_file(void)
{
	const int own = memfd_create("row 46", 0);
	return swapped(trusted_file(), own < 0 ? own : fill(own), mapped);
}

#ifdef __x86_64__
static void *mapped_by_other_entry(void)
{
	return payload_in(address_of(i386_call(I386_MMAP2, 0, PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, NUMBER, 0)));
}
#else
static void *mapped_by_other_entry(void)
{
	return payload_in(address_of(
		x86_64_call(X86_64_MMAP, 0, PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_32BIT, NUMBER, 0)));
}
#endif

static void *other_entry(void)
{
	const int own = memfd_create("row 46", 0);
	return swapped(trusted_file(), own < 0 ? own : fill(own), mapped_by_other_entry);
}

/* A program by its descriptor: the trusted one exits with 0. */
static void *executed(void)
{
	const pid_t child = vfork();
	if (child == 0) {
		errno = 0;
		syscall(SYS_execveat, NUMBER, "", (char *[]){"row 46", "nowhere", NULL}, environ, AT_EMPTY_PATH);
		_exit(127);
	}
	const int error = errno;
	int status = 0;
	need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == RAN)
		return judge_status(status);
	errno = error;
	return NULL;
}

static void *program(void)
{
	const char *path = copied(beside("ordinary"));
	return path == NULL ? NULL : swapped(open("/bin/true", O_PATH), open(path, O_PATH), executed);
}

/* The trusted one has an executable stack: whatever is looked at before the call may be another program. */
static void *executed_stack(void)
{
	const pid_t child = vfork();
	if (child == 0) {
		errno = 0;
		syscall(SYS_execveat, NUMBER, "", (char *[]){"row 46", "stack", NULL}, environ, AT_EMPTY_PATH);
		_exit(127);
	}
	const int error = errno;
	int status = 0;
	need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == RAN)
		return judge_status(status);
	errno = WIFSIGNALED(status) ? EFAULT : error;
	return NULL;
}

static void *stack(void)
{
	return swapped(open("/bin/true", O_PATH), open(beside("executable-stack"), O_PATH), executed_stack);
}

VARIANTS({"file", file}, {"memfd", memory_file}, {"other-entry", other_entry}, {"program", program}, {"stack", stack})
