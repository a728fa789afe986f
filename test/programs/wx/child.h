/* Attempts whose bytes run in another process: a child that exits with RAN, or a program started from a file. */
#ifndef TRAMPFD_TEST_CHILD_H
#define TRAMPFD_TEST_CHILD_H

#include "attempt.h"

#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

/* How often a race is run: 1,000 times, or as WX_ROUNDS of the environment says, on machines that are slow. */
static inline int race_rounds(void)
{
	const char *rounds = getenv("WX_ROUNDS");
	return rounds == NULL ? 1000 : atoi(rounds);
}

/* Notes what became of a child; always NULL, for the attempt to return. */
static inline void *judge_status(int status)
{
	static char name[16];
	if (WIFSIGNALED(status))
		snprintf(name, sizeof name, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == RAN)
		strcpy(name, "EXEC");
	else
		snprintf(name, sizeof name, "exit %d", WEXITSTATUS(status));
	outcome_elsewhere = name;
	return NULL;
}

static inline void *judge_child(pid_t child)
{
	int status = 0;
	need(waitpid(child, &status, 0) == child, "waitpid");
	return judge_status(status);
}

/* Notes an error that came about in another process. */
static inline void *judge_error(int error)
{
	outcome_elsewhere = error == 0 ? "UNCHANGED" : strerrorname_np(error);
	return NULL;
}

/* What a child tells its parent: an errno, or 0. */
struct shared_result {
	volatile int error, step;
};

static inline struct shared_result *share_result(void)
{
	return map_writable(MAP_SHARED | MAP_ANONYMOUS);
}

/* Starts a program and judges it; NULL with errno where it could not be started. */
static inline void *start_with(const char *path, char **arguments, char **variables)
{
	/* The child of vfork has the parent's memory, and with it the parent's errno. */
	const pid_t child = vfork();
	if (child == 0) {
		errno = 0;
		execve(path, arguments, variables);
		_exit(127);
	}
	need(child > 0, "vfork");
	const int error = errno;
	int status = 0;
	need(waitpid(child, &status, 0) == child, "waitpid");
	errno = error;
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 && error != 0 ? NULL : judge_status(status);
}

static inline void *start(const char *path)
{
	return start_with(path, (char *[]){(char *)path, NULL}, environ);
}

#endif
