/*
 * Processes that do not outlive the one that made them.
 */
#ifndef BELONG_H
#define BELONG_H

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Ends this process with its parent, which may have ended between its fork(2) and this: then it would never be told. */
static void belong(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

#endif
