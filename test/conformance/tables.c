/*
 * A trampoline table's life as a program leads it: create, describe, map, call with slots that change, unmap, map again,
 * drop in any order.
 */
#define _GNU_SOURCE
#include "table.h"

#include <stdlib.h>

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

static void calls(void)
{
	ok(table_open(&first) == 0, "a table is created and described: %s", errno_name(errno));
	expect_success("mmap", table_map(&first, MAP_PRIVATE) == 0, "MAP_PRIVATE: %s", errno_name(errno));
	int wrong = 0;
	for (int round = 0; round < 100; round++)
		wrong += wrong_calls(&first, (uintptr_t)0x9e3779b97f4a7c15u * (uintptr_t)round);
	expect_success("call", wrong == 0, "100 rounds through every trampoline, slots changed before each: %d wrong", wrong);
}

static double sum(long a, long b, long c, double d, double e, double f, double g, double h, double i, double j, double k,
                  double l, double m)
{
	return (double)(a + 10 * b + 100 * c) + d + 2 * e + 3 * f + 4 * g + 5 * h + 6 * i + 7 * j + 8 * k + 9 * l + 10 * m;
}

static void arguments(void)
{
	double (*function)(long, long, long, double, double, double, double, double, double, double, double, double, double) =
		(double (*)(long, long, long, double, double, double, double, double, double, double, double, double,
	                double))trampoline(&first, 0);

	*(volatile uintptr_t *)&first.code[0] = (uintptr_t)sum;
	double direct = sum(1, 2, 3, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5);
	double through = function(1, 2, 3, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5);
	expect_success("call", direct == through, "arguments in registers and on the stack arrive: %g, %g", direct, through);
}

static void mapping_again(void)
{
	struct table copy = first;
	int other = other_flags();

	expect_errno("mmap", EEXIST, "mapped-already", table_map(&copy, MAP_PRIVATE), "mapped twice");
	expect_errno("mmap", EEXIST, "mapped-already", table_map(&copy, other), "mapped twice, in its other form");
	ok(table_unmap(&first) == 0 && table_map(&first, other) == 0, "unmapped, and mapped in its other form: %s",
	   errno_name(errno));
	expect_success("call", wrong_calls(&first, 77) == 0, "in the other form of mapping");
	ok(table_unmap(&first) == 0 && table_map(&first, MAP_PRIVATE) == 0, "unmapped, and mapped with MAP_PRIVATE: %s",
	   errno_name(errno));
	expect_success("call", wrong_calls(&first, 78) == 0, "in a mapping that was made again");
	int failed = 0;
	for (int i = 0; i < 100; i++)
		failed += table_unmap(&first) != 0 || table_map(&first, i % 2 ? other : MAP_PRIVATE) != 0;
	ok(failed == 0 && wrong_calls(&first, 79) == 0, "100 times more: %d failed", failed);
}

static void several(void)
{
	enum { MANY = 200 };

	ok(table_open(&second) == 0 && second.fd != first.fd, "a second table: %s", errno_name(errno));
	ok(table_map(&second, MAP_PRIVATE) == 0 && second.base != first.base, "both are mapped: %s", errno_name(errno));
	ok(wrong_calls(&second, 80) == 0 && wrong_calls(&first, 81) == 0, "each has its own slots");

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

/* Two tables may use the same arrays: those are the program's, and of no table. */
static void shared_arrays(void)
{
	static struct table other;
	struct trampfd_code code = code_of(&first, first.info.ntrampolines);
	struct trampfd_data data = data_of(&first);

	other.fd = trampfd(&other.info);
	ok(pwrite(other.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code &&
	   pwrite(other.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data && table_map(&other, MAP_PRIVATE) == 0,
	   "another table with the same arrays: %s", errno_name(errno));
	slot_set(&first, 5, target_data, 555);
	expect_success("call", call(&first, 5) == 555 && call(&other, 5) == 555, "of either table, with the same slots");
	ok(table_unmap(&other) == 0 && close(other.fd) == 0, "one of the two is dropped");
	expect_success("call", call(&first, 5) == 555, "of the one that is left");
}

static void drop_order(void)
{
	ok(close(first.fd) == 0 && wrong_calls(&first, 82) == 0, "a mapping lives on when its descriptor is closed");
	ok(wrong_calls(&second, 83) == 0, "the other table is untouched");
	expect_success("munmap", table_unmap(&first) == 0, "after the close");
	expect_success("munmap", table_unmap(&second) == 0, "before the close");
	ok(close(second.fd) == 0, "and closed");
}

/* A table of any size: its last trampoline works. */
static void sizes(void)
{
	int failed = 0, wrong = 0;

	for (uint32_t n = 1; n <= second.info.ntrampolines; n++) {
		second.fd = trampfd(&second.info);
		struct trampfd_code code = code_of(&second, n);
		struct trampfd_data data = data_of(&second);
		if (pwrite(second.fd, &data, sizeof data, TRAMPFD_DATA) != sizeof data ||
		    pwrite(second.fd, &code, sizeof code, TRAMPFD_CODE) != sizeof code) {
			failed++;
			continue;
		}
		void *base = mmap(NULL, (size_t)second.info.code_size * n, PROT_READ | PROT_EXEC, MAP_PRIVATE, second.fd,
		                  second.info.code_offset);
		if (base == MAP_FAILED) {
			failed++;
			continue;
		}
		second.base = base;
		slot_set(&second, n - 1, target_data, n);
		wrong += call(&second, n - 1) != n;
		failed += table_unmap(&second) != 0;
		failed += close(second.fd) != 0;
	}
	ok(failed == 0 && wrong == 0, "tables of 1 to %u trampolines: %d failed, %d wrong calls", second.info.ntrampolines,
	   failed, wrong);
}

int main(void)
{
	require_tables();
	calls();
	arguments();
	mapping_again();
	several();
	shared_arrays();
	drop_order();
	sizes();
	return done();
}
