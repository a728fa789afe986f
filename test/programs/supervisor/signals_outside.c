/*
 * Sends signals to a process by every way that the kernel has, each another one, and prints what each way answers.
 *
 * signals_outside wait            prints its number, waits for signals, and prints those that came until SIGTERM, or for 25
 *                                 seconds none
 * signals_outside send PID        sends
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void report(const char *way, long result)
{
	printf("%s: %s\n", way, result == 0 ? "done" : strerrorname_np(errno));
	fflush(stdout);
}

static int receive(void)
{
	sigset_t all;
	struct timespec patience = {25, 0};
	int number;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setpgid(0, 0);
	printf("%d\n", getpid());
	fflush(stdout);
	do {
		number = sigtimedwait(&all, NULL, &patience);
		if (number > 0)
			printf("%s\n", number >= SIGRTMIN ? "real-time" : sigabbrev_np(number));
		/* Those with a higher number come behind it, whenever they were sent. */
		if (number == SIGTERM)
			patience.tv_sec = 0;
	} while (number > 0);
	return 0;
}

/* A signal for input on a pipe, which the kernel sends in the name of who asked for it (fcntl(2), F_SETOWN). */
static long by_owner(pid_t process, int number)
{
	int ends[2];

	if (pipe(ends) != 0 || fcntl(ends[0], F_SETOWN, process) != 0 || fcntl(ends[0], F_SETSIG, number) != 0 ||
	    fcntl(ends[0], F_SETFL, O_ASYNC) != 0)
		return -1;
	return write(ends[1], "", 1) == 1 ? 0 : -1;
}

int main(int count, char **words)
{
	if (count < 3)
		return receive();
	pid_t process = atoi(words[2]);
	siginfo_t information = {.si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid()};
	int descriptor = syscall(SYS_pidfd_open, process, 0);

	report("kill", kill(process, SIGUSR1));
	report("kill of a group", kill(-process, SIGUSR2));
	report("tkill", syscall(SYS_tkill, process, SIGHUP));
	report("tgkill", syscall(SYS_tgkill, process, process, SIGQUIT));
	report("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, process, SIGALRM, &information));
	report("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, process, process, SIGVTALRM, &information));
	report("pidfd_send_signal", syscall(SYS_pidfd_send_signal, descriptor, SIGPROF, NULL, 0));
	/* It says nothing of the kind when the signal does not arrive. */
	by_owner(process, SIGXCPU);
	report("kill with 0", kill(process, 0));
	return 0;
}
