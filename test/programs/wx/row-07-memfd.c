/* Row 7: a memfd that is written and then mapped executable. */
#define _GNU_SOURCE
#include "file.h"

/* linux/memfd.h; headers of older C libraries lack them. */
enum { NOEXEC_SEAL = 8, EXECUTABLE = 16, HUGE_2MB = 21 << 26 };

static void *mapped_after(unsigned flags, uint64_t how)
{
	const int descriptor = memfd_create("row 7", flags);
	return descriptor < 0 || fill(descriptor) < 0 ? NULL : map_executable(descriptor, how);
}

static void *private_mapping(void)
{
	return mapped_after(0, MAP_PRIVATE);
}

static void *shared_mapping(void)
{
	return mapped_after(0, MAP_SHARED);
}

static void *noexec_seal(void)
{
	return mapped_after(NOEXEC_SEAL, MAP_SHARED);
}

static void *executable(void)
{
	return mapped_after(EXECUTABLE, MAP_SHARED);
}

/* What a careful program does: nobody can write the file any more. */
static void *sealed(void)
{
	const int descriptor = memfd_create("row 7", MFD_ALLOW_SEALING);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return NULL;
	return map_executable(descriptor, MAP_SHARED);
}

/* Mapped so that it can be read alone, and made executable afterwards. */
static void *then_mprotect(void)
{
	const int descriptor = memfd_create("row 7", 0);
	void *page = descriptor < 0 || fill(descriptor) < 0 ? NULL : map(PAGE_SIZE, PROT_READ, MAP_SHARED, descriptor);
	return page == NULL || protect(page, READ_EXECUTE) != 0 ? NULL : page;
}

/* The same file by another description of it. */
static void *reopened(void)
{
	const int descriptor = memfd_create("row 7", 0);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	return map_executable(open(path, O_RDONLY), MAP_SHARED);
}

/* By the call's number in the other width: a filter must know both. */
#ifdef __x86_64__
static void *other_entry(void)
{
	char *name = map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
	const int descriptor = (int)i386_call(I386_MEMFD_CREATE, number_of(name), 0, 0, 0, 0, 0);
	return descriptor < 0 || fill(descriptor) < 0 ? NULL : map_executable(descriptor, MAP_SHARED);
}
#else
static void *other_entry(void)
{
	const int descriptor = (int)x86_64_call(X86_64_MEMFD_CREATE, number_of("row 7"), 0, 0, 0, 0, 0);
	return descriptor < 0 || fill(descriptor) < 0 ? NULL : map_executable(descriptor, MAP_SHARED);
}
#endif

/* Huge pages have a file system of their own. */
static void *huge(void)
{
	const size_t length = 2 << 20;
	const int descriptor = memfd_create("row 7", MFD_HUGETLB | HUGE_2MB);
	if (descriptor < 0 || ftruncate(descriptor, (off_t)length) != 0)
		return NULL;
	void *writable = map(length, READ_WRITE, MAP_SHARED, descriptor);
	if (writable == NULL)
		return NULL;
	write_payload(writable);
	return map(length, READ_EXECUTE, MAP_SHARED, descriptor);
}

VARIANTS({"private", private_mapping}, {"shared", shared_mapping}, {"noexec-seal", noexec_seal},
	 {"executable", executable}, {"sealed", sealed}, {"then-mprotect", then_mprotect}, {"reopened", reopened},
	 {"other-entry", other_entry}, {"huge", huge})
