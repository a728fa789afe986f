/*
 * GCC 14's trampolines on the heap, over trampoline tables: the two functions behind -ftrampoline-impl=heap.
 *
 * A pointer to a nested function needs code that loads the frame of the function around it. GCC writes that code on the
 * stack, which has to be executable, or with -ftrampoline-impl=heap has two functions of its runtime library write it to
 * memory that is writable and executable. These are the same two functions, for programs that have neither: link this
 * file, and the linker takes them from here.
 *
 *     gcc-14 -ftrampoline-impl=heap -I TRAMPFD/include -pthread program.c gcc_heap_trampolines.c
 *     trampfd run -- ./a.out                                    (TRAMPFD is the folder of this package)
 *
 * Trampolines are a stack: the compiler deletes the one that it created last in the same thread. So each thread has
 * tables of its own, the next one behind a full one, and needs no lock. Where longjmp(3) leaves a function, its
 * trampolines are not deleted before the thread ends; that is so in GCC's own functions too. As they do, these end the
 * program where no trampoline can be made, for the compiler has no other way to go on. No trampoline can be changed by
 * a stray write, but its two slots can, and so can any pointer to a function.
 *
 * nested_functions.c is a program that uses them as GCC 14's output does.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

/* Where a nested function finds the frame around it, and a register that no function expects anything in. */
#if defined(__x86_64__)
#define STATIC_CHAIN x64_r10
#define SCRATCH x64_r11
#elif defined(__i386__)
#define STATIC_CHAIN x32_ecx
#define SCRATCH x32_eax
#else
#error "trampfd serves programs on x86-64 and i386"
#endif

void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer);
void __gcc_nested_func_ptr_deleted(void);

struct table {
	struct table *below, *above; /* the one that was full before this one was used, and the one for when this one is */
	char *base;                  /* its trampolines */
	size_t code_size, count, used;
	uintptr_t *functions, *chains; /* its slots: trampoline X calls functions[X] with chains[X] */
};

/* The table that this thread's next trampoline is in, unless it is full. */
static __thread struct table *top;

/* A thread's tables end with it: the key has a value in each thread that has a table. */
static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;

static void require(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "gcc_heap_trampolines: cannot %s for a nested function: %s%s\n", what, strerror(errno),
			errno == ENOSYS ? "; start the program as: trampfd run -- PROGRAM" : "");
		abort();
	}
}

/* pwrite(2), again where a signal handler without SA_RESTART has interrupted it. */
static void describe(int fd, const void *descriptor, size_t size, enum trampfd_offsets offset)
{
	ssize_t written;

	do
		written = pwrite(fd, descriptor, size, offset);
	while (written == -1 && errno == EINTR);
	require(written == (ssize_t)size, "describe a trampoline table");
}

static size_t length_of(const struct table *table)
{
	return table->code_size * table->count;
}

static void drop(struct table *table)
{
	munmap(table->base, length_of(table));
	free(table->functions);
	free(table->chains);
	free(table);
}

static void drop_all(void *unused)
{
	struct table *table = top;

	(void)unused;
	top = NULL;
	while (table != NULL && table->above != NULL)
		table = table->above;
	while (table != NULL) {
		struct table *below = table->below;
		drop(table);
		table = below;
	}
}

static void create_thread_key(void)
{
	require(pthread_key_create(&thread_key, drop_all) == 0, "have a table dropped at a thread's end");
}

/* A table behind the full one, which becomes the top. */
static void grow(void)
{
	struct table *table = calloc(1, sizeof *table);
	struct trampfd_info info;
	int fd;

	require(table != NULL, "allocate a trampoline table");
	fd = trampfd(&info);
	require(fd >= 0, "create a trampoline table");
	table->code_size = info.code_size;
	table->count = info.ntrampolines;
	table->functions = calloc(table->count, sizeof *table->functions);
	table->chains = calloc(table->count, sizeof *table->chains);
	require(table->functions != NULL && table->chains != NULL, "allocate a trampoline table");
	struct trampfd_code code = { info.ntrampolines, SCRATCH, (uintptr_t)table->functions };
	struct trampfd_data data = { STATIC_CHAIN, 0, (uintptr_t)table->chains };
	describe(fd, &code, sizeof code, TRAMPFD_CODE);
	describe(fd, &data, sizeof data, TRAMPFD_DATA);
	do
		table->base = mmap(NULL, length_of(table), PROT_READ | PROT_EXEC, MAP_SHARED, fd, info.code_offset);
	while (table->base == MAP_FAILED && errno == EINTR);
	require(table->base != MAP_FAILED, "map a trampoline table");
	close(fd);

	pthread_once(&thread_key_once, create_thread_key);
	require(pthread_setspecific(thread_key, table) == 0, "keep a trampoline table");
	table->below = top;
	if (top != NULL)
		top->above = table;
	top = table;
}

/*
 * The compiler calls it where a function that has nested ones begins: *pointer becomes a pointer by which `function` is
 * called with `chain`, the frame around it.
 */
void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer)
{
	const int saved = errno; /* the source has no call here, so nothing may seem to have happened to it */
	size_t index;

	if (top == NULL)
		grow();
	else if (top->used == top->count && top->above != NULL)
		top = top->above;
	else if (top->used == top->count)
		grow();
	index = top->used++;
	top->functions[index] = (uintptr_t)function;
	top->chains[index] = (uintptr_t)chain;
	*(void **)pointer = top->base + top->code_size * index;
	errno = saved;
}

/*
 * The compiler calls it where that function ends: the trampoline that was created last is gone. A table that becomes
 * empty is kept for when the one below is full again, so that a loop at the border makes no table in each turn.
 */
void __gcc_nested_func_ptr_deleted(void)
{
	const int saved = errno;

	if (top == NULL || top->used == 0) {
		fputs("gcc_heap_trampolines: a nested function's trampoline is deleted that was never created\n", stderr);
		abort();
	}
	top->used--;
	/* Whoever kept the pointer jumps to no place, and not into a frame that is another one's by now. */
	top->functions[top->used] = 0;
	if (top->used == 0 && top->below != NULL) {
		if (top->above != NULL)
			drop(top->above);
		top->above = NULL;
		top = top->below;
	}
	errno = saved;
}
