/* Row 11: remap_file_pages(2) brings another page of a file into a mapping that is shared and executable. */
#define _GNU_SOURCE
#include "file.h"

#include <sys/syscall.h>

/* The bytes are in the second page; the first one is mapped. */
static void *remapped(int descriptor)
{
	if (descriptor < 0 || ftruncate(descriptor, 2 * PAGE_SIZE) != 0)
		return NULL;
	unsigned char page[PAGE_SIZE] = {0};
	write_payload(page);
	need(pwrite(descriptor, page, sizeof page, PAGE_SIZE) == sizeof page, "pwrite");
	void *executable = map_executable(descriptor, MAP_SHARED);
	if (executable == NULL || syscall(SYS_remap_file_pages, executable, PAGE_SIZE, 0, 1, 0) != 0)
		return NULL;
	return executable;
}

static void *memory_file(void)
{
	return remapped(memfd_create("row 11", 0));
}

static void *file(void)
{
	return remapped(new_file(own_folder()));
}

/*
 * Shared memory without a file has pages too: the second one is made writable, which takes execution away from it, and is
 * brought into the first one's place.
 */
static void *anonymous(void)
{
	char *page = map(2 * PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (page == NULL || protect(page + PAGE_SIZE, READ_WRITE) != 0)
		return NULL;
	write_payload(page + PAGE_SIZE);
	return syscall(SYS_remap_file_pages, page, PAGE_SIZE, 0, 1, 0) == 0 ? page : NULL;
}

VARIANTS({"memfd", memory_file}, {"file", file}, {"anonymous", anonymous})
