/*
 * usage: supervisor CALLS
 *
 * The least that a seccomp user notification can cost: a child's filter sends calls to this process, whose loop answers
 * each at once and does nothing else. getppid(2) is answered with a value, getpgrp(2) with a descriptor. Prints
 * `round-trip MICROSECONDS` and `descriptor MICROSECONDS`, as the child measured them. See seccomp_unotify(2).
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linux 6.6; not in the headers of Debian 12. The argument is the value itself. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

enum { ANSWER = 4711, DESCRIPTOR = 900 };

static int install_filter(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof instructions / sizeof instructions[0], instructions};
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
	const int listener =
		(int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	need(listener >= 0, "seccomp");
	return listener;
}

static void target(int to_supervisor, long calls)
{
	const int listener = install_filter();
	need(write(to_supervisor, &listener, sizeof listener) == sizeof listener, "write");
	double start = now();
	for (long call = 0; call < calls; call++)
		need(syscall(SYS_getppid) == ANSWER, "getppid");
	printf("round-trip %.3f\n", (now() - start) / (double)calls / 1e3);
	start = now();
	for (long call = 0; call < calls; call++)
		need(syscall(SYS_getpgrp) == DESCRIPTOR, "getpgrp");
	printf("descriptor %.3f\n", (now() - start) / (double)calls / 1e3);
	fflush(stdout);
	_exit(0);
}

static void answer_all(int listener)
{
	struct seccomp_notif_sizes sizes;
	need(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0, "SECCOMP_GET_NOTIF_SIZES");
	struct seccomp_notif *notification = malloc(sizes.seccomp_notif);
	struct seccomp_notif_resp *response = calloc(1, sizes.seccomp_notif_resp);
	need(notification != NULL && response != NULL, "malloc");
	for (;;) {
		memset(notification, 0, sizes.seccomp_notif);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification) != 0)
			return; /* the child has gone: nobody uses the filter any more */
		if (notification->data.nr == SYS_getpgrp) {
			const struct seccomp_notif_addfd added = {
				.id = notification->id,
				.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND,
				.srcfd = STDERR_FILENO,
				.newfd = DESCRIPTOR,
			};
			need(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &added) == DESCRIPTOR, "NOTIF_ADDFD");
			continue;
		}
		response->id = notification->id;
		response->val = ANSWER;
		need(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) == 0 || errno == ENOENT, "NOTIF_SEND");
	}
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: supervisor CALLS\n");
		return 2;
	}
	const long calls = number(arguments[1]);
	int ends[2], listener;
	need(pipe(ends) == 0, "pipe");
	const pid_t child = fork();
	need(child >= 0, "fork");
	if (child == 0)
		target(ends[1], calls);
	close(ends[1]);
	need(read(ends[0], &listener, sizeof listener) == sizeof listener, "the child's filter");
	const int child_descriptor = (int)syscall(SYS_pidfd_open, child, 0);
	need(child_descriptor >= 0, "pidfd_open");
	listener = (int)syscall(SYS_pidfd_getfd, child_descriptor, listener, 0);
	need(listener >= 0, "pidfd_getfd");
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) != 0)
		fprintf(stderr, "supervisor: no synchronous wake-up here: %s\n", strerror(errno));
	answer_all(listener);
	int status;
	need(waitpid(child, &status, 0) == child && status == 0, "the child");
	return 0;
}
