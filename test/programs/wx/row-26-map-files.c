/*
 * Row 26: /proc/self/map_files, whose links are opened again for writing: the executable mapping's own file. It takes
 * CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
 */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <inttypes.h>

static int open_mapping(const char *process, void *page)
{
	char path[96];
	snprintf(path, sizeof path, "/proc/%s/map_files/%" PRIx64 "-%" PRIx64, process, number_of(page),
		 number_of(page) + PAGE_SIZE);
	return open(path, O_RDWR | O_CLOEXEC);
}

static void *written(const char *process, void *page)
{
	if (page == NULL)
		return NULL;
	const int descriptor = open_mapping(process, page);
	return descriptor < 0 || fill(descriptor) < 0 ? NULL : page;
}

/* Shared memory has a file, which no path leads to. */
static void *shared_memory(void)
{
	return written("self", map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1));
}

static void *by_number(void)
{
	char number[16];
	snprintf(number, sizeof number, "%d", (int)getpid());
	return written(number, map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1));
}

static void *file(void)
{
	void *page = file_page(MAP_SHARED);
	if (page == NULL)
		return NULL;
	const int descriptor = open_mapping("self", page);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	const char *result = execute(page);
	need(fill_harmless(descriptor) >= 0, "write back");
	outcome_elsewhere = result;
	return NULL;
}

/* A memfd by its mapping. */
static void *memory_file(void)
{
	const int descriptor = memfd_create("row 26", 0);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	void *page = map(PAGE_SIZE, PROT_READ, MAP_SHARED, descriptor);
	const int reopened = open_mapping("self", page);
	return reopened < 0 ? NULL : map_executable(reopened, MAP_SHARED);
}

VARIANTS({"shared-memory", shared_memory}, {"by-number", by_number}, {"file", file}, {"memfd", memory_file})
