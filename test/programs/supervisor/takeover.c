/*
 * Tries to take the parent process over, by every way that the kernel has for processes of the same user, and prints what
 * each answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char *way, int succeeded)
{
	printf("%s: %s\n", way, succeeded ? "done" : strerrorname_np(errno));
}

/* The start of the first writable mapping of a process, or where that cannot be read an address like any other. */
static void *writable_address(pid_t process)
{
	char path[64], line[512];
	unsigned long start = 0x10000, end;
	char permissions[8];

	snprintf(path, sizeof path, "/proc/%d/maps", process);
	FILE *maps = fopen(path, "r");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, permissions) == 3 && permissions[1] == 'w')
			break;
	}
	if (maps != NULL)
		fclose(maps);
	return (void *)start;
}

int main(void)
{
	pid_t parent = getppid();
	char byte = 0, path[64];

	int attached = ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0;
	report("ptrace", attached);
	if (attached) {
		waitpid(parent, NULL, __WALL);
		ptrace(PTRACE_DETACH, parent, NULL, NULL);
	}

	void *target = writable_address(parent);
	struct iovec there = { target, 1 }, here = { &byte, 1 };
	/* What is written is what was there, where it can be read at all. */
	process_vm_readv(parent, &here, 1, &there, 1, 0);
	report("process_vm_writev", process_vm_writev(parent, &here, 1, &there, 1, 0) == 1);

	int pidfd = (int)syscall(SYS_pidfd_open, parent, 0);
	report("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 2, 0) >= 0);

	snprintf(path, sizeof path, "/proc/%d/mem", parent);
	report("/proc/PID/mem", open(path, O_RDWR) >= 0);
	return 0;
}
