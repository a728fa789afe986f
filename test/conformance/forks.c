/*
 * Storms of forks. Many processes with many threads each, all of which create tables at the same moment: nothing may be
 * lost. And children that come and go while the parent's other threads create, map and call.
 *
 * usage: forks [PROCESSES [THREADS [TABLES-PER-THREAD]]]
 */
#define _GNU_SOURCE
#include "table.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

static int processes = 200, threads = 8, tables = 2;

/* In memory that all processes share. */
struct counts {
	volatile int start;
	int waiting, worked;
};
static struct counts *counts;

static void report(const char *what)
{
	char line[128];
	int length = snprintf(line, sizeof line, "# %d: %s: %s\n", getpid(), what, errno_name(errno));
	if (write(1, line, (size_t)length) != length)
		_exit(3);
}

/* All tables of a thread are open and mapped at once before the first is dropped. */
static void *work(void *number)
{
	struct table *own = calloc((size_t)tables, sizeof *own);

	for (int i = 0; i < tables; i++) {
		uintptr_t data = (uintptr_t)getpid() * 4096 + (uintptr_t)(intptr_t)number * 64 + (uintptr_t)i;
		if (table_open(&own[i]) != 0) {
			report("create or describe");
			continue;
		}
		if (table_map(&own[i], MAP_PRIVATE) != 0) {
			report("map");
			continue;
		}
		slot_set(&own[i], (uint32_t)i, target_data, data);
		if (call(&own[i], (uint32_t)i) == data)
			__atomic_add_fetch(&counts->worked, 1, __ATOMIC_SEQ_CST);
		else
			report("call");
	}
	for (int i = 0; i < tables; i++) {
		if (own[i].base != NULL && table_unmap(&own[i]) != 0)
			report("unmap");
		if (own[i].fd >= 0 && close(own[i].fd) != 0)
			report("close");
	}
	free(own);
	return NULL;
}

static int child(void)
{
	pthread_t *started = calloc((size_t)threads, sizeof *started);

	__atomic_add_fetch(&counts->waiting, 1, __ATOMIC_SEQ_CST);
	while (!counts->start)
		usleep(1000);
	for (intptr_t i = 0; i < threads; i++)
		if (pthread_create(&started[i], NULL, work, (void *)i) != 0)
			_exit(4);
	for (int i = 0; i < threads; i++)
		pthread_join(started[i], NULL);
	return 0;
}

static void many_processes(void)
{
	int failed = 0;

	counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(child());
		if (pid < 0)
			bail_out("fork %d: %s", i, errno_name(errno));
	}
	while (__atomic_load_n(&counts->waiting, __ATOMIC_SEQ_CST) < processes)
		usleep(1000);
	counts->start = 1;
	for (int i = 0; i < processes; i++) {
		int status;
		failed += wait(&status) < 0 || status != 0;
	}
	ok(failed == 0, "%d processes: %d failed", processes, failed);
	expect_row("storm", "forks", counts->worked == processes * threads * tables,
	           "%d processes of %d threads with %d tables each: %d tables work", processes, threads, tables, counts->worked);
}

/* A thread that works on its own table until it is told to stop; how often something did not work. */
static volatile int stop;

static void *go_on(void *number)
{
	struct table *own = calloc(1, sizeof *own);
	intptr_t wrong = 0;

	for (uintptr_t i = 0; !stop; i++) {
		uintptr_t data = i * 16 + (uintptr_t)number;
		if (table_open(own) != 0 || table_map(own, MAP_PRIVATE) != 0) {
			wrong++;
			break;
		}
		slot_set(own, 1, target_data, data);
		wrong += call(own, 1) != data;
		wrong += table_unmap(own) != 0 || table_map(own, MAP_PRIVATE) != 0 || call(own, 1) != data;
		wrong += table_unmap(own) != 0 || close(own->fd) != 0;
	}
	free(own);
	return (void *)wrong;
}

static void forks_between_threads(void)
{
	enum { FORKS = 200 };
	static struct table kept;
	pthread_t workers[4];
	long wrong = 0;
	int failed = 0;

	if (table_open(&kept) != 0 || table_map(&kept, MAP_PRIVATE) != 0)
		bail_out("a table: %s", errno_name(errno));
	slot_set(&kept, 0, target_data, 8);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&workers[i], NULL, go_on, (void *)i);
	for (int i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0) {
			struct trampfd_info info;
			int works = call(&kept, 0) == 8 && trampfd(&info) >= 0 && table_map(&kept, MAP_PRIVATE) == -1 && errno == EINVAL;
			_exit(!works);
		}
		failed += pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
	}
	stop = 1;
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(workers[i], &result);
		wrong += (long)(intptr_t)result;
	}
	ok(failed == 0, "%d children, forked while other threads create tables: %d failed", FORKS, failed);
	ok(wrong == 0, "and those threads: %ld tables did not work", wrong);
	expect_success("call", call(&kept, 0) == 8, "of the table that all children had");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		processes = atoi(argv[1]);
	if (argc > 2)
		threads = atoi(argv[2]);
	if (argc > 3)
		tables = atoi(argv[3]);
	require_tables();
	many_processes();
	forks_between_threads();
	return done();
}
