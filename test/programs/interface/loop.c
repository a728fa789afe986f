/*
 * Creates, describes, maps, calls and drops tables one after the other, for measurements of what that costs and what it
 * leaves behind.
 *
 * usage: loop [TABLES]
 */
#include "../../conformance/table.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static struct table table;
	int tables = argc > 1 ? atoi(argv[1]) : 10000;

	for (int i = 0; i < tables; i++) {
		if (table_open(&table) != 0 || table_map(&table, MAP_PRIVATE) != 0) {
			fprintf(stderr, "loop: table %d: %s\n", i, strerror(errno));
			return 1;
		}
		slot_set(&table, 0, target_data, (uintptr_t)i);
		if (call(&table, 0) != (uintptr_t)i || table_unmap(&table) != 0 || close(table.fd) != 0) {
			fprintf(stderr, "loop: table %d does not work\n", i);
			return 1;
		}
	}
	printf("tables=%d\n", tables);
	return 0;
}
