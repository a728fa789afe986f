/*
 * Row 45: a file that a run trusts, and so maps executable, reached by a second way on which it can be written: a hard
 * link, a mount of the same folder elsewhere, a mount inside of the trusted folder, the folder itself moved or exchanged.
 *
 * WX_FOLDER/holder/trusted is the trusted folder of the same user. The file `linked` in it is WX_FOLDER/link as well;
 * `new` in it is a symbolic link to WX_FOLDER/new; WX_FOLDER/alias is the same folder mounted again, and `inner` in it a
 * tmpfs (both only where root set them up).
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

static const char *in_folder(const char *name)
{
	char *path;
	need(asprintf(&path, "%s/%s", own_folder(), name) > 0, "asprintf");
	return path;
}

static const char *trusted(const char *name)
{
	char *path;
	need(asprintf(&path, "%s/holder/trusted/%s", own_folder(), name) > 0, "asprintf");
	return path;
}

/* Maps the trusted file, writes by the other way, looks, and writes the old content back. */
static void *written_by(const char *file, const char *other_way)
{
	void *page = map_executable(open(trusted(file), O_RDONLY | O_CLOEXEC), MAP_SHARED);
	if (page == NULL)
		return NULL;
	const int descriptor = open(other_way, O_RDWR | O_CLOEXEC);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	outcome_elsewhere = execute(page);
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

static void *directly(void)
{
	return written_by("file", trusted("file"));
}

static void *hard_link(void)
{
	return written_by("linked", in_folder("link"));
}

static void *mounted_again(void)
{
	return written_by("file", in_folder("alias/file"));
}

static void *mount_inside(void)
{
	return mapped_twice(new_file(trusted("inner")), 0);
}

static void *new_link(void)
{
	const char *path = new_path(own_folder());
	if (link(trusted("file"), path) != 0)
		return NULL;
	void *page = written_by("file", path);
	unlink(path);
	return page;
}

static void *symbolic_link(void)
{
	const int descriptor = open(in_folder("new"), O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	if (descriptor < 0 || fill(descriptor) < 0)
		return NULL;
	return map_executable(open(trusted("new"), O_RDONLY | O_CLOEXEC), MAP_SHARED);
}

/* The folder above is the attacker's: he moves it, and puts another one at the trusted path. */
static void *replaced(int flags)
{
	const char *holder = in_folder("holder"), *moved = in_folder("moved");
	void *page = NULL;
	mkdir(moved, 0700);
	if (renameat2(AT_FDCWD, moved, AT_FDCWD, holder, (unsigned)flags) != 0)
		return NULL;
	need(mkdir(trusted("."), 0700) == 0 || mkdir(in_folder("holder/trusted"), 0700) == 0, "mkdir");
	page = mapped_twice(new_file(trusted(".")), 0);
	const int kept = errno;
	need(rmdir(in_folder("holder/trusted")) == 0, "rmdir");
	need(renameat2(AT_FDCWD, moved, AT_FDCWD, holder, (unsigned)flags) == 0, "rename back");
	errno = kept;
	return page;
}

static void *exchanged(void)
{
	return replaced(RENAME_EXCHANGE);
}

/* What was at the trusted path, at the place that it was moved to. */
static void *moved_away(void)
{
	const char *holder = in_folder("holder"), *moved = in_folder("elsewhere");
	if (rename(holder, moved) != 0)
		return NULL;
	const int descriptor = open(in_folder("elsewhere/trusted/file"), O_RDWR | O_CLOEXEC);
	const int kept = errno;
	need(rename(moved, holder) == 0, "rename back");
	errno = kept;
	if (descriptor < 0)
		return NULL;
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return written_by("file", path);
}

/* The trusted folder itself under another name, or gone. */
static void *renamed(void)
{
	const char *path = in_folder("renamed");
	if (rename(in_folder("holder/trusted"), path) != 0)
		return NULL;
	void *page = mapped_twice(new_file(path), 0);
	need(rename(path, in_folder("holder/trusted")) == 0, "rename back");
	return page;
}

/* This very program's file. */
static void *own_program(void)
{
	const char *path = copied(beside("ordinary"));
	return path == NULL || rename(path, beside("started-later")) != 0 ? NULL : start(beside("started-later"));
}

static void *replaced_program(void)
{
	const char *path = copied(beside("ordinary")), *program = trusted("program");
	return path == NULL || rename(path, program) != 0 ? NULL : start(program);
}

VARIANTS({"directly", directly}, {"hard-link", hard_link}, {"mounted-again", mounted_again},
	 {"mount-inside", mount_inside}, {"new-link", new_link}, {"symbolic-link", symbolic_link}, {"exchanged", exchanged},
	 {"moved-away", moved_away}, {"renamed", renamed}, {"beside-program", own_program},
	 {"replaced-program", replaced_program})
