/*
 * Threads and tables: all create, map, call and drop at once (a storm of them), any thread may describe and map a table
 * that another one has created, and of those that do the same at the same moment one wins.
 *
 * usage: threads [TABLES-PER-THREAD]
 */
#define _GNU_SOURCE
#include "children.h"
#include "table.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>

enum { THREADS = 8 };

static int rounds = 100;

/* Creates and drops tables; gives the number of them that did not work. */
static void *loop(void *number)
{
	struct table *table = calloc(1, sizeof *table);
	intptr_t wrong = 0;
	int other = other_flags();

	for (int i = 0; i < rounds; i++) {
		if (table_open(table) != 0 || table_map(table, i % 2 ? other : MAP_PRIVATE) != 0) {
			printf("# thread %ld, table %d: %s\n", (long)(intptr_t)number, i, errno_name(errno));
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

	other_flags();
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, loop, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		wrong += (long)(intptr_t)result;
	}
	expect_row("storm", "threads", wrong == 0, "%d threads, %d tables each: %ld did not work", THREADS, rounds, wrong);
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
		ok(result != NULL, "a thread of its own %s: %s", names[i], result ? "yes" : errno_name(errno));
	}
}

/* All threads do the same at once: one of them succeeds, the others find it done. */
static pthread_barrier_t barrier;

static void *race(void *step)
{
	pthread_barrier_wait(&barrier);
	if (((void *(*)(void *))step)(NULL) != NULL)
		return (void *)1;
	return errno == EEXIST ? NULL : (void *)1000;
}

/* Rounds of a race for a step of a table that `prepare` makes; in how many there was not one winner. */
static int rounds_without_a_winner(void *(*step)(void *), void (*prepare)(void))
{
	int wrong = 0;

	for (int round = 0; round < 50; round++) {
		pthread_t threads[THREADS];
		intptr_t winners = 0;
		prepare();
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, race, (void *)(uintptr_t)step);
		for (int i = 0; i < THREADS; i++) {
			void *result;
			pthread_join(threads[i], &result);
			winners += (intptr_t)result;
		}
		wrong += winners != 1;
		close(shared.fd);
	}
	return wrong;
}

static void prepare_empty(void)
{
	create(NULL);
}

static void races(void)
{
	pthread_barrier_init(&barrier, NULL, THREADS);
	int wrong = rounds_without_a_winner(describe_code, prepare_empty);
	ok(wrong == 0, "of %d threads that set the code at once, one does, the others get EEXIST: %d of 50 wrong", THREADS, wrong);
	wrong = rounds_without_a_winner(describe_data, prepare_empty);
	ok(wrong == 0, "of %d threads that set the data at once, one does, the others get EEXIST: %d of 50 wrong", THREADS, wrong);
}

/* The process goes on when its first thread has ended: another one creates, maps and calls. */
static void wait_for_the_end_of_the_first(void)
{
	char name[32], text[256];

	snprintf(name, sizeof name, "/proc/%d/stat", getpid());
	for (;;) {
		int file = open(name, O_RDONLY);
		ssize_t length = read(file, text, sizeof text - 1);
		close(file);
		if (length <= 0)
			_exit(101);
		text[length] = 0;
		char *state = strrchr(text, ')');
		if (state != NULL && state[2] == 'Z')
			return;
		usleep(1000);
	}
}

static void *after_the_first(void *unused)
{
	static struct table table;

	(void)unused;
	wait_for_the_end_of_the_first();
	if (table_open(&table) != 0)
		_exit(errno);
	if (table_map(&table, MAP_PRIVATE) != 0)
		_exit(errno);
	slot_set(&table, 0, target_data, 71);
	if (call(&table, 0) != 71)
		_exit(1);
	struct table copy = table;
	if (table_map(&copy, MAP_PRIVATE) == 0)
		_exit(2);
	if (errno != EEXIST)
		_exit(3);
	_exit(table_unmap(&table) == 0 && table_map(&table, MAP_PRIVATE) == 0 && close(table.fd) == 0 ? 0 : errno);
}

static int without_the_first_thread(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, after_the_first, NULL) != 0)
		return 100;
	/* Not pthread_exit(), which is the C library's. */
	return (int)syscall(SYS_exit, 0);
}

static void first_thread_ends(void)
{
	int status = in_child(without_the_first_thread);
	ok(status == 0, "a process whose first thread has ended creates, maps, calls, and may not map twice: %d", status);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atoi(argv[1]);
	require_tables();
	all_at_once();
	one_step_each();
	races();
	first_thread_ends();
	return done();
}
