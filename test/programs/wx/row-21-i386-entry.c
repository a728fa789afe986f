/* Row 21: a 64-bit program that uses the system calls of i386 (`int $0x80`), which have numbers of their own. */
#define _GNU_SOURCE
#include "segment.h"

#include <sys/personality.h>

/* Memory that an address of 32 bits reaches. */
static void *low_memory(void)
{
	return map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
}

static void *written(int64_t result)
{
	return result == -1 ? NULL : write_payload(address_of(result));
}

static void *mmap2(void)
{
	return written(i386_call(I386_MMAP2, 0, PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS,
				 (uint64_t)-1, 0));
}

static void *mmap2_high_bits(void)
{
	return written(i386_call(I386_MMAP2, 0, PAGE_SIZE, READ_WRITE_EXECUTE | UINT64_C(1) << 32,
				 MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0));
}

static void *old_mmap(void)
{
	struct old_mmap_arguments *block = low_memory();
	*block = (struct old_mmap_arguments){0, PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
	return written(i386_call(I386_OLD_MMAP, number_of(block), 0, 0, 0, 0, 0));
}

static void *made_executable(uint32_t number, uint64_t protection)
{
	void *page = write_payload(low_memory());
	return i386_call(number, number_of(page), PAGE_SIZE, protection, (uint64_t)-1, 0, 0) == 0 ? page : NULL;
}

static void *mprotect_call(void)
{
	return made_executable(I386_MPROTECT, READ_EXECUTE);
}

static void *mprotect_high_bits(void)
{
	return made_executable(I386_MPROTECT, READ_EXECUTE | UINT64_C(1) << 32);
}

static void *pkey_mprotect_call(void)
{
	return made_executable(I386_PKEY_MPROTECT, READ_EXECUTE);
}

static void *attach_ipc(int segment, uint32_t flags)
{
	return attach_with_ipc(segment, flags, 0);
}

static void *ipc_once(void)
{
	return attached_once(attach_ipc);
}

static void *ipc_twice(void)
{
	return attached_twice(attach_ipc, SHM_RDONLY | SHM_EXEC);
}

static void *attach_ipc_version(int segment, uint32_t flags)
{
	return attach_with_ipc(segment, flags, 2);
}

static void *ipc_version(void)
{
	return attached_once(attach_ipc_version);
}

static void *attach_direct(int segment, uint32_t flags)
{
	return address_of(i386_call(I386_SHMAT, (uint64_t)segment, 0, flags, 0, 0, 0));
}

static void *shmat_once(void)
{
	return attached_once(attach_direct);
}

static void *shmat_twice(void)
{
	return attached_twice(attach_direct, SHM_RDONLY | SHM_EXEC);
}

static void *personality_call(void)
{
	if (i386_call(I386_PERSONALITY, READ_IMPLIES_EXEC, 0, 0, 0, 0, 0) == -1)
		return NULL;
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

VARIANTS({"mmap2", mmap2}, {"mmap2-high-bits", mmap2_high_bits}, {"old-mmap", old_mmap}, {"mprotect", mprotect_call},
	 {"mprotect-high-bits", mprotect_high_bits}, {"pkey_mprotect", pkey_mprotect_call}, {"ipc", ipc_once},
	 {"ipc-twice", ipc_twice}, {"ipc-version", ipc_version}, {"shmat", shmat_once}, {"shmat-twice", shmat_twice},
	 {"personality", personality_call})
