/*
 * What becomes of tables in fork, vfork and exec. The creator is the process: a child has the descriptor and the mapping,
 * may call, and may not map. Its end leaves the parent's mapping whole.
 */
#define _GNU_SOURCE
#include "children.h"
#include "table.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

static struct table table;

static int open_in_child(void)
{
	return fcntl(table.fd, F_GETFD) == FD_CLOEXEC ? 0 : errno;
}

static int map_in_child(void)
{
	struct table copy = table;
	return table_map(&copy, MAP_PRIVATE) == 0 ? 0 : errno;
}

static int map_in_grandchild(void)
{
	return in_child(map_in_child);
}

static int call_in_child(void)
{
	slot_set(&table, 3, target_data, 99);
	return call(&table, 3) == 99 ? 0 : 1;
}

static int call_in_grandchild(void)
{
	return in_child(call_in_child);
}

static int unmap_in_child(void)
{
	return table_unmap(&table) == 0 && table_map(&table, MAP_PRIVATE) == -1 ? errno : 0;
}

static int close_in_child(void)
{
	return close(table.fd) == 0 ? 0 : errno;
}

static int killed_in_child(void)
{
	call(&table, 3);
	return raise(SIGKILL);
}

static int own_table_in_child(void)
{
	static struct table own;
	if (table_open(&own) != 0 || table_map(&own, MAP_PRIVATE) != 0)
		return 1;
	slot_set(&own, 0, target_data, 5);
	return call(&own, 0) != 5;
}

static int describe_in_child(void)
{
	struct trampfd_data data = data_of(&table);
	return pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA) == -1 ? errno : 0;
}

static int seek_in_child(void)
{
	return lseek(table.fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA ? 0 : errno;
}

/* A refusal in a child, as its status says. */
static void expect_refused(int status, const char *row, const char *text)
{
	errno = status;
	expect_errno("mmap", EINVAL, row, status == 0 ? 0 : -1, "%s", text);
}

static void forks(void)
{
	ok(table_open(&table) == 0, "a table: %s", errno_name(errno));
	ok(in_child(open_in_child) == 0, "a child inherits the descriptor");
	expect_refused(in_child(map_in_child), "other-process", "by a child");
	expect_refused(in_child(map_in_grandchild), "other-process", "by a grandchild");
	expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "by the parent: %s", errno_name(errno));
	slot_set(&table, 3, target_data, 42);
	expect_success("call", in_child(call_in_child) == 0, "by a child, of the mapping that it inherited");
	expect_success("call", in_child(call_in_grandchild) == 0, "by a grandchild");
	expect_success("call", call(&table, 3) == 42, "by the parent, whose slots and mapping survive the child");
	expect_refused(in_child(unmap_in_child), "other-process", "by a child that has unmapped it");
	ok(in_child(killed_in_child) == 128 + SIGKILL, "a child is killed");
	ok(in_child(close_in_child) == 0, "a child closes the descriptor");
	expect_success("call", call(&table, 3) == 42, "by the parent, after all that");
	expect_success("call", in_child(own_table_in_child) == 0, "by a child, of a table of its own");
	ok(table_unmap(&table) == 0 && table_map(&table, MAP_PRIVATE) == 0 && call(&table, 3) == 42,
	   "and the parent may unmap and map: %s", errno_name(errno));
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

/* Descriptor and file are shared: what a child sets or seeks, the parent sees. */
static void shared_file(void)
{
	table.fd = trampfd(&table.info);
	struct trampfd_code code = code_of(&table, 1);
	struct trampfd_data data = data_of(&table);

	ok(in_child(seek_in_child) == 0, "a child moves the position: %s", errno_name(errno));
	expect_success("write-data", write(table.fd, &data, sizeof data) == sizeof data,
	               "by the parent, where the child has moved to: %s", errno_name(errno));
	errno = in_child(describe_in_child);
	expect_errno("pwrite-data", EEXIST, "set-already", errno ? -1 : 0, "by a child, of what the parent has set");
	ok(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "the parent sets the code");
	close(table.fd);

	table.fd = trampfd(&table.info);
	ok(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "the parent sets the code of another");
	errno = in_child(describe_in_child);
	expect_success("pwrite-data", errno == 0, "by a child: %s", errno_name(errno));
	expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "by the parent, of what a child has completed: %s",
	               errno_name(errno));
	slot_set(&table, 0, target_data, 6);
	expect_success("call", call(&table, 0) == 6, "of a table that a child has completed");
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

/* A child of vfork runs in the parent's memory, but is another process. */
static void vforks(void)
{
	static volatile int error;
	static volatile uintptr_t called;
	int status = -1;

	ok(table_open(&table) == 0, "a table: %s", errno_name(errno));
	pid_t child = vfork();
	if (child == 0) {
		error = table_map(&table, MAP_PRIVATE) == 0 ? 0 : errno;
		_exit(0);
	}
	waitpid(child, &status, 0);
	expect_refused(error, "other-process", "by a child of vfork");
	ok(status == 0 && table_map(&table, MAP_PRIVATE) == 0, "the parent maps: %s", errno_name(errno));
	slot_set(&table, 4, target_data, 43);
	child = vfork();
	if (child == 0) {
		called = call(&table, 4);
		slot_set(&table, 4, target_data, 44);
		_exit(0);
	}
	waitpid(child, &status, 0);
	expect_success("call", called == 43, "by a child of vfork");
	expect_success("call", call(&table, 4) == 44, "with a slot that the child of vfork has set");
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

/* Executes this program again; the status that it ends with. */
static int executed(const char *what, int fd)
{
	char number[16];
	int status = -1;

	snprintf(number, sizeof number, "%d", fd);
	pid_t child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "children", what, number, (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In a child that has its own table, mapped, and executes a program that inherits a copy of the descriptor. */
static int execute_with_copy(void)
{
	static struct table own;
	char number[16];

	if (table_open(&own) != 0 || table_map(&own, MAP_PRIVATE) != 0)
		return 126;
	int copy = fcntl(own.fd, F_DUPFD, own.fd > 10 ? own.fd - 10 : 3);
	if (copy < 0)
		return 125;
	snprintf(number, sizeof number, "%d", copy);
	execl("/proc/self/exe", "children", "map", number, (char *)NULL);
	return 127;
}

static void executions(void)
{
	ok(table_open(&table) == 0, "a table: %s", errno_name(errno));
	ok(executed("is-open", table.fd) == 0, "a program that is executed does not have the descriptor");
	ok(fcntl(table.fd, F_SETFD, 0) == 0 && executed("is-open", table.fd) == 1, "unless close-on-exec is taken from it");
	expect_refused(executed("map", table.fd), "other-process", "by a program that a child executes");
	close(table.fd);

	/* The same process with a new address space: the mapping is gone, so that it is not in the way. */
	int error = in_child(execute_with_copy);
	ok(error == 0 || error == EINVAL, "mmap: by a program that the creator executes: %s", errno_name(error));
	freedom("mmap-after-exec", "%s", errno_name(error));
}

/* What this program does when it executes itself. */
static int as_executed(const char *what, int fd)
{
	if (strcmp(what, "is-open") == 0)
		return fcntl(fd, F_GETFD) != -1;
	struct trampfd_info info;
	int other = trampfd(&info);
	void *base = mmap(NULL, info.code_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, info.code_offset);
	close(other);
	return base == MAP_FAILED ? errno : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return as_executed(argv[1], atoi(argv[2]));
	require_tables();
	forks();
	shared_file();
	vforks();
	executions();
	return done();
}
