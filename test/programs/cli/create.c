/* Creates a table, maps it, calls a trampoline: prints "created" and ends with 0, or prints what failed. */
#include <errno.h>
#include <stdio.h>

#include "../../conformance/table.h"

int main(void)
{
	static struct table table;
	if (table_open(&table) != 0 || table_map(&table, MAP_PRIVATE) != 0) {
		printf("errno %d\n", errno);
		return 1;
	}
	slot_set(&table, 3, target_data, 0x1234);
	puts(call(&table, 3) == 0x1234 ? "created" : "wrong data");
	return 0;
}
