/* System V shared memory for the programs of rows 12 and 13; see shmop(2) and, for the call of i386, ipc(2). */
#ifndef TRAMPFD_TEST_SEGMENT_H
#define TRAMPFD_TEST_SEGMENT_H

#include "attempt.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static inline int new_segment(void)
{
	const int segment = shmget(IPC_PRIVATE, PAGE_SIZE, IPC_CREAT | 0700);
	need(segment >= 0, "shmget");
	return segment;
}

/* It goes when the last mapping of it does. */
static inline void drop_segment(int segment)
{
	const int kept = errno;
	need(shmctl(segment, IPC_RMID, NULL) == 0, "shmctl");
	errno = kept;
}

/* One way to attach a segment. */
typedef void *attach(int segment, uint32_t flags);

static inline void *attach_directly(int segment, uint32_t flags)
{
#ifdef __x86_64__
	return address_of(x86_64_call(X86_64_SHMAT, (uint64_t)segment, 0, flags, 0, 0, 0));
#else
	return address_of(i386_call(I386_SHMAT, (uint64_t)segment, 0, flags, 0, 0, 0));
#endif
}

/* ipc(2) stores the address below 4 GiB, through a pointer; `version` is the upper half of its first argument. */
static inline void *attach_with_ipc(int segment, uint32_t flags, uint32_t version)
{
	uint32_t *address = map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
	if (i386_call(I386_IPC, IPC_CALL_SHMAT | version << 16, (uint64_t)segment, flags, number_of(address), 0, 0) != 0)
		return NULL;
	return (void *)(uintptr_t)*address;
}

/* Row 12: attached once, writable and executable. */
static inline void *attached_once(attach *way)
{
	const int segment = new_segment();
	void *page = way(segment, SHM_EXEC);
	drop_segment(segment);
	return page == NULL ? NULL : write_payload(page);
}

/* Row 13: attached twice, writable and executable apart. */
static inline void *attached_twice(attach *way, uint32_t flags)
{
	const int segment = new_segment();
	void *writable = way(segment, 0);
	need(writable != NULL, "shmat to read and write");
	void *executable = way(segment, flags);
	drop_segment(segment);
	if (executable == NULL)
		return NULL;
	write_payload(writable);
	return executable;
}

#endif
