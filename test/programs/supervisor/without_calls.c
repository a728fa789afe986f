/*
 * Runs a program on a kernel that does not know some calls: a filter answers ENOSYS to them, as such a kernel does. For
 * "namespaces" it answers EPERM to the calls that make them, as the profiles of containers do; for "seccomp", "memfd_create"
 * and "unshare" too.
 *
 * usage: without_calls NAME PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	int from, to, error;
} calls[] = {
	{ "open_tree", SYS_open_tree, SYS_open_tree, ENOSYS },
	{ "fsopen", SYS_fsopen, SYS_fsopen, ENOSYS },
	{ "mount_setattr", SYS_mount_setattr, SYS_mount_setattr, ENOSYS },
	{ "pivot_root", SYS_pivot_root, SYS_pivot_root, ENOSYS },
	{ "kcmp", SYS_kcmp, SYS_kcmp, ENOSYS },
	{ "ptrace", SYS_ptrace, SYS_ptrace, ENOSYS },
	{ "process_vm", SYS_process_vm_readv, SYS_process_vm_writev, ENOSYS },
	{ "landlock", SYS_landlock_create_ruleset, SYS_landlock_restrict_self, ENOSYS },
	{ "seccomp", SYS_seccomp, SYS_seccomp, EPERM },
	{ "memfd_create", SYS_memfd_create, SYS_memfd_create, EPERM },
	{ "unshare", SYS_unshare, SYS_unshare, EPERM },
};

int main(int argc, char **argv)
{
	const int namespaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	struct sock_filter profile[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, namespaces, 0, 2),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	size_t index = 0, count = sizeof calls / sizeof *calls;
	if (argc < 3)
		errx(2, "usage: without_calls NAME PROGRAM [ARGUMENT ...]");
	const int has_profile = strcmp(argv[1], "namespaces") == 0;
	while (!has_profile && index < count && strcmp(calls[index].name, argv[1]) != 0)
		index++;
	if (index == count)
		errx(2, "%s: unknown", argv[1]);
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)calls[index].from, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (unsigned)calls[index].to, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)calls[index].error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof instructions / sizeof *instructions, instructions };
	if (has_profile)
		program = (struct sock_fprog){ sizeof profile / sizeof *profile, profile };
	if (getuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err(2, "prctl");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		err(2, "seccomp");
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
