/*
 * Many processes with many threads each, all of which create tables at the same moment: nothing may be lost.
 *
 * usage: processes [PROCESSES [THREADS [TABLES-PER-THREAD]]]
 *
 * The last line is "tables=N", the number of tables that worked. Status 0 when that is all of them.
 */
#define _GNU_SOURCE
#include "table.h"

#include <pthread.h>
#include <stdio.h>
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
	int length = snprintf(line, sizeof line, "# %d: %s: %s\n", getpid(), what, strerrorname_np(errno));
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

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 1)
		processes = atoi(argv[1]);
	if (argc > 2)
		threads = atoi(argv[2]);
	if (argc > 3)
		tables = atoi(argv[3]);
	counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(child());
		if (pid < 0) {
			perror("# fork");
			processes = i;
			failed = 1;
		}
	}
	while (__atomic_load_n(&counts->waiting, __ATOMIC_SEQ_CST) < processes)
		usleep(1000);
	counts->start = 1;
	for (int i = 0; i < processes; i++) {
		int status;
		if (wait(&status) < 0 || status != 0)
			failed++;
	}
	printf("# %d processes, %d of them failed\n", processes, failed);
	printf("tables=%d\n", counts->worked);
	return failed != 0 || counts->worked != processes * threads * tables;
}
