/*
 * Row 22: the system calls of x32, which are those of x86-64 with bit 30 of the number set. Many kernels are built
 * without them and say ENOSYS.
 */
#define _GNU_SOURCE
#include "segment.h"

#include <sys/personality.h>

static int64_t x32_call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return x86_64_call(number | X32_BIT, a, b, c, d, e, f);
}

static void *mmap_call(void)
{
	void *page = address_of(x32_call(X86_64_MMAP, 0, PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS,
					 (uint64_t)-1, 0));
	return page == NULL ? NULL : write_payload(page);
}

static void *made_executable(uint32_t number)
{
	void *page = write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
	return x32_call(number, number_of(page), PAGE_SIZE, READ_EXECUTE, (uint64_t)-1, 0, 0) == 0 ? page : NULL;
}

static void *mprotect_call(void)
{
	return made_executable(X86_64_MPROTECT);
}

static void *pkey_mprotect_call(void)
{
	return made_executable(X86_64_PKEY_MPROTECT);
}

static void *attach_x32(int segment, uint32_t flags)
{
	return address_of(x32_call(X86_64_SHMAT, (uint64_t)segment, 0, flags, 0, 0, 0));
}

static void *shmat_call(void)
{
	return attached_once(attach_x32);
}

static void *personality_call(void)
{
	if (x32_call(X86_64_PERSONALITY, READ_IMPLIES_EXEC, 0, 0, 0, 0, 0) == -1)
		return NULL;
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

VARIANTS({"mmap", mmap_call}, {"mprotect", mprotect_call}, {"pkey_mprotect", pkey_mprotect_call},
	 {"shmat", shmat_call}, {"personality", personality_call})
