/*
 * Copies of a table's descriptor: made by dup and fcntl they are the same open file, made to a number that the
 * supervisor cannot watch they are refused, and a forked child inherits descriptor and mapping, but may not map.
 */
#define _GNU_SOURCE
#include "table.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/wait.h>

static struct table table;

static void fresh(void)
{
	table.base = NULL;
	table.fd = trampfd(&table.info);
	if (table.fd < 0)
		ok(0, "a new table: %s", strerror(errno));
}

/* A copy can do what the original can, and both see what the other did. */
static void works_like_the_original(int copy, int close_on_exec, const char *how)
{
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	if (!ok(copy >= 0 && copy != table.fd, "%s: a copy: %d, %s", how, copy, strerror(errno)))
		return;
	ok(fcntl(copy, F_GETFD) == (close_on_exec ? FD_CLOEXEC : 0), "%s: close-on-exec is %d", how, close_on_exec);
	ok(lseek(copy, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA, "%s: lseek on the copy: %s", how, strerror(errno));
	ok(write(table.fd, &data, sizeof data) == sizeof data, "%s: moves the original too, which writes its data there: %s",
	   how, strerror(errno));
	ok(pwrite(copy, &data, sizeof data, TRAMPFD_DATA) == -1 && errno == EEXIST, "%s: which the copy sees: %s", how,
	   strerrorname_np(errno));
	ok(pwrite(copy, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "%s: the copy takes the code: %s", how,
	   strerror(errno));
	ok(read(copy, &code, sizeof code) == -1 && errno == EINVAL, "%s: the copy cannot be read: %s", how,
	   strerrorname_np(errno));

	struct table by_copy = table;
	by_copy.fd = copy;
	ok(table_map(&by_copy, MAP_PRIVATE) == 0, "%s: mapped through the copy: %s", how, strerror(errno));
	ok(table_map(&table, MAP_PRIVATE) == -1 && errno == EEXIST, "%s: so not through the original: %s", how,
	   strerrorname_np(errno));
	ok(table_unmap(&by_copy) == 0 && close(copy) == 0, "%s: unmapped, and the copy closed", how);
	ok(table_map(&table, MAP_PRIVATE) == 0, "%s: the original lives on: %s", how, strerror(errno));
	slot_set(&table, 7, target_data, 1234);
	ok(call(&table, 7) == 1234, "%s: a call", how);
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "%s: dropped", how);
}

static void by_dup_and_fcntl(void)
{
	fresh();
	works_like_the_original(dup(table.fd), 0, "dup");
	fresh();
	works_like_the_original(fcntl(table.fd, F_DUPFD, 0), 0, "F_DUPFD 0");
	fresh();
	works_like_the_original(fcntl(table.fd, F_DUPFD_CLOEXEC, 0), 1, "F_DUPFD_CLOEXEC 0");
	fresh();
	works_like_the_original(fcntl(table.fd, F_DUPFD, 10), 0, "F_DUPFD 10");
	fresh();
	works_like_the_original(fcntl(table.fd, F_DUPFD_CLOEXEC, table.fd - 100), 1, "F_DUPFD_CLOEXEC near it");
}

static void to_chosen_numbers(void)
{
	fresh();
	works_like_the_original(dup2(table.fd, table.fd - 7), 0, "dup2 beside it");
	fresh();
	works_like_the_original(dup3(table.fd, table.fd - 7, 0), 0, "dup3 beside it");
	fresh();
	works_like_the_original(dup3(table.fd, table.fd - 7, O_CLOEXEC), 1, "dup3 beside it, O_CLOEXEC");

	fresh();
	int other = open("/dev/null", O_RDONLY);
	ok(dup2(table.fd, 9) == -1 && errno == EBADF, "dup2 to a low number: %s", strerrorname_np(errno));
	ok(dup3(table.fd, 9, O_CLOEXEC) == -1 && errno == EBADF, "dup3 to a low number: %s", strerrorname_np(errno));
	ok(dup2(table.fd, other) == -1 && errno == EBADF && fcntl(other, F_GETFD) == 0,
	   "dup2 over another file, which stays: %s", strerrorname_np(errno));
	ok(fcntl(9, F_GETFD) == -1 && errno == EBADF, "nothing is at the low number");
	ok(dup2(table.fd, table.fd) == table.fd, "dup2 to itself gives the number");
	ok(dup3(table.fd, table.fd, 0) == -1 && errno == EINVAL, "dup3 to itself: %s", strerrorname_np(errno));
	ok(dup3(table.fd, table.fd - 7, 1) == -1 && errno == EINVAL, "dup3 with a flag that there is none of: %s",
	   strerrorname_np(errno));
	ok(dup2(table.fd, -1) == -1 && errno == EBADF, "dup2 to -1: %s", strerrorname_np(errno));
	ok(dup2(table.fd, 1 << 30) == -1 && errno == EBADF, "dup2 above the limit: %s", strerrorname_np(errno));
	ok(fcntl(table.fd, F_DUPFD, -1) == -1 && errno == EINVAL, "F_DUPFD from -1: %s", strerrorname_np(errno));
	ok(fcntl(table.fd, F_DUPFD, 1 << 30) == -1 && errno == EINVAL, "F_DUPFD above the limit: %s",
	   strerrorname_np(errno));
	close(table.fd);
	close(other);
}

/* Other files pass through the numbers that tables had. */
static void number_of_another_file(void)
{
	char buffer[4] = "";
	int pipes[2];

	fresh();
	ok(pipe(pipes) == 0 && dup2(pipes[1], table.fd) == table.fd, "another file over a table's number: %s",
	   strerror(errno));
	ok(write(table.fd, "abc", 3) == 3 && read(pipes[0], buffer, 3) == 3 && memcmp(buffer, "abc", 3) == 0,
	   "write goes to the other file: %s", strerror(errno));
	ok(pwrite(table.fd, "abc", 3, 0) == -1 && errno == ESPIPE, "pwrite gets the other file's error: %s",
	   strerrorname_np(errno));
	ok(lseek(table.fd, 0, SEEK_SET) == -1 && errno == ESPIPE, "lseek gets the other file's error: %s",
	   strerrorname_np(errno));
	ok(dup2(table.fd, 9) == 9 && close(9) == 0, "and it may be copied anywhere: %s", strerror(errno));
	close(table.fd);
	close(pipes[0]);
	close(pipes[1]);
}

static int child_of(int (*what)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(what());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static int open_in_child(void)
{
	return fcntl(table.fd, F_GETFD) == FD_CLOEXEC ? 0 : errno;
}

static int map_in_child(void)
{
	struct table copy = table;
	return table_map(&copy, MAP_PRIVATE) == 0 ? 0 : errno;
}

static int call_in_child(void)
{
	slot_set(&table, 3, target_data, 99);
	return call(&table, 3) == 99 ? 0 : 1;
}

static int unmap_in_child(void)
{
	return table_unmap(&table) == 0 && table_map(&table, MAP_PRIVATE) == -1 ? errno : 0;
}

static int own_table_in_child(void)
{
	static struct table own;
	if (table_open(&own) != 0 || table_map(&own, MAP_PRIVATE) != 0)
		return 1;
	slot_set(&own, 0, target_data, 5);
	return call(&own, 0) != 5;
}

static void in_children(void)
{
	ok(table_open(&table) == 0, "a table: %s", strerror(errno));
	ok(child_of(open_in_child) == 0, "a child inherits the descriptor");
	int got = child_of(map_in_child);
	ok(got == EINVAL, "a child may not map: %s", got == 0 ? "success" : strerrorname_np(got));
	ok(table_map(&table, MAP_PRIVATE) == 0, "the parent maps: %s", strerror(errno));
	slot_set(&table, 3, target_data, 42);
	ok(child_of(call_in_child) == 0, "a child calls through what it inherited, with slots of its own");
	ok(call(&table, 3) == 42, "the parent's mapping and slots survive the child");
	got = child_of(unmap_in_child);
	ok(got == EINVAL, "a child that has unmapped it may not map it: %s", got == 0 ? "success" : strerrorname_np(got));
	ok(call(&table, 3) == 42, "which the parent does not notice");
	ok(child_of(own_table_in_child) == 0, "a child has tables of its own");
	ok(table_unmap(&table) == 0 && table_map(&table, MAP_PRIVATE) == 0 && call(&table, 3) == 42,
	   "and the parent may unmap and map: %s", strerror(errno));
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

int main(void)
{
	by_dup_and_fcntl();
	to_chosen_numbers();
	number_of_another_file();
	in_children();
	return done();
}
