/*
 * Asks for memory that is writable and executable, again and again: each request is an event of a log. Then it says so, and
 * ends with status 7.
 *
 * usage: flood TIMES
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int count, char **words)
{
	int times = count > 1 ? atoi(words[1]) : 1;
	for (int time = 0; time < times; time++) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED)
			munmap(page, 4096);
	}
	puts("done");
	return 7;
}
