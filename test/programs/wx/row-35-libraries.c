/* Row 35: code that the loader brings in: libraries that the attacker wrote, and the words that make it look for them. */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <dlfcn.h>

/* A library of the attacker's: its bytes run when it is loaded, and the process exits with RAN. */
static const char *library(void)
{
	return copied(beside("library.so"));
}

static char *variable(const char *name, const char *value)
{
	char *text;
	need(asprintf(&text, "%s=%s", name, value) > 0, "asprintf");
	return text;
}

/* A trusted program with one variable more. */
static void *with_variable(const char *program, const char *name, const char *value)
{
	return value == NULL ? NULL
			     : start_with(program, (char *[]){(char *)program, "nowhere", NULL},
					  (char *[]){variable(name, value), NULL});
}

static void *preloaded(void)
{
	return with_variable(beside("plain"), "LD_PRELOAD", library());
}

static void *audited(void)
{
	return with_variable(beside("plain"), "LD_AUDIT", library());
}

/* A library that the program names, from a folder of the attacker's. */
static void *looked_for(void)
{
	const char *folder = new_path(own_folder()), *path = library();
	char *name;
	if (path == NULL || mkdir(folder, 0700) != 0)
		return NULL;
	need(asprintf(&name, "%s/wanted.so", folder) > 0 && rename(path, name) == 0, "rename");
	return with_variable(beside("wants-library"), "LD_LIBRARY_PATH", folder);
}

/* In this very process. */
static void *opened_here(const char *path)
{
	const pid_t child = fork();
	if (child == 0)
		_exit(dlopen(path, RTLD_NOW) == NULL ? 1 : 2);
	return judge_child(child);
}

static void *opened(void)
{
	const char *path = library();
	return path == NULL ? NULL : opened_here(path);
}

static void *opened_memfd(void)
{
	char path[64], bytes[65536];
	const int descriptor = memfd_create("row 35", 0), source = open(beside("library.so"), O_RDONLY | O_CLOEXEC);
	ssize_t length;
	if (descriptor < 0)
		return NULL;
	while ((length = read(source, bytes, sizeof bytes)) > 0)
		need(write(descriptor, bytes, (size_t)length) == length, "write");
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return opened_here(path);
}

/* A trusted library whose header asks for an executable stack: the loader makes every stack so. */
static void *wants_stack(void)
{
	const pid_t child = fork();
	if (child == 0) {
		unsigned char bytes[64];
		if (dlopen(beside("stack.so"), RTLD_NOW) == NULL)
			_exit(1);
		_exit(strcmp(execute(write_payload(bytes)), "EXEC") == 0 ? RAN : 0);
	}
	return judge_child(child);
}

VARIANTS({"preload", preloaded}, {"audit", audited}, {"library-path", looked_for}, {"dlopen", opened},
	 {"dlopen-memfd", opened_memfd}, {"dlopen-stack", wants_stack})
