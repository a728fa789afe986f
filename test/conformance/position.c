/*
 * The file position: lseek and write are the same as pwrite, no write and no pwrite moves the position, and each open
 * table has its own.
 */
#define _GNU_SOURCE
#include "table.h"

static struct table table, other;

static void created(struct table *new)
{
	new->fd = trampfd(&new->info);
	if (new->fd < 0)
		bail_out("a table: %s", errno_name(errno));
}

/* A new table is at the code; writing does not leave it. */
static void stays(void)
{
	created(&table);
	struct trampfd_code code = code_of(&table, 1);
	struct trampfd_data data = data_of(&table);

	expect_success("write-code", write(table.fd, &code, sizeof code) == sizeof code, "at once, for a table begins there: %s",
	               errno_name(errno));
	expect_errno("write-code", EEXIST, "set-already", write(table.fd, &code, sizeof code), "the position has not moved");
	expect_success("lseek", lseek(table.fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA, "to the data: %s", errno_name(errno));
	expect_success("write-data", write(table.fd, &data, sizeof data) == sizeof data, "there: %s", errno_name(errno));
	expect_errno("write-data", EEXIST, "set-already", write(table.fd, &data, sizeof data), "the position has not moved");
	expect_success("lseek", lseek(table.fd, TRAMPFD_CODE, SEEK_SET) == TRAMPFD_CODE, "back to the code: %s",
	               errno_name(errno));
	expect_errno("write-code", EEXIST, "set-already", write(table.fd, &code, sizeof code), "where it is set");
	table.info.ntrampolines = 1;
	ok(table_map(&table, MAP_PRIVATE) == 0, "mapped: %s", errno_name(errno));
	slot_set(&table, 0, target_data, 4711);
	expect_success("call", call(&table, 0) == 4711, "of a table that was written without pwrite");
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

/* The page is the same by either way: what is read of it differs in nothing. */
static void same_page(void)
{
	created(&table);
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	ok(lseek(table.fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA && write(table.fd, &data, sizeof data) == sizeof data &&
	   lseek(table.fd, TRAMPFD_CODE, SEEK_SET) == TRAMPFD_CODE && write(table.fd, &code, sizeof code) == sizeof code &&
	   table_map(&table, MAP_PRIVATE) == 0, "a table by lseek and write: %s", errno_name(errno));
	created(&other);
	ok(pwrite(other.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code &&
	   pwrite(other.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data && table_map(&other, MAP_PRIVATE) == 0,
	   "a table with the same descriptors by pwrite: %s", errno_name(errno));
	ok(memcmp(table.base, other.base, (size_t)getpagesize()) == 0, "their pages are equal");
	ok(table_unmap(&table) == 0 && table_unmap(&other) == 0 && close(table.fd) == 0 && close(other.fd) == 0, "dropped");
}

/* pwrite neither uses nor moves the position; an lseek that fails does not move it either. */
static void untouched(void)
{
	created(&table);
	created(&other);
	struct trampfd_code code = code_of(&table, 1);
	struct trampfd_data data = data_of(&table);

	ok(lseek(table.fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA, "a position at the data");
	expect_success("pwrite-code", pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code,
	               "wherever the position is: %s", errno_name(errno));
	expect_errno("lseek", EINVAL, "offset", lseek(table.fd, 2, SEEK_SET), "beyond the data");
	expect_errno("lseek", EINVAL, "whence", lseek(table.fd, 0, SEEK_END), "from the end");
	expect_errno("lseek", EINVAL, "whence", lseek(table.fd, 0, SEEK_CUR), "from here");
	expect_success("write-code", write(other.fd, &code, sizeof code) == sizeof code,
	               "another table is at its own position: %s", errno_name(errno));
	expect_success("write-data", write(table.fd, &data, sizeof data) == sizeof data,
	               "the position is still at the data: %s", errno_name(errno));
	ok(close(table.fd) == 0 && close(other.fd) == 0, "dropped");
}

int main(void)
{
	require_tables();
	stays();
	same_page();
	untouched();
	return done();
}
