/*
 * Row 31: shared memory without a file that is executable from the beginning, which writes nothing, and whose pages are
 * then made writable at another address. No call asks for both, and none adds execution to what is there.
 */
#define _GNU_SOURCE
#include "child.h"

#include <fcntl.h>

static void *shared_executable(uint64_t flags)
{
	return map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS | flags, -1);
}

/* The second mapping of a page, at an old size of 0, becomes the writable one. */
static void *duplicated(void *page)
{
	if (page == NULL)
		return NULL;
	void *second = address_of(native_call(NATIVE(MREMAP), number_of(page), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	if (second == NULL || protect(second, READ_WRITE) != 0)
		return NULL;
	write_payload(second);
	return page;
}

static void *with_mremap(void)
{
	return duplicated(shared_executable(0));
}

static void *with_mremap_validated(void)
{
	return duplicated(map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1));
}

static void *execute_alone(void)
{
	return duplicated(map(PAGE_SIZE, PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1));
}

static void *device_zero(void)
{
	const int descriptor = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return descriptor < 0 ? NULL : duplicated(map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED, descriptor));
}

/* A child has the same page, and protections of its own. */
static void *with_fork(void)
{
	void *page = shared_executable(0);
	if (page == NULL)
		return NULL;
	struct shared_result *result = share_result();
	const pid_t child = fork();
	if (child == 0) {
		if (protect(page, READ_WRITE) == 0)
			write_payload(page);
		else
			result->error = errno;
		_exit(0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	errno = result->error;
	return errno == 0 ? page : NULL;
}

/* Made writable, written, and brought back by leaving the first mapping as it is. */
static void *with_key(void)
{
	void *page = shared_executable(0);
	if (page == NULL)
		return NULL;
	void *second = address_of(native_call(NATIVE(MREMAP), number_of(page), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	if (second == NULL || protect_with_key(second, READ_WRITE) != 0)
		return NULL;
	write_payload(second);
	return page;
}

#ifdef __x86_64__
static void *other_entry(void)
{
	return duplicated(address_of(
		i386_call(I386_MMAP2, 0, PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, (uint64_t)-1, 0)));
}

static void *old_mmap(void)
{
	struct old_mmap_arguments *block = map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
	*block = (struct old_mmap_arguments){0, PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1, 0};
	return duplicated(address_of(i386_call(I386_OLD_MMAP, number_of(block), 0, 0, 0, 0, 0)));
}
#else
static void *other_entry(void)
{
	return duplicated(address_of(x86_64_call(X86_64_MMAP, 0, PAGE_SIZE, READ_EXECUTE,
						 MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, (uint64_t)-1, 0)));
}

static void *old_mmap(void)
{
	struct old_mmap_arguments *block = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	*block = (struct old_mmap_arguments){0, PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1, 0};
	return duplicated(address_of(i386_call(I386_OLD_MMAP, number_of(block), 0, 0, 0, 0, 0)));
}
#endif

static void *huge(void)
{
	const uint64_t length = 2 << 20;
	void *page = map(length, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (page == NULL)
		return NULL;
	void *second = address_of(native_call(NATIVE(MREMAP), number_of(page), 0, length, MREMAP_MAYMOVE, 0, 0));
	if (second == NULL || native_call(NATIVE(MPROTECT), number_of(second), length, READ_WRITE, 0, 0, 0) != 0)
		return NULL;
	write_payload(second);
	return page;
}

/*
 * The same with private memory, where a page is shared only until it is written: the writer gets a copy, so the other
 * mapping goes on as it was. The kernel answers EINVAL to an old size of 0 there.
 */
static void *private_memory(void)
{
	return duplicated(map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

VARIANTS({"mremap", with_mremap}, {"mremap-validated", with_mremap_validated}, {"execute-alone", execute_alone},
	 {"key", with_key}, {"fork", with_fork}, {"device-zero", device_zero}, {"other-entry", other_entry},
	 {"old-mmap", old_mmap}, {"huge", huge}, {"private", private_memory})
