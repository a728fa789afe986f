/*
 * Row 42: another process of the same user, outside of the run: its folders and files through /proc, its descriptors, and
 * its memory, in which the attacker's bytes would run as well. WX_OUTSIDE is its number, WX_FOLDER its working folder. The
 * variants that begin with `other-` first become the user 65534, as a service that drops its privilege does, and go for a
 * process of that user: WX_OTHER and WX_OTHER_FOLDER.
 */
#define _GNU_SOURCE
#include "child.h"
#include "outside.h"
#include "victim.h"

#include <grp.h>
#include <inttypes.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static const char *process = "0", *its_folder = "/nonexistent";

static int process_number(void)
{
	return atoi(process);
}

static const char *in_proc(const char *name)
{
	char *path;
	need(asprintf(&path, "/proc/%s/%s", process, name) > 0, "asprintf");
	return path;
}

static void *root_folder(void)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "root%s", its_folder);
	return mapped_twice(new_file(in_proc(name)), 0);
}

static void *working_folder(void)
{
	return mapped_twice(new_file(in_proc("cwd")), 0);
}

static void *folder_of_task(void)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "task/%s/root%s", process, its_folder);
	return mapped_twice(new_file(in_proc(name)), 0);
}

static void *file(void)
{
	return mapped_twice(open(in_proc("fd/5"), O_RDWR | O_CLOEXEC), 0);
}

static void *memory_file(void)
{
	return mapped_twice(open(in_proc("fd/6"), O_RDWR | O_CLOEXEC), 0);
}

static void *entered(void)
{
	return chdir(in_proc("cwd")) != 0 ? NULL : mapped_twice(new_file("."), 0);
}

static void *taken(void)
{
	const int number = (int)syscall(SYS_pidfd_open, process_number(), 0);
	return number < 0 ? NULL : mapped_twice((int)syscall(SYS_pidfd_getfd, number, 6, 0), 0);
}

static void *mapping(void)
{
	char name[64];
	snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, number_of(OUTSIDE_FILE_PAGE),
		 number_of(OUTSIDE_FILE_PAGE) + PAGE_SIZE);
	return mapped_twice(open(in_proc(name), O_RDWR | O_CLOEXEC), 0);
}

static void *namespace(void)
{
	const int descriptor = open(in_proc("ns/mnt"), O_RDONLY | O_CLOEXEC);
	if (descriptor < 0 || syscall(SYS_setns, descriptor, 0) != 0)
		return NULL;
	return mapped_twice(new_file(its_folder), 0);
}

static void *user_namespace(void)
{
	const int descriptor = open(in_proc("ns/user"), O_RDONLY | O_CLOEXEC);
	return descriptor < 0 || syscall(SYS_setns, descriptor, 0) != 0 ? NULL : namespace();
}

/* Its memory was written: whether it runs the bytes, it says with a file. */
static void *judge_process(int is_written)
{
	char path[PATH_MAX];
	if (!is_written)
		return NULL;
	snprintf(path, sizeof path, "%s/ran", its_folder);
	outcome_elsewhere = "UNCHANGED";
	for (int attempt = 0; attempt < 500; attempt++, usleep(1000)) {
		if (unlink(path) == 0)
			outcome_elsewhere = "EXEC";
		if (strcmp(outcome_elsewhere, "EXEC") == 0)
			break;
	}
	return NULL;
}

static void *memory(void)
{
	const int descriptor = open(in_proc("mem"), O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	return judge_process(pwrite64(descriptor, payload(), PAYLOAD_SIZE, (off64_t)number_of(OUTSIDE_PAGE)) > 0);
}

static void *vm_written(void)
{
	const struct iovec local = {payload(), PAYLOAD_SIZE}, remote = {OUTSIDE_PAGE, PAYLOAD_SIZE};
	return judge_process(process_vm_writev(process_number(), &local, 1, &remote, 1, 0) > 0);
}

static void *traced(void)
{
	if (ptrace(PTRACE_SEIZE, process_number(), NULL, NULL) != 0)
		return NULL;
	ptrace(PTRACE_INTERRUPT, process_number(), NULL, NULL);
	waitpid(process_number(), NULL, __WALL);
	int done = 1;
	for (size_t at = 0; at < 8; at += sizeof(long)) {
		long word;
		memcpy(&word, payload() + at, sizeof word);
		done = done && ptrace(PTRACE_POKETEXT, process_number(), (char *)OUTSIDE_PAGE + at, word) == 0;
	}
	ptrace(PTRACE_DETACH, process_number(), NULL, NULL);
	return judge_process(done);
}

/* The kernel may advise another process's memory away, but a page of code never comes back with other bytes. */
static void *advised(void)
{
	const int number = (int)syscall(SYS_pidfd_open, process_number(), 0);
	const struct iovec range = {OUTSIDE_PAGE, PAGE_SIZE};
	return judge_process(number >= 0 && syscall(SYS_process_madvise, number, &range, 1, MADV_WILLNEED, 0) > 0);
}

static const struct variant attempts[] = {
	{"root", root_folder},     {"working-folder", working_folder}, {"task-root", folder_of_task},
	{"file", file},            {"memfd", memory_file},             {"entered", entered},
	{"pidfd_getfd", taken},    {"map_files", mapping},             {"setns", namespace},
	{"setns-user", user_namespace}, {"mem", memory},              {"process_vm_writev", vm_written},
	{"ptrace", traced},        {"process_madvise", advised},
};
enum { ATTEMPTS = sizeof attempts / sizeof attempts[0] };

static void *as_other(void)
{
	errno = 0;
	if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return NULL;
	/* Who changes its user is not dumpable, and nobody of that user could look at it. */
	prctl(PR_SET_DUMPABLE, 1);
	return its_folder = getenv("WX_OTHER_FOLDER"), process = getenv("WX_OTHER"), (void *)process;
}

static const struct variant *wanted;

static void *attempt_as_other(void)
{
	return as_other() == NULL ? NULL : wanted->attempt();
}

int main(int count, char **arguments)
{
	static struct variant all[2 * ATTEMPTS + 1];
	static char names[ATTEMPTS][64];
	const char *word = count == 2 ? arguments[1] : "";
	if (getenv("WX_OUTSIDE") != NULL)
		process = getenv("WX_OUTSIDE"), its_folder = own_folder();
	for (size_t index = 0; index < ATTEMPTS; index++) {
		snprintf(names[index], sizeof names[index], "other-%s", attempts[index].name);
		all[index] = attempts[index];
		all[ATTEMPTS + index] = (struct variant){names[index], attempt_as_other};
		if (strcmp(word, names[index]) == 0)
			wanted = &attempts[index];
	}
	return attempt_main(count, arguments, all);
}
