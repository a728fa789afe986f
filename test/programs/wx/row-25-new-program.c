/* Row 25: starting a program that the attacker has written: a file, a memfd, the interpreter of a script or of a program. */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <sys/syscall.h>

/* The bytes of an ordinary program, which exits with RAN; written by us, so they are ours. */
static const char *program(void)
{
	return beside("ordinary");
}

static void *file(void)
{
	const char *path = copied(program());
	return path == NULL ? NULL : start(path);
}

static void *in_shm(void)
{
	const char *path = new_path("/dev/shm"), *copy = copied(program());
	const char *const arguments[] = {"cp", "-p", copy, path, NULL};
	start_with("/bin/cp", (char **)arguments, environ);
	outcome_elsewhere = NULL;
	void *result = start(path);
	unlink(path);
	return result;
}

static int memory_file(void)
{
	const int descriptor = memfd_create("row 25", 0), source = open(program(), O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t length;
	if (descriptor < 0)
		return -1;
	need(source >= 0, "open");
	while ((length = read(source, bytes, sizeof bytes)) > 0)
		need(write(descriptor, bytes, (size_t)length) == length, "write");
	close(source);
	return descriptor;
}

/* execveat(2) of an empty path. */
static void *execveat_memfd(void)
{
	const int descriptor = memory_file();
	if (descriptor < 0)
		return NULL;
	const pid_t child = vfork();
	if (child == 0) {
		errno = 0;
		syscall(SYS_execveat, descriptor, "", (char *[]){"row 25", NULL}, environ, AT_EMPTY_PATH);
		_exit(127);
	}
	const int error = errno;
	int status = 0;
	need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	errno = error;
	return WEXITSTATUS(status) == 127 ? NULL : judge_status(status);
}

static void *memfd_by_path(void)
{
	char path[64];
	const int descriptor = memory_file();
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return descriptor < 0 ? NULL : start(path);
}

/* A file without a name. */
static void *unnamed(void)
{
	char path[64];
	const int descriptor = open(own_folder(), O_TMPFILE | O_RDWR, 0700), source = open(program(), O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t length;
	if (descriptor < 0)
		return NULL;
	while ((length = read(source, bytes, sizeof bytes)) > 0)
		need(write(descriptor, bytes, (size_t)length) == length, "write");
	/* What is open for writing is not executed. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	const int readable = open(path, O_RDONLY);
	close(descriptor);
	snprintf(path, sizeof path, "/proc/self/fd/%d", readable);
	return start(path);
}

static const char *script(const char *interpreter)
{
	const char *path = new_path(own_folder());
	const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	if (descriptor < 0)
		return NULL;
	dprintf(descriptor, "#!%s\n", interpreter);
	close(descriptor);
	return path;
}

/* A new script, with a new program as its interpreter. */
static void *script_interpreter(void)
{
	const char *path = copied(program());
	return path == NULL ? NULL : start(script(path));
}

/* The same from where files may be executed: a script of the system that has its interpreter looked for in PATH. */
static void *environment_interpreter(void)
{
	const char *path = copied(program());
	if (path == NULL)
		return NULL;
	return start_with("/usr/bin/env", (char *[]){"env", (char *)path, NULL}, environ);
}

#ifdef __x86_64__
static char loader[] = "/lib64/ld-linux-x86-64.so.2";
#else
static char loader[] = "/lib/ld-linux.so.2";
#endif

/* The loader, as a program, maps whatever it is told to. */
static void *by_loader(void)
{
	const char *path = copied(program());
	return path == NULL ? NULL : start_with(loader, (char *[]){loader, (char *)path, NULL}, environ);
}

static void *loader_of_memfd(void)
{
	char path[64];
	const int descriptor = memory_file();
	if (descriptor < 0)
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return start_with(loader, (char *[]){loader, path, NULL}, environ);
}

VARIANTS({"file", file}, {"shm", in_shm}, {"execveat-memfd", execveat_memfd}, {"memfd-by-path", memfd_by_path},
	 {"unnamed", unnamed}, {"script-interpreter", script_interpreter},
	 {"environment-interpreter", environment_interpreter}, {"loader", by_loader}, {"loader-of-memfd", loader_of_memfd})
