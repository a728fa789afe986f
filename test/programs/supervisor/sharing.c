/*
 * What processes and threads have of a table that others have created: threads with descriptors of their own, children
 * that share memory or descriptors or neither, and programs that are executed. A table belongs to the process that has
 * created it, and no other may map it.
 */
#define _GNU_SOURCE
#include "../../conformance/table.h"
#include "../../conformance/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct table table;
static volatile int result;

static int describe(void)
{
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	if (pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) != sizeof code)
		return errno;
	return pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data ? 0 : errno;
}

static int map_error(void)
{
	struct table copy = table;
	return table_map(&copy, MAP_SHARED) == 0 ? 0 : errno;
}

static const char *name_of(int error)
{
	return error == 0 ? "no error" : error < 0 ? "died" : strerrorname_np(error);
}

static int exit_status(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, __WALL) == -1 && errno == EINTR) {
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *own_descriptors(void *unused)
{
	(void)unused;
	result = -1;
	if (unshare(CLONE_FILES) != 0 || table_open(&table) != 0 || table_map(&table, MAP_SHARED) != 0)
		return NULL;
	slot_set(&table, 1, target_data, 11);
	result = call(&table, 1) == 11 && map_error() == EEXIST;
	return NULL;
}

static void *copied_descriptors(void *unused)
{
	(void)unused;
	result = -1;
	if (unshare(CLONE_FILES) != 0)
		return NULL;
	result = describe();
	if (result == 0 && table_map(&table, MAP_SHARED) != 0)
		result = errno;
	return NULL;
}

static void in_thread(void *(*function)(void *))
{
	pthread_t thread;

	pthread_create(&thread, NULL, function, NULL);
	pthread_join(thread, NULL);
}

static void threads(void)
{
	struct trampfd_code code = code_of(&table, 1);

	in_thread(own_descriptors);
	ok(result == 1, "a thread with descriptors of its own creates, maps and calls a table");
	ok(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == -1 && errno == EBADF, "which is not open in another thread: %s",
	   strerrorname_np(errno));
	int error = map_error();
	ok(error == EBADF, "where it cannot be mapped: %s", name_of(error));
	ok(call(&table, 1) == 11, "but called, when the thread has ended too");
	ok(table_unmap(&table) == 0, "and unmapped");

	table.fd = trampfd(&table.info);
	in_thread(copied_descriptors);
	ok(result == 0, "a thread describes and maps through a copy of the descriptors: %s", name_of(result));
	error = map_error();
	ok(error == EEXIST, "which the others see: %s", name_of(error));
	slot_set(&table, 1, target_data, 12);
	ok(call(&table, 1) == 12 && table_unmap(&table) == 0, "and call");
	error = map_error();
	ok(error == 0, "and may map again: %s", name_of(error));
	close(table.fd);
}

static void after_fork(void)
{
	table.fd = trampfd(&table.info);
	pid_t child = fork();
	if (child == 0)
		_exit(describe() ? 99 : map_error());
	int error = exit_status(child);
	ok(error == EINVAL, "a child of fork describes the table, and may not map it: %s", name_of(error));
	error = map_error();
	ok(error == 0, "its creator may: %s", name_of(error));
	close(table.fd);
}

static void after_vfork(void)
{
	table.fd = trampfd(&table.info);
	result = describe();
	pid_t child = vfork();
	if (child == 0) {
		void *base = mmap(NULL, table.info.code_size, PROT_READ | PROT_EXEC, MAP_SHARED, table.fd, table.info.code_offset);
		_exit(base == MAP_FAILED ? errno : 0);
	}
	int error = exit_status(child);
	ok(error == EINVAL, "a child of vfork may not map, though the memory is its parent's: %s", name_of(error));
	error = map_error();
	ok(error == 0, "its parent may: %s", name_of(error));
	close(table.fd);
}

static char stack[65536] __attribute__((aligned(16)));

static int creates(void *unused)
{
	(void)unused;
	return table_open(&table) == 0 && map_error() == 0 ? 0 : 1;
}

static int describes(void *unused)
{
	(void)unused;
	int error = describe();
	return error ? error : map_error();
}

static void after_clone(void)
{
	/* Memory and descriptors are one, the processes are two. */
	pid_t child = clone(creates, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	ok(exit_status(child) == 0, "a process that shares memory and descriptors creates and maps a table");
	ok(fcntl(table.fd, F_GETFD) == FD_CLOEXEC, "whose descriptor this one has too");
	int error = map_error();
	ok(error == EINVAL, "and may not map: %s", name_of(error));
	close(table.fd);

	table.fd = trampfd(&table.info);
	child = clone(describes, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
	error = exit_status(child);
	ok(error == EINVAL, "a process that shares descriptors alone describes a table, and may not map it: %s",
	   name_of(error));
	error = map_error();
	ok(error == 0, "its creator may: %s", name_of(error));
	close(table.fd);

	child = clone(creates, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	ok(exit_status(child) == 0, "a process that shares memory alone creates and maps a table");
	ok(fcntl(table.fd, F_GETFD) == -1 && errno == EBADF, "whose descriptor is its own");
	slot_set(&table, 0, target_data, 5);
}

static void *execute(void *unused)
{
	static char number[16];

	(void)unused;
	snprintf(number, sizeof number, "%d", table.fd);
	execl("/proc/self/exe", "sharing", "after-exec", number, (char *)NULL);
	return NULL;
}

enum executed_by { BY_CREATOR, BY_CHILD, BY_THREAD };

/* Executes this program with a table that it inherits; the error of its mmap. */
static int after_exec(enum executed_by who)
{
	pid_t child = fork();
	if (child != 0)
		return exit_status(child);

	if (table_open(&table) != 0 || table_map(&table, MAP_SHARED) != 0 || fcntl(table.fd, F_SETFD, 0) != 0)
		_exit(98);
	if (who == BY_CHILD) {
		child = fork();
		if (child != 0)
			_exit(exit_status(child));
	}
	if (who == BY_THREAD)
		in_thread(execute);
	else
		execute(NULL);
	_exit(97);
}

static void programs(void)
{
	int error = after_exec(BY_CREATOR);
	ok(error == 0, "a program that the creator executes is the same process, without the mapping: it may map: %s",
	   name_of(error));
	error = after_exec(BY_CHILD);
	ok(error == EINVAL, "one that a child executes may not: %s", name_of(error));
	error = after_exec(BY_THREAD);
	ok(error == 0, "one that another thread executes may: %s", name_of(error));
}

/* What /proc shows of a table: the name of its file, which is all that a memory file can be given. */
static void names(void)
{
	static const char name[] = "/memfd:trampfd (deleted)";
	char path[64], text[256] = "", line[512];
	int lines = 0, position = 0;
	char permissions[8];
	unsigned long start, end;

	ok(table_open(&table) == 0 && table_map(&table, MAP_SHARED) == 0, "a table: %s", strerror(errno));
	snprintf(path, sizeof path, "/proc/self/fd/%d", table.fd);
	ok(readlink(path, text, sizeof text - 1) > 0 && strcmp(text, name) == 0, "its descriptor is a link to %s", text);

	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, permissions) != 3 || start != (uintptr_t)table.base)
			continue;
		lines += strstr(line, name) != NULL && strcmp(permissions, "r-xs") == 0;
	}
	fclose(maps);
	ok(lines == 1, "its mapping has that name: %d lines", lines);

	lseek(table.fd, TRAMPFD_DATA, SEEK_SET);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", table.fd);
	FILE *info = fopen(path, "r");
	while (fgets(line, sizeof line, info) != NULL)
		sscanf(line, "pos: %d", &position);
	fclose(info);
	ok(position == TRAMPFD_DATA, "its fdinfo has the position, which lseek has set: %d", position);
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "after-exec") == 0) {
		void *base = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_SHARED, atoi(argv[2]), getpagesize());
		return base == MAP_FAILED ? errno : 0;
	}
	threads();
	after_fork();
	after_vfork();
	after_clone();
	programs();
	names();
	return done();
}
