/*
 * A trampoline table's life as a program leads it: create, describe, map, call with slots that change, unmap, map again,
 * drop in any order.
 */
#define _GNU_SOURCE
#include "table.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

static struct table first, second;

/* Calls every trampoline of a page with two targets in turn; the number of wrong results. */
static int wrong_calls(struct table *table, uintptr_t salt)
{
	int wrong = 0;

	for (uint32_t i = 0; i < table->info.ntrampolines; i++)
		slot_set(table, i, i % 2 ? target_data : target_data_negated, salt ^ i * (uintptr_t)0x01000193);
	for (uint32_t i = 0; i < table->info.ntrampolines; i++) {
		uintptr_t data = salt ^ i * (uintptr_t)0x01000193;
		wrong += call(table, i) != (i % 2 ? data : ~data);
	}
	return wrong;
}

static void creation(void)
{
	memset(&first.info, 0x55, sizeof first.info);
	ok(table_open(&first) == 0, "a table is created and described: %s", strerror(errno));
	uint32_t size = sizeof(void *) == 8 ? 40 : 24;
	ok(first.info.code_size == size, "code_size %u", first.info.code_size);
	ok(first.info.ntrampolines == (uint32_t)getpagesize() / size, "ntrampolines %u", first.info.ntrampolines);
	ok(first.info.reserved == 0, "reserved %u", first.info.reserved);
	ok(fcntl(first.fd, F_GETFD) == FD_CLOEXEC, "the descriptor is close-on-exec");
}

static void calls(void)
{
	ok(table_map(&first, MAP_PRIVATE) == 0, "mapped with MAP_PRIVATE: %s", strerror(errno));
	int wrong = 0;
	for (int round = 0; round < 100; round++)
		wrong += wrong_calls(&first, (uintptr_t)0x9e3779b97f4a7c15u * (uintptr_t)round);
	ok(wrong == 0, "100 rounds through every trampoline, slots changed before each: %d wrong", wrong);

	uint32_t last = first.info.ntrampolines - 1;
	slot_set(&first, last, target_flags, 0);
	uintptr_t direct = call_with_flags((uintptr_t)target_flags);
	uintptr_t through = call_with_flags(trampoline(&first, last));
	ok(direct == through && (through & 1), "the flags arrive as they were: %#lx, %#lx", (long)direct, (long)through);
}

static long sum(long a, long b, long c, long d, long e, long f, long g)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f + 1000000 * g;
}

static void arguments(void)
{
	first.code[0] = (uintptr_t)sum;
	long (*function)(long, long, long, long, long, long, long) =
		(long (*)(long, long, long, long, long, long, long))trampoline(&first, 0);
	long result = function(1, 2, 3, 4, 5, 6, 7);
	ok(result == 7654321, "arguments in registers and on the stack arrive: %ld", result);
}

static void mapping_again(void)
{
	errno = 0;
	struct table copy = first;
	ok(table_map(&copy, MAP_PRIVATE) == -1 && errno == EEXIST, "mapped twice: %s", strerrorname_np(errno));
	ok(table_map(&copy, MAP_SHARED) == -1 && errno == EEXIST, "mapped twice, shared: %s", strerrorname_np(errno));
	ok(table_unmap(&first) == 0 && table_map(&first, MAP_SHARED) == 0, "unmapped, and mapped with MAP_SHARED: %s",
	   strerror(errno));
	ok(wrong_calls(&first, 77) == 0, "the shared mapping works");
	ok(table_unmap(&first) == 0 && table_map(&first, MAP_PRIVATE) == 0, "unmapped, and mapped with MAP_PRIVATE: %s",
	   strerror(errno));
	ok(wrong_calls(&first, 78) == 0, "and works");
	int failed = 0;
	for (int i = 0; i < 100; i++)
		failed += table_unmap(&first) != 0 || table_map(&first, i % 2 ? MAP_SHARED : MAP_PRIVATE) != 0;
	ok(failed == 0 && wrong_calls(&first, 79) == 0, "100 times more: %d failed", failed);
}

static void several(void)
{
	ok(table_open(&second) == 0 && second.fd != first.fd, "a second table: %s", strerror(errno));
	ok(table_map(&second, MAP_PRIVATE) == 0 && second.base != first.base, "both are mapped: %s", strerror(errno));
	ok(wrong_calls(&second, 80) == 0 && wrong_calls(&first, 81) == 0, "each has its own slots");

	enum { MANY = 200 };
	struct table *many = calloc(MANY, sizeof *many);
	int failed = 0, wrong = 0;
	for (int i = 0; i < MANY; i++)
		failed += table_open(&many[i]) != 0 || table_map(&many[i], MAP_PRIVATE) != 0;
	ok(failed == 0, "%d tables at once: %d failed", MANY, failed);
	for (int i = 0; i < MANY && failed == 0; i++)
		wrong += wrong_calls(&many[i], (uintptr_t)i);
	ok(wrong == 0, "all of them work: %d wrong", wrong);
	for (int i = 0; i < MANY; i++)
		failed += close(many[i].fd) != 0 || table_unmap(&many[i]) != 0;
	ok(failed == 0, "and are dropped: %d failed", failed);
	free(many);
}

static void drop_order(void)
{
	ok(close(first.fd) == 0 && wrong_calls(&first, 82) == 0, "a mapping lives on when its descriptor is closed");
	ok(wrong_calls(&second, 83) == 0, "the other table is untouched");
	ok(table_unmap(&first) == 0, "unmapped after the close");
	ok(table_unmap(&second) == 0 && close(second.fd) == 0, "unmapped before the close");
}

static void position(void)
{
	struct table table;
	struct trampfd_data data = data_of(&table);

	table.fd = trampfd(&table.info);
	struct trampfd_code code = code_of(&table, 1);
	ok(table.fd >= 0, "a third table: %s", strerror(errno));
	ok(lseek(table.fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA, "lseek to the data: %s", strerror(errno));
	ok(write(table.fd, &data, sizeof data) == sizeof data, "write there: %s", strerror(errno));
	ok(write(table.fd, &data, sizeof data) == -1 && errno == EEXIST,
	   "the position has not moved, for the next write finds the data set: %s", strerrorname_np(errno));
	ok(lseek(table.fd, TRAMPFD_CODE, SEEK_SET) == TRAMPFD_CODE, "lseek to the code: %s", strerror(errno));
	ok(write(table.fd, &code, sizeof code) == sizeof code, "write there: %s", strerror(errno));
	ok(write(table.fd, &code, sizeof code) == -1 && errno == EEXIST, "nor has it moved here: %s",
	   strerrorname_np(errno));

	table.info.ntrampolines = 1;
	ok(table_map(&table, MAP_PRIVATE) == 0, "a table of one trampoline is mapped: %s", strerror(errno));
	slot_set(&table, 0, target_data, 4711);
	ok(call(&table, 0) == 4711, "and called");
	ok(munmap(table.base, (size_t)getpagesize()) == 0 && close(table.fd) == 0, "and dropped");
}

/* The descriptor of the first table is not open in a program that we execute. */
static void close_on_exec(void)
{
	struct table table;
	char number[16];
	int status = -1;

	table_open(&table);
	snprintf(number, sizeof number, "%d", table.fd);
	pid_t child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "tables", "is-open", number, (char *)NULL);
		_exit(2);
	}
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a program that is executed does not have the descriptor");
	close(table.fd);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "is-open") == 0)
		return fcntl(atoi(argv[2]), F_GETFD) != -1;
	creation();
	calls();
	arguments();
	mapping_again();
	several();
	drop_order();
	position();
	close_on_exec();
	return done();
}
