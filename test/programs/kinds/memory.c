/*
 * Tries to make memory of each kind executable by mprotect: one variant for each way that memory comes about.
 * A policy may allow the kind of one and deny that of another.
 */
#define _GNU_SOURCE
#include "../wx/attempt.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void *make(void *address, uint64_t protection)
{
	return protect(address, protection) == 0 ? address : NULL;
}

static void *anonymous(void)
{
	return make(write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS)), READ_EXECUTE);
}

static void *anonymous_writable(void)
{
	return make(write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS)), READ_WRITE_EXECUTE);
}

static void *anonymous_by_key(void)
{
	void *page = write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
	return protect_with_key(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *shared(void)
{
	return make(write_payload(map_writable(MAP_SHARED | MAP_ANONYMOUS)), READ_EXECUTE);
}

/* The page of a pointer, with the payload in it: stacks and heaps may not begin with a page. */
static void *page_of(unsigned char *bytes)
{
	return (void *)(((uintptr_t)bytes + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1));
}

static void *heap(void)
{
	return make(write_payload(page_of(sbrk(4 * PAGE_SIZE))), READ_EXECUTE);
}

static void *heap_writable(void)
{
	return make(write_payload(page_of(sbrk(4 * PAGE_SIZE))), READ_WRITE_EXECUTE);
}

/* Below the frames of all that is called: those must stay writable. */
static unsigned char *below;

static __attribute__((noinline)) void reach_below(void)
{
	volatile unsigned char frame[16 * PAGE_SIZE];
	frame[0] = 1;
	below = page_of((unsigned char *)frame);
}

static void *stack(void)
{
	reach_below();
	return make(write_payload(below), READ_EXECUTE);
}

/* As the C library does it for a library that wants an executable stack: from the mapping's start. */
static void *stack_growing(void)
{
	reach_below();
	return make(write_payload(below), READ_WRITE_EXECUTE | PROT_GROWSDOWN);
}

/* Runs it here, for the stack ends with the thread. */
static void *use_thread_stack(void *unused)
{
	unsigned char frame[4 * PAGE_SIZE];
	void *address = make(write_payload(page_of(frame)), READ_WRITE_EXECUTE);
	report("thread-stack", address == NULL ? strerrorname_np(errno) : execute(address));
	return unused;
}

static void *thread_stack(void)
{
	pthread_t thread;
	need(pthread_create(&thread, NULL, use_thread_stack, NULL) == 0, "pthread_create");
	pthread_join(thread, NULL);
	return NULL;
}

/* What a file of the system holds: it returns what the payload does. */
static __attribute__((used, noinline)) int trusted(void)
{
	return MAGIC;
}

extern const char __executable_start[];

/* A private mapping of the page of this program's own file that holds trusted(). */
static unsigned char *map_own_file(uint64_t protection)
{
	const int file = open("/proc/self/exe", O_RDONLY);
	need(file >= 0, "open");
	const uintptr_t offset = (uintptr_t)trusted - (uintptr_t)__executable_start;
	void *page = mmap(NULL, PAGE_SIZE, (int)protection, MAP_PRIVATE, file, (off_t)(offset & ~(uintptr_t)(PAGE_SIZE - 1)));
	need(page != MAP_FAILED, "mmap");
	return (unsigned char *)page + offset % PAGE_SIZE;
}

static unsigned char *page_start(unsigned char *address)
{
	return (unsigned char *)((uintptr_t)address & ~(uintptr_t)(PAGE_SIZE - 1));
}

static void *file_as_it_is(void)
{
	unsigned char *function = map_own_file(PROT_READ);
	return make(page_start(function), READ_EXECUTE) == NULL ? NULL : function;
}

/* Nothing was changed, and nothing can be any more; but it could have been while the memory was looked at. */
static void *file_while_writable(void)
{
	unsigned char *function = map_own_file(READ_WRITE);
	return make(page_start(function), READ_EXECUTE) == NULL ? NULL : function;
}

static void *file_changed(void)
{
	unsigned char *function = map_own_file(READ_WRITE);
	write_payload(function);
	need(protect(page_start(function), PROT_READ) == 0, "mprotect");
	return make(page_start(function), READ_EXECUTE) == NULL ? NULL : function;
}

static void *file_writable(void)
{
	unsigned char *function = map_own_file(PROT_READ);
	if (make(page_start(function), READ_WRITE_EXECUTE) == NULL)
		return NULL;
	return write_payload(function);
}

/* One call about two kinds: a page of a file that is as it was, and an anonymous one behind it. */
static void *file_and_anonymous(void)
{
	unsigned char *pages = map(2 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(pages != NULL, "mmap");
	const int file = open("/proc/self/exe", O_RDONLY);
	need(mmap(pages, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == pages, "mmap");
	write_payload(pages + PAGE_SIZE);
	const int64_t result = native_call(NATIVE(MPROTECT), number_of(pages), 2 * PAGE_SIZE, READ_EXECUTE, 0, 0, 0);
	return result == 0 ? pages + PAGE_SIZE : NULL;
}

/* The length reaches from the heap to the end of all addresses: what is not mapped fails, what is has become executable. */
static void *heap_and_beyond(void)
{
	unsigned char *page = write_payload(page_of(sbrk(4 * PAGE_SIZE)));
	const int64_t result = native_call(NATIVE(MPROTECT), number_of(page), 64 * PAGE_SIZE, READ_EXECUTE, 0, 0, 0);
	return result == 0 || errno == ENOMEM ? page : NULL;
}

VARIANTS({"anonymous", anonymous}, {"anonymous-writable", anonymous_writable}, {"anonymous-by-key", anonymous_by_key},
	 {"shared", shared}, {"heap", heap}, {"heap-writable", heap_writable}, {"heap-and-beyond", heap_and_beyond},
	 {"stack", stack}, {"stack-growing", stack_growing}, {"thread-stack", thread_stack},
	 {"file-as-it-is", file_as_it_is}, {"file-while-writable", file_while_writable}, {"file-changed", file_changed},
	 {"file-writable", file_writable}, {"file-and-anonymous", file_and_anonymous})
