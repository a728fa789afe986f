/*
 * Copies of a table's descriptor, made by dup, dup2, dup3 and fcntl, are the same open file: they share the position, what
 * is set, and whether it is mapped. A number that a table had is like any other afterwards.
 */
#define _GNU_SOURCE
#include "table.h"

#include <fcntl.h>
#include <sys/syscall.h>

static struct table table;

static void fresh(void)
{
	table.base = NULL;
	table.fd = trampfd(&table.info);
	if (table.fd < 0)
		bail_out("a new table: %s", errno_name(errno));
}

/* A number that the implementation gives to descriptors of tables, and that is free. */
static int number_for_a_table(void)
{
	struct trampfd_info info;
	int fd = trampfd(&info);

	if (fd < 0)
		bail_out("a table for its number: %s", errno_name(errno));
	close(fd);
	return fd;
}

/* A copy can do what the original can, and both see what the other did. */
static void works_like_the_original(const char *copying, int copy, int close_on_exec, const char *how)
{
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	if (!expect_success(copying, copy >= 0 && copy != table.fd, "%s: a copy: %d, %s", how, copy, errno_name(errno)))
		return;
	ok(fcntl(copy, F_GETFD) == (close_on_exec ? FD_CLOEXEC : 0), "%s: close-on-exec is %d", how, close_on_exec);
	expect_success("lseek", lseek(copy, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA, "%s: on the copy: %s", how,
	               errno_name(errno));
	expect_success("write-data", write(table.fd, &data, sizeof data) == sizeof data,
	               "%s: the original writes where the copy has moved it: %s", how, errno_name(errno));
	expect_errno("pwrite-data", EEXIST, "set-already", pwrite(copy, &data, sizeof data, TRAMPFD_DATA),
	             "%s: which the copy sees", how);
	expect_success("pwrite-code", pwrite(copy, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "%s: by the copy: %s", how,
	               errno_name(errno));
	expect_errno("read", EINVAL, "always", read(copy, &code, sizeof code), "%s: of the copy", how);
	expect_errno("pread", EINVAL, "always", pread(copy, &code, sizeof code, 0), "%s: of the copy", how);

	struct table by_copy = table;
	by_copy.fd = copy;
	expect_errno("mmap", EINVAL, "flags", table_map(&by_copy, MAP_PRIVATE | MAP_POPULATE), "%s: of the copy", how);
	expect_success("mmap", table_map(&by_copy, MAP_PRIVATE) == 0, "%s: of the copy: %s", how, errno_name(errno));
	expect_errno("mmap", EEXIST, "mapped-already", table_map(&table, MAP_PRIVATE), "%s: so not of the original", how);
	ok(table_unmap(&by_copy) == 0 && close(copy) == 0, "%s: unmapped, and the copy closed", how);
	expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "%s: the original lives on: %s", how, errno_name(errno));
	slot_set(&table, 7, target_data, 1234);
	expect_success("call", call(&table, 7) == 1234, "%s", how);
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "%s: dropped", how);
}

static void by_dup_and_fcntl(void)
{
	fresh();
	works_like_the_original("dup", dup(table.fd), 0, "dup");
	fresh();
	works_like_the_original("fcntl", fcntl(table.fd, F_DUPFD, 0), 0, "F_DUPFD 0");
	fresh();
	works_like_the_original("fcntl", fcntl(table.fd, F_DUPFD_CLOEXEC, 0), 1, "F_DUPFD_CLOEXEC 0");
	fresh();
	int least = fcntl(table.fd, F_DUPFD, 10);
	ok(least >= 10, "F_DUPFD 10 gives a number from 10 on: %d", least);
	works_like_the_original("fcntl", least, 0, "F_DUPFD 10");
	fresh();
	int near = table.fd > 100 ? table.fd - 100 : 3;
	least = fcntl(table.fd, F_DUPFD_CLOEXEC, near);
	ok(least >= near, "F_DUPFD_CLOEXEC %d gives a number from there on: %d", near, least);
	works_like_the_original("fcntl", least, 1, "F_DUPFD_CLOEXEC near it");
}

static void to_chosen_numbers(void)
{
	fresh();
	works_like_the_original("dup2", dup2(table.fd, number_for_a_table()), 0, "dup2");
	fresh();
	works_like_the_original("dup3", dup3(table.fd, number_for_a_table(), 0), 0, "dup3");
	fresh();
	works_like_the_original("dup3", dup3(table.fd, number_for_a_table(), O_CLOEXEC), 1, "dup3 O_CLOEXEC");

	/* Over another table, which then is gone. */
	static struct table other;
	if (table_open(&other) != 0 || table_map(&other, MAP_PRIVATE) != 0)
		bail_out("another table: %s", errno_name(errno));
	fresh();
	works_like_the_original("dup2", dup2(table.fd, other.fd), 0, "dup2 over another table");
	slot_set(&other, 2, target_data, 4321);
	expect_success("call", call(&other, 2) == 4321, "of the table whose number was taken");
	ok(table_unmap(&other) == 0, "which is unmapped");
}

/* What an implementation may refuse, but must not do by half: a copy with a number of the program's choice. */
static void to_any_number(void)
{
	int other = dup(0);

	fresh();
	int copy = dup2(table.fd, other);
	freedom("dup2-to-any-number", "%s", errno_name(copy == -1 ? errno : 0));
	if (copy == -1) {
		ok(fcntl(other, F_GETFD) == 0, "dup2 refused: what was there is still there");
		close(table.fd);
	} else {
		works_like_the_original("dup2", copy, 0, "dup2 to any number");
	}
	close(other);
}

static void errors(void)
{
	fresh();
	int number = number_for_a_table();
	expect_success("dup2", dup2(table.fd, table.fd) == table.fd, "dup2 to itself gives the number");
	expect_errno("dup3", EINVAL, "dup3-same", dup3(table.fd, table.fd, 0), "dup3 to itself");
	expect_errno("dup3", EINVAL, "dup3-flags", syscall(SYS_dup3, table.fd, number, 1), "dup3 with a flag that there is none of");
	expect_errno("dup2", EBADF, "number", dup2(table.fd, -1), "dup2 to -1");
	expect_errno("dup2", EBADF, "number", dup2(table.fd, 1 << 30), "dup2 above the limit");
	expect_errno("fcntl", EINVAL, "minimum", fcntl(table.fd, F_DUPFD, -1), "F_DUPFD from -1");
	expect_errno("fcntl", EINVAL, "minimum", fcntl(table.fd, F_DUPFD, 1 << 30), "F_DUPFD above the limit");
	ok(lseek(table.fd, 1, SEEK_SET) == 1, "the table is still there");
	close(table.fd);
	expect_errno("dup", EBADF, "closed", dup(table.fd), "dup of a descriptor that is closed");
}

/* Other files pass through the numbers that tables had. */
static void number_of_another_file(void)
{
	char buffer[4] = "";
	int pipes[2];

	fresh();
	ok(pipe(pipes) == 0 && dup2(pipes[1], table.fd) == table.fd, "another file over a table's number: %s",
	   errno_name(errno));
	ok(write(table.fd, "abc", 3) == 3 && read(pipes[0], buffer, 3) == 3 && memcmp(buffer, "abc", 3) == 0,
	   "write goes to the other file: %s", errno_name(errno));
	ok(pwrite(table.fd, "abc", 3, 0) == -1 && errno == ESPIPE, "pwrite gets the other file's error: %s",
	   errno_name(errno));
	ok(lseek(table.fd, 0, SEEK_SET) == -1 && errno == ESPIPE, "lseek gets the other file's error: %s", errno_name(errno));
	int copy = dup2(table.fd, pipes[0]);
	ok(copy == pipes[0] && close(copy) == 0, "and it may be copied anywhere: %s", errno_name(errno));
	close(table.fd);
	close(pipes[1]);
}

int main(void)
{
	require_tables();
	by_dup_and_fcntl();
	to_chosen_numbers();
	to_any_number();
	errors();
	number_of_another_file();
	return done();
}
