/*
 * Pointers of every kind that a call may be given.
 */
#ifndef POINTERS_H
#define POINTERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

static long page_size;

/* An address where nothing is, the first byte of a page that cannot be written to, and the last 8 bytes before a hole. */
static char *unmapped, *read_only, *edge;
/* NULL, which the compiler does not know to be NULL. */
static char *volatile null;

/* An address that is the kernel's, and the last 4 bytes of all. */
#define KERNEL_ADDRESS ((char *)(uintptr_t)(sizeof(void *) == 8 ? (uint64_t)-1 << 47 : 0xffffe000u))
#define LAST_ADDRESS ((char *)(UINTPTR_MAX - 3))

TAP_UNUSED static void make_pointers(void)
{
	page_size = sysconf(_SC_PAGESIZE);
	size_t page = (size_t)page_size;
	char *area = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		bail_out("memory: %s", errno_name(errno));
	edge = area + page - 8;
	/* A hole that stays one: no access at all. */
	unmapped = area + page;
	mprotect(unmapped, page, PROT_NONE);
	read_only = area + 2 * page;
	mprotect(read_only, page, PROT_READ);
}

#endif
