/*
 * Takes the one seccomp listener that a task may have, with a filter that allows everything, and becomes another program.
 *
 * usage: listener PROGRAM [ARGUMENT ...]
 */
#include <err.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };
	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		errx(2, "usage: listener PROGRAM [ARGUMENT ...]");
	long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0)
		err(2, "seccomp");
	/* The listener must outlive this program, or its filter would be without one again. */
	if (dup2((int)listener, 50) < 0)
		err(2, "dup2");
	execv(argv[1], argv + 1);
	err(127, "%s", argv[1]);
}
