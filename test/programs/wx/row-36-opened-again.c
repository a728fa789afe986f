/*
 * Row 36: files that are trusted, opened for writing by the links of /proc, by a change of their permissions, or by a
 * descriptor that cannot write at first.
 */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

/* Writes to the trusted file by a descriptor, where the same file is mapped executable, and puts it back. */
static void *written(int descriptor)
{
	void *page = file_page(MAP_SHARED);
	if (descriptor < 0 || page == NULL || fill(descriptor) < 0)
		return NULL;
	outcome_elsewhere = execute(page);
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

static int again(int descriptor, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return descriptor < 0 ? -1 : open(path, flags | O_CLOEXEC);
}

static void *by_path(void)
{
	return written(open(beside("victim"), O_RDWR | O_CLOEXEC));
}

static void *by_reader(void)
{
	return written(again(open(beside("victim"), O_RDONLY | O_CLOEXEC), O_RDWR));
}

static void *by_place(void)
{
	return written(again(open(beside("victim"), O_PATH | O_CLOEXEC), O_RDWR));
}

/* Whose file it is may change who can write it. */
static void *made_writable(void)
{
	const char *path = beside("victim");
	struct stat before;
	need(stat(path, &before) == 0, "stat");
	if (chmod(path, 0777) != 0)
		return NULL;
	void *result = written(open(path, O_RDWR | O_CLOEXEC));
	chmod(path, before.st_mode & 0777);
	return result;
}

/* A file that loses its bytes first. */
static void *truncated(void)
{
	return truncate(beside("victim"), 0) != 0 ? NULL : written(open(beside("victim"), O_RDWR | O_CLOEXEC));
}

/* The program's own file: while it runs it is ETXTBSY, for the kernel knows. */
static void *own_program(void)
{
	const int descriptor = open("/proc/self/exe", O_RDWR | O_CLOEXEC);
	return descriptor < 0 ? NULL : written(descriptor);
}

/* A shared mapping that was made to be read, and may be written where its descriptor could. */
static void *mapping(void)
{
	const int descriptor = open(beside("victim"), O_RDWR | O_CLOEXEC);
	void *page = descriptor < 0 ? NULL : map_executable(descriptor, MAP_SHARED);
	if (page == NULL || protect(page, READ_WRITE) != 0)
		return NULL;
	write_payload(page);
	void *second = map_executable(descriptor, MAP_SHARED);
	outcome_elsewhere = second == NULL ? strerrorname_np(errno) : execute(second);
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

VARIANTS({"path", by_path}, {"reader", by_reader}, {"place", by_place}, {"permission", made_writable},
	 {"truncate", truncated}, {"own-program", own_program}, {"mapping", mapping})
