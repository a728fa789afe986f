/*
 * Row 66: device nodes that are not there when the run starts: made by itself, in every folder that can be written, or
 * opened by another name; and devices that take or make what people type.
 *
 * A node that is made is /dev/zero's, or a disk's: to open it is the outcome OPENED.
 */
#define _GNU_SOURCE
#include "file.h"

#include <sys/sysmacros.h>

/* Makes a node in a folder, opens it, and takes it away. */
static void *made_in(const char *folder, mode_t kind, unsigned major_number, unsigned minor_number)
{
	const char *node = new_path(folder);
	if (mknod(node, kind | 0666, makedev(major_number, minor_number)) != 0)
		return NULL;
	const int descriptor = open(node, (S_ISBLK(kind) ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC), kept = errno;
	unlink(node);
	if (descriptor >= 0) {
		close(descriptor);
		outcome_elsewhere = "OPENED";
	}
	errno = kept;
	return NULL;
}

static void *zero_in(const char *folder)
{
	return made_in(folder, S_IFCHR, 1, 5);
}

static void *made_in_own(void)
{
	return zero_in(own_folder());
}

static void *made_in_devices(void)
{
	return zero_in("/dev");
}

static void *made_in_shared_memory(void)
{
	return zero_in("/dev/shm");
}

static void *made_in_terminals(void)
{
	return zero_in("/dev/pts");
}

static void *made_in_tmp(void)
{
	return zero_in("/tmp");
}

static void *made_in_run(void)
{
	return zero_in("/run");
}

static void *disk_made(void)
{
	return made_in(own_folder(), S_IFBLK, 7, 0);
}

/* A node by its path, or by one of our own where there is none. */
static void *device(const char *path, unsigned major_number, unsigned minor_number)
{
	const int descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (descriptor < 0)
		return errno == ENOENT ? made_in(own_folder(), S_IFCHR, major_number, minor_number) : NULL;
	close(descriptor);
	outcome_elsewhere = "OPENED";
	return NULL;
}

static void *kernel_log(void)
{
	return device("/dev/kmsg", 1, 11);
}

static void *mice(void)
{
	return device("/dev/input/mice", 13, 63);
}

static void *made_input(void)
{
	return device("/dev/uinput", 10, 223);
}

static void *made_human_input(void)
{
	return device("/dev/uhid", 10, 239);
}

static void *other_console(void)
{
	return device("/dev/tty63", 4, 63);
}

static void *screen(void)
{
	return device("/dev/vcs63", 7, 63);
}

static void *new_disk(void)
{
	return device("/dev/loop-control", 10, 237);
}

VARIANTS({"own-folder", made_in_own}, {"dev", made_in_devices}, {"dev-shm", made_in_shared_memory},
	 {"dev-pts", made_in_terminals}, {"tmp", made_in_tmp}, {"run", made_in_run}, {"disk", disk_made}, {"kmsg", kernel_log},
	 {"mice", mice}, {"uinput", made_input}, {"uhid", made_human_input}, {"console", other_console}, {"screen", screen},
	 {"loop-control", new_disk})
