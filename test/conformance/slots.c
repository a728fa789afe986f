/*
 * The slots stay the program's: it may change them at any time, one aligned word each, also while other threads call, and
 * a call sees the words that are there at that moment.
 */
#define _GNU_SOURCE
#include "table.h"

#include <pthread.h>

enum { CALLERS = 4, CHANGES = 1 << 16, ENOUGH = 20000 };

static struct table table;
static volatile int stop;
static int called[CALLERS];

/* Calls trampoline 0 until it is told to stop; the number of results that were never in the slots. */
static void *call_on(void *number)
{
	intptr_t wrong = 0;

	while (!stop) {
		uintptr_t result = call(&table, 0);
		uintptr_t plain = result >> (8 * sizeof result - 1) ? ~result : result;
		wrong += plain >= CHANGES;
		__atomic_add_fetch(&called[(intptr_t)number], 1, __ATOMIC_RELAXED);
	}
	return (void *)wrong;
}

static int all_have_called_enough(void)
{
	for (int i = 0; i < CALLERS; i++)
		if (__atomic_load_n(&called[i], __ATOMIC_RELAXED) < ENOUGH)
			return 0;
	return 1;
}

static void changed_under_calls(void)
{
	pthread_t callers[CALLERS];
	long wrong = 0, changes = 0;

	slot_set(&table, 0, target_data, 0);
	for (intptr_t i = 0; i < CALLERS; i++)
		if (pthread_create(&callers[i], NULL, call_on, (void *)i) != 0)
			bail_out("a thread cannot be created");
	for (; changes < CHANGES || !all_have_called_enough(); changes++)
		slot_set(&table, 0, changes % 3 ? target_data : target_data_negated, (uintptr_t)(changes % CHANGES));
	stop = 1;
	for (int i = 0; i < CALLERS; i++) {
		void *result;
		pthread_join(callers[i], &result);
		wrong += (long)(intptr_t)result;
	}
	expect_success("call", wrong == 0, "%d threads, slots changed %ld times meanwhile: %ld results that never were", CALLERS,
	               changes, wrong);
}

/* A target may change the slot that it was called through, and its own trampoline's next call goes elsewhere. */
static uintptr_t change_own(void)
{
	slot_set(&table, 1, target_data, 1001);
	return 1000;
}

static void changed_by_the_target(void)
{
	slot_set(&table, 1, change_own, 0);
	uintptr_t first = call(&table, 1), second = call(&table, 1);
	expect_success("call", first == 1000 && second == 1001, "the target changes its own slot: %lu, then %lu",
	               (unsigned long)first, (unsigned long)second);
}

/* A trampoline may lead to another one, even of its own table. */
static void chained(void)
{
	uint32_t last = table.info.ntrampolines - 1;

	slot_set(&table, last, target_data_negated, 9);
	for (uint32_t i = 0; i < last; i++)
		slot_set(&table, i, (uintptr_t(*)(void))trampoline(&table, i + 1), i);
	uintptr_t result = call(&table, 0);
	expect_success("call", result == ~(uintptr_t)9, "a trampoline leads to the next, %u times: %#lx", last,
	               (unsigned long)result);
}

/* Slots in memory that cannot be written to are as good. */
static void read_only_slots(void)
{
	static struct table other;
	size_t page = (size_t)getpagesize();
	uintptr_t *words = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t half = page / sizeof *words / 2;

	other.fd = trampfd(&other.info);
	struct trampfd_code code = { 1, CODE_REGISTER, (uintptr_t)words };
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)(words + half) };
	words[0] = (uintptr_t)target_data;
	words[half] = 31337;
	mprotect(words, page, PROT_READ);
	ok(pwrite(other.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code &&
	   pwrite(other.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data && table_map(&other, MAP_PRIVATE) == 0,
	   "a table with slots in read-only memory: %s", errno_name(errno));
	expect_success("call", call(&other, 0) == 31337, "with read-only slots");
	table_unmap(&other);
	close(other.fd);
	munmap(words, page);
}

/* Nobody looks at the memory of the slots before a call: it need not even be there when the table is made. */
static void slots_that_come_later(void)
{
	static struct table other;
	size_t page = (size_t)getpagesize();
	uintptr_t *words = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	other.fd = trampfd(&other.info);
	struct trampfd_code code = { 1, CODE_REGISTER, (uintptr_t)words };
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)(words + 1) };
	ok(pwrite(other.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code &&
	   pwrite(other.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data && table_map(&other, MAP_PRIVATE) == 0,
	   "a table whose slots cannot be read yet: %s", errno_name(errno));
	mprotect(words, page, PROT_READ | PROT_WRITE);
	*(uintptr_t volatile *)&words[0] = (uintptr_t)target_data;
	*(uintptr_t volatile *)&words[1] = 2718;
	expect_success("call", call(&other, 0) == 2718, "with slots that came later");
	table_unmap(&other);
	close(other.fd);
	munmap(words, page);
}

int main(void)
{
	require_tables();
	if (table_open(&table) != 0 || table_map(&table, MAP_PRIVATE) != 0)
		bail_out("a table: %s", errno_name(errno));
	changed_under_calls();
	changed_by_the_target();
	chained();
	read_only_slots();
	slots_that_come_later();
	return done();
}
