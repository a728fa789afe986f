/*
 * What this implementation chooses where the interface does not say: the numbers that tables and their copies have, and
 * which of two faults of a mapping is named.
 */
#define _GNU_SOURCE
#include "../../conformance/table.h"

#include <fcntl.h>

static struct table table;

static void outside_of_the_window(void)
{
	int other = open("/dev/null", O_RDONLY);

	table.fd = trampfd(&table.info);
	ok(dup2(table.fd, 9) == -1 && errno == EBADF, "dup2 to a low number: %s", errno_name(errno));
	ok(dup3(table.fd, 9, O_CLOEXEC) == -1 && errno == EBADF, "dup3 to a low number: %s", errno_name(errno));
	ok(dup2(table.fd, other) == -1 && errno == EBADF && fcntl(other, F_GETFD) == 0,
	   "dup2 over another file, which stays: %s", errno_name(errno));
	ok(fcntl(9, F_GETFD) == -1 && errno == EBADF, "nothing is at the low number");
	ok(dup2(table.fd, table.fd - 7) == table.fd - 7, "dup2 to a number beside it: %s", errno_name(errno));
	ok(close(table.fd - 7) == 0 && close(table.fd) == 0 && close(other) == 0, "dropped");
}

static void order_of_checks(void)
{
	size_t length = (size_t)table.info.code_size * table.info.ntrampolines;

	ok(table_open(&table) == 0 && table_map(&table, MAP_SHARED) == 0, "a table is mapped: %s", errno_name(errno));
	void *base = mmap(NULL, length, PROT_READ, MAP_SHARED, table.fd, table.info.code_offset);
	ok(base == MAP_FAILED && errno == EINVAL, "another protection, and mapped already: the arguments come first: %s",
	   errno_name(errno));
	ok(mprotect(table.base, length, PROT_READ | PROT_WRITE) == -1 && errno == EACCES,
	   "a shared mapping can never become writable: %s", errno_name(errno));
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

int main(void)
{
	require_tables();
	outside_of_the_window();
	order_of_checks();
	return done();
}
