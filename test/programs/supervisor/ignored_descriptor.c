/*
 * mmap(2) of anonymous memory does not look at its descriptor, so a table there changes nothing. Prints what memory that is
 * writable, and memory that is writable and executable, come to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <trampfd.h>

static void try_protection(int protection, const char *name, int descriptor)
{
	void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, descriptor, 0);
	printf("%s: %s\n", name, memory == MAP_FAILED ? strerrorname_np(errno) : "mapped");
}

int main(void)
{
	struct trampfd_info info;
	int descriptor = trampfd(&info);

	printf("table: %s\n", descriptor < 0 ? strerrorname_np(errno) : "created");
	try_protection(PROT_READ | PROT_WRITE, "writable", descriptor);
	try_protection(PROT_READ | PROT_WRITE | PROT_EXEC, "writable and executable", descriptor);
	return 0;
}
