/*
 * usage: tables WARM-UP TABLES CALLS
 *
 * What a trampoline table costs from its creation to its end, and what the cheapest call costs that goes to the
 * supervisor and back: a write at an offset that no table has. Prints `NAME MICROSECONDS` for a table of the first
 * hundred, when the supervisor has compiled nothing yet; then, after WARM-UP tables, for each step of a table and for
 * all of it (averages over TABLES), and for the call (average over CALLS).
 */
#define _GNU_SOURCE
#include "clock.h"
#include "table.h"

#include <errno.h>

enum { CREATE, CONFIGURE, MAP, UNMAP, CLOSE, STEPS };

static const char *const names[STEPS] = {"create", "configure", "map", "unmap", "close"};

static void *code[4096], *data[4096];

/* One table from beginning to end; adds the time of each step. */
static void live(double spent[STEPS])
{
	double before = now(), after;
	struct trampfd_info info;
	const int table = trampfd(&info);
	need(table >= 0, "trampfd");
	spent[CREATE] += (after = now()) - before;

	need(table_configure(table, &info, code, data) == 0, "pwrite");
	spent[CONFIGURE] += (before = now()) - after;

	void *page = table_map(table, &info);
	need(page != MAP_FAILED, "mmap of the table");
	spent[MAP] += (after = now()) - before;

	need(munmap(page, table_length(&info)) == 0, "munmap");
	spent[UNMAP] += (before = now()) - after;

	need(close(table) == 0, "close");
	spent[CLOSE] += (after = now()) - before;
}

static double round_trip(long calls)
{
	struct trampfd_info info;
	const int table = trampfd(&info);
	need(table >= 0, "trampfd");
	const struct trampfd_data nothing = {0};
	const double start = now();
	for (long call = 0; call < calls; call++)
		need(pwrite(table, &nothing, sizeof nothing, 5) == -1 && errno == EINVAL, "pwrite at offset 5");
	const double spent = now() - start;
	close(table);
	return spent / (double)calls;
}

/* The time of all steps. */
static double sum(const double spent[STEPS])
{
	double all = 0;
	for (int step = 0; step < STEPS; step++)
		all += spent[step];
	return all;
}

enum { FIRST = 100 };

int main(int count, char **arguments)
{
	if (count != 4) {
		fprintf(stderr, "usage: tables WARM-UP TABLES CALLS\n");
		return 2;
	}
	const long warm_up = number(arguments[1]), tables = number(arguments[2]), calls = number(arguments[3]);
	double first[STEPS] = {0}, ignored[STEPS] = {0}, spent[STEPS] = {0};
	for (long table = 0; table < FIRST; table++)
		live(first);
	for (long table = FIRST; table < warm_up; table++)
		live(ignored);
	for (long table = 0; table < tables; table++)
		live(spent);
	printf("first %.3f\n", sum(first) / FIRST / 1e3);
	for (int step = 0; step < STEPS; step++)
		printf("%s %.3f\n", names[step], spent[step] / (double)tables / 1e3);
	printf("table %.3f\n", sum(spent) / (double)tables / 1e3);
	printf("round-trip %.3f\n", round_trip(calls) / 1e3);
	return 0;
}
