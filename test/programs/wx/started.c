/*
 * A program that others start: it executes bytes that it writes, without asking for anything, and exits with RAN (0x55)
 * where they run. How it is linked decides where they may: with an executable stack, with a writable text, or (i386)
 * without a word on its stack, which the kernel takes as a wish for all memory to be executable.
 *
 * usage: started stack|data|heap|map|any      where the bytes are; `any` is any page that is writable and executable
 */
#define _GNU_SOURCE
#include "attempt.h"

#include <inttypes.h>

static unsigned char data[PAGE_SIZE] = {1};

/* The end of a mapping that may be written and executed; NULL where there is none. */
static void *any_page(void)
{
	char line[512];
	void *place = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");
	need(maps != NULL, "open /proc/self/maps");
	while (fgets(line, sizeof line, maps) != NULL) {
		uintptr_t to;
		if (sscanf(line, "%*x-%" SCNxPTR " rwx", &to) == 1 && strstr(line, " rwx") != NULL)
			place = (void *)(to - 64);
	}
	fclose(maps);
	return place;
}

int main(int count, char **arguments)
{
	unsigned char stack[64];
	void *place = stack;
	need(count >= 2, "usage");
	if (strcmp(arguments[1], "data") == 0)
		place = data;
	if (strcmp(arguments[1], "heap") == 0)
		place = sbrk(4 * PAGE_SIZE);
	if (strcmp(arguments[1], "map") == 0)
		place = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	if (strcmp(arguments[1], "any") == 0 && (place = any_page()) == NULL)
		return 0;
	return strcmp(execute(write_payload(place)), "EXEC") == 0 ? RAN : 0;
}
