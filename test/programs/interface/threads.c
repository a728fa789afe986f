/*
 * Threads and tables: all create, map, call and drop at once, and any thread may describe and map a table that another
 * one has created.
 *
 * usage: threads [TABLES-PER-THREAD]
 */
#define _GNU_SOURCE
#include "table.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 8 };

static int rounds = 100;

/* Creates and drops tables; gives the number of them that did not work. */
static void *loop(void *number)
{
	struct table *table = calloc(1, sizeof *table);
	intptr_t wrong = 0;

	for (int i = 0; i < rounds; i++) {
		if (table_open(table) != 0 || table_map(table, i % 2 ? MAP_SHARED : MAP_PRIVATE) != 0) {
			printf("# thread %ld, table %d: %s\n", (long)(intptr_t)number, i, strerror(errno));
			wrong++;
			if (table->fd >= 0)
				close(table->fd);
			continue;
		}
		uintptr_t data = (uintptr_t)(intptr_t)number * 1000003 + (uintptr_t)i;
		uint32_t index = (uint32_t)i % table->info.ntrampolines;
		slot_set(table, index, target_data, data);
		int bad = call(table, index) != data;
		bad |= table_unmap(table) != 0;
		bad |= close(table->fd) != 0;
		wrong += bad;
	}
	free(table);
	return (void *)wrong;
}

static void all_at_once(void)
{
	pthread_t threads[THREADS];
	long wrong = 0;

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, loop, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		wrong += (long)(intptr_t)result;
	}
	ok(wrong == 0, "%d threads, %d tables each: %ld did not work", THREADS, rounds, wrong);
}

static struct table shared;

static void *create(void *unused)
{
	(void)unused;
	shared.fd = trampfd(&shared.info);
	return (void *)(intptr_t)(shared.fd >= 0);
}

static void *describe_code(void *unused)
{
	struct trampfd_code code = code_of(&shared, shared.info.ntrampolines);
	(void)unused;
	return (void *)(intptr_t)(pwrite(shared.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code);
}

static void *describe_data(void *unused)
{
	struct trampfd_data data = data_of(&shared);
	(void)unused;
	return (void *)(intptr_t)(pwrite(shared.fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data);
}

static void *map_it(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)(table_map(&shared, MAP_PRIVATE) == 0);
}

static void *call_it(void *unused)
{
	(void)unused;
	slot_set(&shared, 1, target_data_negated, 17);
	return (void *)(intptr_t)(call(&shared, 1) == ~(uintptr_t)17);
}

static void *drop_it(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)(table_unmap(&shared) == 0 && close(shared.fd) == 0);
}

static void one_step_each(void)
{
	static void *(*const steps[])(void *) = { create, describe_code, describe_data, map_it, call_it, drop_it };
	static const char *const names[] = { "creates", "sets the code", "sets the data", "maps", "calls", "drops" };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		pthread_t thread;
		void *result = NULL;
		pthread_create(&thread, NULL, steps[i], NULL);
		pthread_join(thread, &result);
		ok(result != NULL, "a thread of its own %s: %s", names[i], result ? "yes" : strerror(errno));
	}
}

/* All threads set the same descriptor at once: one of them succeeds, the others find it set. */
static pthread_barrier_t barrier;

static void *race(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&barrier);
	return describe_code(NULL) != NULL ? (void *)1 : errno == EEXIST ? NULL : (void *)1000;
}

static void races(void)
{
	int wrong = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < 50; round++) {
		pthread_t threads[THREADS];
		intptr_t winners = 0;
		if (create(NULL) == NULL)
			wrong++;
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, race, NULL);
		for (int i = 0; i < THREADS; i++) {
			void *result;
			pthread_join(threads[i], &result);
			winners += (intptr_t)result;
		}
		wrong += winners != 1;
		close(shared.fd);
	}
	ok(wrong == 0, "of %d threads that set a descriptor at once, one does, the others get EEXIST: %d of 50 wrong", THREADS,
	   wrong);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atoi(argv[1]);
	all_at_once();
	one_step_each();
	races();
	return done();
}
