/*
 * Runs a program with an interface that is wrong in one way: a seccomp filter answers a call before whoever serves the
 * interface is asked. The suite must find each.
 *
 * usage: wrong FAULT PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors below this are no tables': the program's own files. */
enum { FIRST_TABLE = 40 };

/* A call that is answered: by its number and one of its arguments. */
static const struct fault {
	const char *name;
	long number;
	int argument;
	unsigned operation, value; /* a BPF jump */
	int holds;                 /* whether the jump has to be taken */
	int error;                 /* 0: success, with the result 0 */
} faults[] = {
	{ "create-refused", 440, 0, BPF_JGE, 65536, 1, EPERM },
	{ "create-does-nothing", 440, 0, BPF_JGE, 65536, 1, 0 },
	{ "lseek-takes-any-whence", SYS_lseek, 2, BPF_JEQ, 0, 0, 0 },
	{ "lseek-takes-no-data", SYS_lseek, 1, BPF_JEQ, 1, 1, ENXIO },
	{ "read-gives-nothing", SYS_read, 0, BPF_JGE, FIRST_TABLE, 1, 0 },
	{ "pread-gives-nothing", SYS_pread64, 0, BPF_JGE, FIRST_TABLE, 1, 0 },
	{ "write-takes-any-count", SYS_write, 2, BPF_JEQ, 16, 0, EFAULT },
	{ "pwrite-takes-any-count", SYS_pwrite64, 2, BPF_JEQ, 16, 0, 0 },
	{ "pwrite-takes-any-offset", SYS_pwrite64, 3, BPF_JGE, 2, 1, 0 },
	{ "mmap-fails-differently", SYS_mmap, 3, BPF_JEQ, 0x8002, 1, ENODEV },
	{ "no-copies", SYS_dup, 0, BPF_JGE, FIRST_TABLE, 1, EPERM },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		const struct fault *fault = &faults[i];
		if (argc > 1 && strcmp(argv[1], "--list") == 0) {
			puts(fault->name);
			continue;
		}
		if (argc < 3 || strcmp(argv[1], fault->name) != 0)
			continue;
		/* A write that is no table's has a low number: what a program prints must come out. */
		struct sock_filter filter[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)fault->number, 0, 6),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
			BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, fault->number == SYS_mmap ? 0 : FIRST_TABLE, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[fault->argument])),
			BPF_JUMP(BPF_JMP | fault->operation | BPF_K, fault->value, fault->holds ? 0 : 1, fault->holds ? 1 : 0),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)fault->error),
			BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
			return 3;
		execv(argv[2], argv + 2);
		return 4;
	}
	return argc > 1 && strcmp(argv[1], "--list") == 0 ? 0 : 2;
}
