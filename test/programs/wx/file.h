/*
 * Files for the attempts: new ones that the program writes, and those that stand beside the program, which a run may
 * trust. A new file lies in the folder that WX_FOLDER names, or in /tmp.
 */
#ifndef TRAMPFD_TEST_FILE_H
#define TRAMPFD_TEST_FILE_H

#include "attempt.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static inline const char *own_folder(void)
{
	const char *folder = getenv("WX_FOLDER");
	return folder == NULL ? "/tmp" : folder;
}

/* The code that stands where payload is to be written: it returns 0. */
static inline void *write_harmless(void *address)
{
	return memcpy(address, "\xb8\0\0\0\0\xc3", 6);
}

/* Has a file of one page, which holds the payload; -1 with errno where it cannot be written. */
static inline int fill(int descriptor)
{
	unsigned char page[PAGE_SIZE] = {0};
	write_payload(page);
	return pwrite(descriptor, page, sizeof page, 0) == sizeof page ? descriptor : -1;
}

static inline int fill_harmless(int descriptor)
{
	unsigned char page[PAGE_SIZE] = {0};
	write_harmless(page);
	return pwrite(descriptor, page, sizeof page, 0) == sizeof page ? descriptor : -1;
}

/* A new path in a folder, of no file yet. */
static inline const char *new_path(const char *folder)
{
	static unsigned count;
	/* What failed before is told by errno. */
	const int before = errno;
	struct stat found;
	char *path;
	/* An earlier process may have had this one's number, and have left a file. */
	do
		need(asprintf(&path, "%s/wx-%d-%u", folder, (int)getpid(), count++) > 0, "asprintf");
	while (lstat(path, &found) == 0);
	errno = before;
	return path;
}

/* A new file that everyone may execute; open for reading and writing, its name gone. -1 with errno. */
static inline int new_file(const char *folder)
{
	const char *path = new_path(folder);
	const int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	if (descriptor >= 0)
		unlink(path);
	return descriptor;
}

/* A file that stands beside the program. */
static inline const char *beside(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned count;
	char *path = paths[count++ % 4];
	const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 64);
	need(length > 0, "readlink /proc/self/exe");
	path[length] = 0;
	strcpy(strrchr(path, '/') + 1, name);
	return path;
}

/* A file's content under a new name, that everyone may execute; NULL with errno. */
static inline const char *copied(const char *from)
{
	const char *path = new_path(own_folder());
	const int source = open(from, O_RDONLY | O_CLOEXEC);
	need(source >= 0, from);
	const int target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	char bytes[65536];
	ssize_t length = target < 0 ? -1 : 0;
	while (target >= 0 && (length = read(source, bytes, sizeof bytes)) > 0)
		need(write(target, bytes, (size_t)length) == length, "write");
	const int kept = errno;
	close(target);
	close(source);
	errno = kept;
	return length < 0 ? NULL : path;
}

/* The first page of a file, mapped to read and execute. */
static inline void *map_executable(int descriptor, uint64_t flags)
{
	return descriptor < 0 ? NULL : map(PAGE_SIZE, READ_EXECUTE, flags, descriptor);
}

/* Way 8: one file, mapped to be written and to be executed; the executable one first or second. */
static inline void *mapped_twice(int descriptor, int executable_first)
{
	void *writable = NULL, *executable = NULL;
	if (descriptor < 0 || ftruncate(descriptor, PAGE_SIZE) != 0)
		return NULL;
	if (executable_first)
		executable = map_executable(descriptor, MAP_SHARED);
	if (executable_first && executable == NULL)
		return NULL;
	writable = map(PAGE_SIZE, READ_WRITE, MAP_SHARED, descriptor);
	if (writable == NULL)
		return NULL;
	if (!executable_first)
		executable = map_executable(descriptor, MAP_SHARED);
	if (executable == NULL)
		return NULL;
	write_payload(writable);
	return executable;
}

#endif
