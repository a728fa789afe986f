/*
 * Row 47: what execve(2) is given changes while it is judged: a thread changes the path's own bytes, or another process
 * the symbolic link, between a good program and one with an executable stack or a writable segment; two threads call it at
 * once; the process is stopped, continued or killed in the middle of it. 1,000 times each.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <pthread.h>

static char path[PATH_MAX];
static volatile char *changing;
static volatile int is_changing;

/* The outcome so far: the first start whose bytes ran, or how the last one ended that was not good. */
static int judge(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == RAN) {
		judge_status(status);
		return 1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		judge_status(status);
	return 0;
}

/* One byte decides which of two symbolic links the path names: no moment has half of each. */
static void *change_byte(void *unused)
{
	for (;;) {
		*changing = 'a';
		is_changing = 1;
		*changing = 'b';
	}
	return unused;
}

/* Makes the links `PATH-a` and `PATH-b`; 0 where it could. */
static int make_links(const char *good, const char *bad)
{
	const char *start = new_path(own_folder());
	snprintf(path, sizeof path, "%s-b", start);
	if (bad == NULL || symlink(bad, path) != 0)
		return -1;
	changing = strrchr(path, 0) - 1;
	*changing = 'a';
	return symlink(good, path);
}

/* Each round starts a child, in which `run` calls execve; a child that does not get as far exits with 0. */
static void *rounds(void (*run)(void), void (*meanwhile)(pid_t))
{
	for (int left = race_rounds(); left > 0; left--) {
		const pid_t child = fork();
		if (child == 0) {
			run();
			_exit(0);
		}
		need(child > 0, "fork");
		if (meanwhile != NULL)
			meanwhile(child);
		int status = 0;
		need(waitpid(child, &status, 0) == child, "waitpid");
		if (judge(status))
			break;
	}
	if (outcome_elsewhere == NULL)
		outcome_elsewhere = "UNCHANGED";
	return NULL;
}

static void run_while_byte_changes(const char *where)
{
	pthread_t thread;
	pthread_create(&thread, NULL, change_byte, NULL);
	while (!is_changing)
		;
	execl(path, path, where, NULL);
}

static void run_on_stack(void)
{
	run_while_byte_changes("stack");
}

static void run_on_data(void)
{
	run_while_byte_changes("data");
}

static void *bytes(void)
{
	return make_links("/bin/true", beside("executable-stack")) != 0 ? NULL : rounds(run_on_stack, NULL);
}

static void *segment(void)
{
	return make_links("/bin/true", beside("writable-segment")) != 0 ? NULL : rounds(run_on_data, NULL);
}

/* A program of the attacker's own. */
static void *own_program(void)
{
	return make_links("/bin/true", copied(beside("ordinary"))) != 0 ? NULL : rounds(run_on_data, NULL);
}

static void run_path(void)
{
	execl(path, path, "stack", NULL);
}

static void *link_swapped(void)
{
	const char *links[] = {new_path(own_folder()), new_path(own_folder())};
	strcpy(path, new_path(own_folder()));
	if (symlink("/bin/true", links[0]) != 0 || symlink(beside("executable-stack"), links[1]) != 0 ||
	    symlink("/bin/true", path) != 0)
		return NULL;
	const pid_t swapper = fork();
	while (swapper == 0) {
		renameat2(AT_FDCWD, links[0], AT_FDCWD, path, RENAME_EXCHANGE);
		renameat2(AT_FDCWD, links[1], AT_FDCWD, path, RENAME_EXCHANGE);
	}
	rounds(run_path, NULL);
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	return NULL;
}

static void *start_good(void *unused)
{
	execl("/bin/true", "/bin/true", NULL);
	return unused;
}

static void run_two(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, start_good, NULL);
	const char *program = beside("executable-stack");
	execl(program, program, "stack", NULL);
	pthread_join(thread, NULL);
}

static void *two_threads(void)
{
	return rounds(run_two, NULL);
}

static void run_bad(void)
{
	const char *program = beside("executable-stack");
	execl(program, program, "stack", NULL);
}

static void stop_and_continue(pid_t child)
{
	for (int times = 0; times < 20; times++) {
		kill(child, SIGSTOP);
		kill(child, SIGCONT);
	}
}

static void *stopped(void)
{
	return rounds(run_bad, stop_and_continue);
}

static void interrupt(pid_t child)
{
	for (int times = 0; times < 20; times++)
		kill(child, SIGURG);
}

static void *interrupted(void)
{
	return rounds(run_bad, interrupt);
}

/* Two processes with one memory, both of which become other programs. */
static void run_shared(void)
{
	const pid_t child = vfork();
	(void)child;
	run_bad();
	_exit(0);
}

static void *shared_memory(void)
{
	return rounds(run_shared, NULL);
}

VARIANTS({"bytes", bytes}, {"segment", segment}, {"own-program", own_program}, {"link", link_swapped},
	 {"two-threads", two_threads}, {"stopped", stopped}, {"interrupted", interrupted}, {"shared-memory", shared_memory})
