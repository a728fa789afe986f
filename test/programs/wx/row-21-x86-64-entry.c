/*
 * Row 21 the other way round: an i386 program that goes over to 64-bit code and uses the system calls of x86-64. Every
 * process may, since both code segments are there for all.
 */
#define _GNU_SOURCE
#include "segment.h"

#include <sys/personality.h>

static void *written(int64_t result)
{
	return result == -1 ? NULL : write_payload(address_of(result));
}

/* MAP_32BIT: the result has to be an address that the program can name. */
static void *mmap_call(void)
{
	return written(x86_64_call(X86_64_MMAP, 0, PAGE_SIZE, READ_WRITE_EXECUTE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, (uint64_t)-1, 0));
}

static void *made_executable(uint32_t number)
{
	void *page = write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
	return x86_64_call(number, number_of(page), PAGE_SIZE, READ_EXECUTE, (uint64_t)-1, 0, 0) == 0 ? page : NULL;
}

static void *mprotect_call(void)
{
	return made_executable(X86_64_MPROTECT);
}

static void *pkey_mprotect_call(void)
{
	return made_executable(X86_64_PKEY_MPROTECT);
}

/* Over a page of the program, for the same reason as MAP_32BIT. */
static void *attach_x86_64(int segment, uint32_t flags)
{
	void *place = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	return address_of(
		x86_64_call(X86_64_SHMAT, (uint64_t)segment, number_of(place), flags | SHM_REMAP, 0, 0, 0));
}

static void *shmat_once(void)
{
	return attached_once(attach_x86_64);
}

static void *shmat_twice(void)
{
	return attached_twice(attach_x86_64, SHM_RDONLY | SHM_EXEC);
}

static void *personality_call(void)
{
	if (x86_64_call(X86_64_PERSONALITY, READ_IMPLIES_EXEC, 0, 0, 0, 0, 0) == -1)
		return NULL;
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

VARIANTS({"mmap", mmap_call}, {"mprotect", mprotect_call}, {"pkey_mprotect", pkey_mprotect_call},
	 {"shmat", shmat_once}, {"shmat-twice", shmat_twice}, {"personality", personality_call})
