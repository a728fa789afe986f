/*
 * usage: filter PROGRAM [ARG ...]
 *
 * Runs a program under about the least filter that knows a descriptor when it is written to, and allows all the same:
 * what the kernel charges for such a filter is the least that a supervisor of descriptors on seccomp can cost. Calls
 * other than write(2) are allowed by their number alone, which the kernel remembers. See seccomp(2).
 */
#define _GNU_SOURCE
#include "clock.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	if (count < 2) {
		fprintf(stderr, "usage: filter PROGRAM [ARG ...]\n");
		return 2;
	}
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {sizeof instructions / sizeof instructions[0], instructions};
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
	need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "seccomp");
	execvp(arguments[1], arguments + 1);
	perror(arguments[1]);
	return 127;
}
