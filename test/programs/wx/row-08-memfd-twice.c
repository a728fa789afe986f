/* Row 8: a memfd mapped twice, writable and executable, as Debian's libffi does it. */
#define _GNU_SOURCE
#include "file.h"

static void *writable_first(void)
{
	return mapped_twice(memfd_create("row 8", 0), 0);
}

static void *executable_first(void)
{
	return mapped_twice(memfd_create("row 8", 0), 1);
}

/* The executable mapping alone, and the bytes by pwrite(2). */
static void *written(void)
{
	const int descriptor = memfd_create("row 8", 0);
	if (descriptor < 0 || ftruncate(descriptor, PAGE_SIZE) != 0)
		return NULL;
	void *page = map_executable(descriptor, MAP_SHARED);
	return page == NULL || fill(descriptor) < 0 ? NULL : page;
}

/* A private mapping shows what is written to the file, as long as nobody wrote to the mapping. */
static void *written_below_private(void)
{
	const int descriptor = memfd_create("row 8", 0);
	if (descriptor < 0 || ftruncate(descriptor, PAGE_SIZE) != 0)
		return NULL;
	void *page = map_executable(descriptor, MAP_PRIVATE);
	return page == NULL || fill(descriptor) < 0 ? NULL : page;
}

VARIANTS({"writable-first", writable_first}, {"executable-first", executable_first}, {"written", written},
	 {"written-below-private", written_below_private})
