/* Row 12: a System V shared memory segment attached writable and executable. */
#define _GNU_SOURCE
#include "segment.h"

static void *directly(void)
{
	return attached_once(attach_directly);
}

#ifdef __x86_64__

/* shmat(2) takes an int: what is above it in the register is not looked at. */
static void *high_bits(void)
{
	const int segment = new_segment();
	void *page = address_of(
		x86_64_call(X86_64_SHMAT, (uint64_t)segment, 0, SHM_EXEC | UINT64_C(1) << 32, 0, 0, 0));
	drop_segment(segment);
	return page == NULL ? NULL : write_payload(page);
}

VARIANTS({"direct", directly}, {"high-bits", high_bits})

#else

static void *attach_ipc(int segment, uint32_t flags)
{
	return attach_with_ipc(segment, flags, 0);
}

static void *through_ipc(void)
{
	return attached_once(attach_ipc);
}

/* Versions above 1 are as good as 0 to the kernel; a filter that compares the whole register is passed by them. */
static void *attach_ipc_version(int segment, uint32_t flags)
{
	return attach_with_ipc(segment, flags, 2);
}

static void *through_ipc_version(void)
{
	return attached_once(attach_ipc_version);
}

VARIANTS({"direct", directly}, {"ipc", through_ipc}, {"ipc-version", through_ipc_version})

#endif
