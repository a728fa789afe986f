/*
 * Functions that run in a child.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/* What a function gives in a forked child, from 0 to 127; from 128 on, 128 and the signal that ended it. */
TAP_UNUSED static int in_child(int (*what)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child < 0)
		bail_out("fork: %s", errno_name(errno));
	if (child == 0)
		_exit(what());
	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			bail_out("waitpid: %s", errno_name(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
