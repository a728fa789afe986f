/*
 * Row 38: programs that run with more privilege than who starts them. `set-user` beside this program belongs to root and
 * has the bit set-user-ID.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

static void *run(char *what)
{
	const char *path = beside("set-user");
	const pid_t child = fork();
	if (child == 0) {
		execl(path, path, what, NULL);
		_exit(errno);
	}
	int status = 0;
	need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	if (WIFSIGNALED(status) || WEXITSTATUS(status) == RAN)
		return judge_status(status);
	return judge_error(WEXITSTATUS(status));
}

static void *mounts(void)
{
	return run("mount");
}

static void *clones(void)
{
	return run("open_tree");
}

static void *mapping(void)
{
	return run("map_files");
}

VARIANTS({"mount", mounts}, {"open_tree", clones}, {"map_files", mapping})
