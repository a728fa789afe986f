/* Row 13: a System V shared memory segment attached twice, once writable and once executable. */
#define _GNU_SOURCE
#include "segment.h"

static void *read_only(void)
{
	return attached_twice(attach_directly, SHM_RDONLY | SHM_EXEC);
}

static void *executable(void)
{
	return attached_twice(attach_directly, SHM_EXEC);
}

#ifdef __x86_64__

VARIANTS({"read-only", read_only}, {"executable", executable})

#else

static void *attach_ipc(int segment, uint32_t flags)
{
	return attach_with_ipc(segment, flags, 0);
}

static void *ipc_read_only(void)
{
	return attached_twice(attach_ipc, SHM_RDONLY | SHM_EXEC);
}

VARIANTS({"read-only", read_only}, {"executable", executable}, {"ipc-read-only", ipc_read_only})

#endif
