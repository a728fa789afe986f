/*
 * Row 23: starting a file whose header asks for an executable stack, or (i386) says nothing of its stack, for which the
 * kernel makes all memory executable. One lies beside this program, among the files that a run trusts; others are copies,
 * which the program has made itself.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <pthread.h>
#include <sys/prctl.h>

static void *run(const char *path, const char *where)
{
	return path == NULL ? NULL : start_with(path, (char *[]){(char *)path, (char *)where, NULL}, environ);
}

static void *trusted(void)
{
	return run(beside("executable-stack"), "stack");
}

static void *copy(void)
{
	return run(copied(beside("executable-stack")), "stack");
}

/* A program that nobody but the kernel can read: no descriptor shows its header. */
static void *unreadable(void)
{
	return run(beside("unreadable"), "stack");
}

/* By its descriptor. */
static void *by_descriptor(void)
{
	const int descriptor = open(beside("executable-stack"), O_PATH);
	char number[32];
	snprintf(number, sizeof number, "/proc/self/fd/%d", descriptor);
	return run(number, "stack");
}

/* By a link of its own. */
static void *by_link(void)
{
	const char *path = new_path(own_folder());
	return symlink(beside("executable-stack"), path) == 0 ? run(path, "stack") : NULL;
}

/* As the interpreter of a script. */
static void *by_script(void)
{
	return run(beside("script"), "stack");
}

/* The loader itself looks at the header then, and asks for the stack. */
static void *by_loader(void)
{
#ifdef __x86_64__
	char *loader = "/lib64/ld-linux-x86-64.so.2";
#else
	char *loader = "/lib/ld-linux.so.2";
#endif
	return start_with(loader, (char *[]){loader, (char *)beside("executable-stack"), "stack", NULL}, environ);
}

/* Replaces a process that nobody of the same user may look at. */
static void *from_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	return trusted();
}

/* Without a child in between: the process itself, with a thread that is not the first one. */
static void *thread(void *argument)
{
	(void)argument;
	const char *path = beside("executable-stack");
	execl(path, path, "stack", NULL);
	return NULL;
}

static void *from_thread(void)
{
	const pid_t child = fork();
	if (child == 0) {
		pthread_t other;
		pthread_create(&other, NULL, thread, NULL);
		pthread_join(other, NULL);
		_exit(errno == 0 ? 1 : errno);
	}
	return judge_child(child);
}

/* Through the other entry of the kernel. */
static void *other_entry(void)
{
	const char *path = beside("executable-stack");
	const pid_t child = fork();
	if (child == 0) {
#ifdef __x86_64__
		char *low = map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
		uint32_t *arguments = (uint32_t *)(low + 2048);
		strcpy(low, path);
		strcpy(low + 1024, "stack");
		arguments[0] = (uint32_t)number_of(low);
		arguments[1] = (uint32_t)number_of(low + 1024);
		i386_call(I386_EXECVE, number_of(low), number_of(arguments), 0, 0, 0, 0);
#else
		const uint64_t arguments[] = {number_of(path), number_of("stack"), 0};
		x86_64_call(X86_64_EXECVE, number_of(path), number_of(arguments), 0, 0, 0, 0);
#endif
		_exit(1);
	}
	return judge_child(child);
}

static void *persona(const char *where)
{
	return run(beside("unmarked"), where);
}

static void *persona_stack(void)
{
	return persona("stack");
}

static void *persona_heap(void)
{
	return persona("heap");
}

static void *persona_map(void)
{
	return persona("map");
}

static void *persona_data(void)
{
	return persona("data");
}

VARIANTS({"trusted", trusted}, {"copy", copy}, {"unreadable", unreadable}, {"by-descriptor", by_descriptor},
	 {"by-link", by_link}, {"by-script", by_script}, {"by-loader", by_loader}, {"from-undumpable", from_undumpable},
	 {"from-thread", from_thread}, {"other-entry", other_entry}, {"unmarked-stack", persona_stack},
	 {"unmarked-heap", persona_heap}, {"unmarked-map", persona_map}, {"unmarked-data", persona_data})
