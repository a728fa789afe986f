/*
 * Belongs to root and has the bit set-user-ID: what it does takes root's privilege, which it has not where the bit is
 * ignored. Exits with RAN (0x55) where its bytes ran, else with an errno.
 *
 * usage: set-user mount|open_tree|map_files
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <inttypes.h>
#include <sched.h>
#include <sys/mount.h>

static void *mounted(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/mnt", "tmpfs", 0, NULL) != 0)
		return NULL;
	return mapped_twice(new_file("/mnt"), 0);
}

static void *cloned(void)
{
	const int tree = (int)syscall(SYS_open_tree, AT_FDCWD, own_folder(), 1 /* OPEN_TREE_CLONE */);
	return tree < 0 ? NULL : mapped_twice(openat(tree, ".", O_TMPFILE | O_RDWR, 0700), 0);
}

static void *by_mapping(void)
{
	char path[96];
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1);
	snprintf(path, sizeof path, "/proc/self/map_files/%" PRIx64 "-%" PRIx64, number_of(page), number_of(page) + PAGE_SIZE);
	const int descriptor = page == NULL ? -1 : open(path, O_RDWR);
	return descriptor < 0 || fill(descriptor) < 0 ? NULL : page;
}

int main(int count, char **arguments)
{
	const char *what = count == 2 ? arguments[1] : "";
	if (geteuid() != 0)
		return EPERM;
	void *page = strcmp(what, "mount") == 0 ? mounted() : strcmp(what, "open_tree") == 0 ? cloned() : by_mapping();
	return page == NULL ? errno : strcmp(execute(page), "EXEC") == 0 ? RAN : 0;
}
