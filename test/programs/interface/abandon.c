/*
 * Processes that create tables, describe only some of them, and end without closing any.
 *
 * usage: abandon PROCESSES TABLES
 */
#include "../../conformance/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static int leave_tables(int count)
{
	static struct table table;

	for (int i = 0; i < count; i++) {
		if (i % 2 == 0 ? table_open(&table) != 0 : trampfd(&table.info) < 0) {
			fprintf(stderr, "abandon: table %d: %s\n", i, strerror(errno));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 100;
	int tables = argc > 2 ? atoi(argv[2]) : 100;

	for (int i = 0; i < processes; i++) {
		int status = 0;
		pid_t child = fork();
		if (child == 0)
			_exit(leave_tables(tables));
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
			fprintf(stderr, "abandon: process %d failed\n", i);
			return 1;
		}
	}
	printf("tables=%d\n", processes * tables);
	return 0;
}
