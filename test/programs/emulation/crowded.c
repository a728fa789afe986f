/*
 * A process with so many mappings that /proc/PID/maps is long, of two kinds in turn so that the kernel does not join them.
 * It asks for memory that is writable and executable, and calls a trampoline there, again and again.
 *
 * usage: crowded COUNT CALLS; prints how many calls arrived, and the letters of the trampolines' page.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

static int called;
static int target(void)
{
	return ++called;
}

/* movabs $target, %r11; movabs $0, %r10; jmp *%r11 */
static void write_trampoline(char *at)
{
	unsigned char bytes[24] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xff, 0xe3, 0x90};
	uintptr_t function = (uintptr_t)target;
	memcpy(bytes + 2, &function, sizeof function);
	memcpy(at, bytes, sizeof bytes);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int calls = argc > 2 ? atoi(argv[2]) : 0;
	char line[512], letters[8] = "none";
	unsigned long start;
	int bytes = 0;
	char *crowd = mmap(NULL, (count + 1) * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (crowd == MAP_FAILED)
		return 1;
	for (size_t n = 1; n < count; n += 2)
		if (mprotect(crowd + n * PAGE, PAGE, PROT_NONE) != 0)
			return 1;
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 1;
	write_trampoline(page);
	for (int times = 0; times < calls; times++)
		((int (*)(void))(uintptr_t)page)();
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		bytes += (int)strlen(line);
		if (sscanf(line, "%lx-%*x %7s", &start, letters) == 2 && start == (unsigned long)page)
			printf("called %d, %s\n", called, letters);
	}
	/* Shorter ones are read at once anywhere. */
	return bytes > 0x10000 ? 0 : 2;
}
