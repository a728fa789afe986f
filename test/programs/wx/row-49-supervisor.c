/*
 * Row 49: the supervisor as a victim. WX_SUPERVISOR is its process number (without a run it is that of the process
 * outside). Code that is brought into it makes a file, by which the attempt sees that it ran.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

/* open(path, O_WRONLY | O_CREAT, 0666); exit_group(RAN), of x86-64, with the path behind it. */
static struct {
	unsigned char code[40];
	char path[PATH_MAX - 40];
} injected = {.code = {0x48, 0x8d, 0x3d, 0x21, 0, 0, 0, 0xbe, 0x41, 0, 0, 0, 0xba, 0xb6, 0x01, 0, 0, 0xb8, 2, 0, 0, 0,
		       0x0f, 0x05, 0xbf, RAN, 0, 0, 0, 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05}};

static pid_t supervisor(void)
{
	const char *number = getenv("WX_SUPERVISOR");
	need(number != NULL, "WX_SUPERVISOR");
	snprintf(injected.path, sizeof injected.path, "%s/ran-in-supervisor", own_folder());
	return atoi(number);
}

static const char *in_proc(const char *name)
{
	char *path;
	need(asprintf(&path, "/proc/%d/%s", (int)supervisor(), name) > 0, "asprintf");
	return path;
}

static size_t injected_size(void)
{
	return sizeof injected.code + strlen(injected.path) + 1;
}

/* The code is where the process will go on: whether it does is seen from its file. */
static void *judge_injected(void)
{
	status_at_end = 4;
	outcome_elsewhere = "UNCHANGED";
	for (int attempt = 0; attempt < 1000; attempt++, usleep(1000)) {
		if (unlink(injected.path) != 0)
			continue;
		outcome_elsewhere = "EXEC";
		break;
	}
	return NULL;
}

static void *traced(void)
{
	const pid_t process = supervisor();
	struct user_regs_struct registers;
	if (ptrace(PTRACE_SEIZE, process, NULL, NULL) != 0)
		return NULL;
	need(ptrace(PTRACE_INTERRUPT, process, NULL, NULL) == 0 && waitpid(process, NULL, __WALL) == process, "stop");
	need(ptrace(PTRACE_GETREGS, process, NULL, &registers) == 0, "registers");
	for (size_t at = 0; at < injected_size(); at += sizeof(long)) {
		long word;
		memcpy(&word, (char *)&injected + at, sizeof word);
		need(ptrace(PTRACE_POKETEXT, process, (char *)(uintptr_t)registers.rip + at, word) == 0, "poke");
	}
	/* A system call that was interrupted is not to be made again: it would be made two bytes before. */
	registers.orig_rax = (unsigned long)-1;
	need(ptrace(PTRACE_SETREGS, process, NULL, &registers) == 0, "registers");
	need(ptrace(PTRACE_DETACH, process, NULL, NULL) == 0, "detach");
	return judge_injected();
}

/* Where its first thread goes on when its system call is over; 0 with errno where /proc does not say. */
static uint64_t next_instruction(void)
{
	unsigned long instruction = 0;
	/* While it runs there is nothing to be seen. */
	for (int attempt = 0; attempt < 1000 && instruction == 0; attempt++, usleep(1000)) {
		char line[256] = "";
		FILE *call = fopen(in_proc("syscall"), "re");
		if (call == NULL || fgets(line, sizeof line, call) == NULL)
			return 0;
		if (strrchr(line, ' ') != NULL)
			instruction = strtoul(strrchr(line, ' '), NULL, 16);
		fclose(call);
	}
	return instruction;
}

static void *memory_file(void)
{
	const int descriptor = open(in_proc("mem"), O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	const uint64_t at = next_instruction();
	if (at == 0 || pwrite64(descriptor, &injected, injected_size(), (off64_t)at) < 0)
		return NULL;
	/* A signal that it handles, or sleeps through, has it go on. */
	kill(supervisor(), SIGCONT);
	return judge_injected();
}

static void *vm_written(void)
{
	char byte = 0;
	const uint64_t at = next_instruction();
	const struct iovec local = {&injected, injected_size()}, remote = {(void *)(uintptr_t)at, injected_size()},
			   own = {&byte, 1}, readable = {(void *)(uintptr_t)at, 1};
	if (at == 0)
		return NULL;
	need(process_vm_readv(supervisor(), &own, 1, &readable, 1, 0) == 1, "process_vm_readv");
	return process_vm_writev(supervisor(), &local, 1, &remote, 1, 0) < 0 ? NULL : judge_injected();
}

/* Any of its files that can be written and executed; the listener would answer for it. */
static void *each_descriptor(int (*get)(int number))
{
	int answered = 0, taken = 0;
	for (int number = 0; number < 256; number++) {
		char path[64], target[64] = "";
		const int descriptor = get(number);
		if (descriptor < 0 && errno == EBADF)
			continue;
		answered = descriptor < 0 && answered == 0 && errno != ENOENT && errno != ENXIO ? errno : answered;
		if (descriptor < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
		if (readlink(path, target, sizeof target - 1) > 0 && strstr(target, "seccomp notify") != NULL)
			taken = 1;
		/* A file of the user's is left as it is: only what has no name is written. Files of tables come and go. */
		const int is_nameless = strstr(target, "memfd:") != NULL || strstr(target, "(deleted)") != NULL;
		void *page = !is_nameless || strstr(target, "memfd:trampfd") != NULL ? NULL : mapped_twice(descriptor, 0);
		if (page != NULL)
			return page;
		close(descriptor);
	}
	if (taken)
		outcome_elsewhere = "TAKEN";
	errno = answered == 0 ? EBADF : answered;
	return NULL;
}

static int get_by_pidfd(int number)
{
	static int process = -1;
	if (process < 0)
		process = (int)syscall(SYS_pidfd_open, supervisor(), 0);
	return (int)syscall(SYS_pidfd_getfd, process, number, 0);
}

static void *pidfd_getfd(void)
{
	return each_descriptor(get_by_pidfd);
}

static int get_by_link(int number)
{
	char name[32];
	snprintf(name, sizeof name, "fd/%d", number);
	return open(in_proc(name), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static void *links(void)
{
	return each_descriptor(get_by_link);
}

static void *root_folder(void)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "root%s", own_folder());
	return mapped_twice(new_file(in_proc(name)), 0);
}

static void *working_folder(void)
{
	return mapped_twice(new_file(in_proc("cwd")), 0);
}

static void *killed(void)
{
	if (kill(supervisor(), SIGKILL) != 0)
		return NULL;
	status_at_end = 4;
	outcome_elsewhere = "KILLED";
	return NULL;
}

static void *stopped(void)
{
	if (kill(supervisor(), SIGSTOP) != 0)
		return NULL;
	kill(supervisor(), SIGCONT);
	outcome_elsewhere = "STOPPED";
	return NULL;
}

VARIANTS({"ptrace", traced}, {"mem", memory_file}, {"process_vm_writev", vm_written}, {"pidfd_getfd", pidfd_getfd},
	 {"fd", links}, {"root", root_folder}, {"working-folder", working_folder}, {"stop", stopped}, {"kill", killed})
