/*
 * Has so many mappings beside its own, of two kinds in turn so that the kernel does not join them, and waits.
 *
 * usage: many_mappings COUNT
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	char *memory = mmap(NULL, (count + 1) * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	for (size_t n = 1; n < count; n += 2)
		if (mprotect(memory + n * 4096, 4096, PROT_NONE) != 0)
			return 1;
	puts("ready");
	fflush(stdout);
	pause();
}
