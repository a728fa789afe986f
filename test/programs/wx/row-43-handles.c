/* Row 43: files by their handles, open_by_handle_at(2), which no path and so no mount over a path stands before. */
#define _GNU_SOURCE
#include "victim.h"

/* The file of a path once more, on the mount of a folder. */
static int by_handle(const char *path, const char *folder, int flags)
{
	static struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle;
	int mount;
	handle.head.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount, 0) != 0)
		return -1;
	return open_by_handle_at(open(folder, O_RDONLY | O_DIRECTORY), &handle.head, flags);
}

static void *trusted(void)
{
	void *page = file_page(MAP_SHARED);
	if (page == NULL)
		return NULL;
	const int descriptor = by_handle(beside("victim"), "/", O_RDWR | O_CLOEXEC);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	outcome_elsewhere = execute(page);
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

/* A file of the attacker's, on a mount where files may be executed. */
static void *own(void)
{
	const char *path = new_path(own_folder());
	const int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	const int again = by_handle(path, beside("."), O_RDONLY | O_CLOEXEC), kept = errno;
	unlink(path);
	errno = kept;
	return again < 0 ? NULL : map_executable(again, MAP_SHARED);
}

static void *from_system(void)
{
	const char *path = new_path(own_folder());
	const int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	const int again = by_handle(path, "/usr", O_RDONLY | O_CLOEXEC), kept = errno;
	unlink(path);
	errno = kept;
	return again < 0 ? NULL : map_executable(again, MAP_SHARED);
}

VARIANTS({"trusted", trusted}, {"own", own}, {"own-from-system", from_system})
