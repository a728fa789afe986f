/*
 * Executes a program under a filter that fails calls by their number, as profiles of containers and sandboxes do.
 *
 * usage: refuse ERRNO NUMBER ... -- PROGRAM [ARGUMENT ...]
 *
 * ERRNO is an error number, and each NUMBER one of a system call of x86-64.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 128

int main(int count, char **words)
{
	struct sock_filter filter[2 * MOST + 2] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	unsigned short length = 1;
	int at = 2;
	if (count < 4) return 2;
	for (; at < count && strcmp(words[at], "--") != 0 && length <= 2 * MOST; at++) {
		filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(words[at]), 0, 1);
		filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(words[1]));
	}
	if (at + 1 >= count) return 2;
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { length, filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return perror("no_new_privs"), 1;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return perror("seccomp"), 1;
	execvp(words[at + 1], words + at + 1);
	perror(words[at + 1]);
	return 127;
}
