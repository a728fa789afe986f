/*
 * libffi's closures, over trampoline tables: ffi_closure_alloc, ffi_prep_closure_loc and ffi_closure_free under their
 * own names, so that a program, or a library like Python's ctypes, uses them without a change.
 *
 *     cc -I TRAMPFD/include program.c libffi_closures.c -lffi                     (linked to a program)
 *     cc -I TRAMPFD/include -shared -fPIC -o libffi_closures.so libffi_closures.c -Wl,--no-as-needed -lffi
 *     trampfd run -- env LD_PRELOAD=$PWD/libffi_closures.so PROGRAM               (or put before it)
 *
 * libffi's own code of a closure loads the address of the closure into r10 and jumps to a handler, which takes the call
 * apart. That is what a trampoline of a table does: its code slot holds the handler, and its data slot the closure. Which
 * handler it is depends on the arguments, and only libffi knows: it is asked to prepare a closure in ordinary memory,
 * from where the handler's address is read and nothing is ever called. Closures are called at one address and written at
 * another, no page has both, and what is written is data.
 *
 * Where nobody answers trampfd(), everything goes to libffi's own functions. closures.c is a program that uses all three.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ffi.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

#if !defined(__x86_64__) || defined(__ILP32__)
#error "where libffi keeps the handler is known here for x86-64 only"
#endif

/*
 * The code that libffi 3.3 and later write for a closure: endbr64; lea -11(%rip), %r10, which is the closure; jmp *7(%rip),
 * which is the word behind these 24 bytes; a filler. Earlier ones set the carry flag too, which no table does.
 */
static const unsigned char closure_code[24] = {
	0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8d, 0x15, 0xf5, 0xff, 0xff, 0xff, 0xff,
	0x25, 0x07, 0x00, 0x00, 0x00, 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00,
};
_Static_assert(FFI_TRAMPOLINE_SIZE == sizeof closure_code + sizeof(uintptr_t), "libffi 3.3 or later is needed");

typedef void closure_function(ffi_cif *, void *, void **, void *);

/* libffi's own functions, found when the first one of ours is called. */
static struct {
	void *(*alloc)(size_t, void **);
	ffi_status (*prepare)(ffi_closure *, ffi_cif *, closure_function *, void *, void *);
	void (*free)(void *);
} stock;

/* Whether somebody answers trampfd(): decided once, for what one function allocates another must free. */
static int is_served;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A place in a table: for a closure, or on the list of those that are free. */
struct place {
	struct table *table;
	struct place *next_free;
};

struct table {
	struct table *next;
	char *base; /* its trampolines */
	size_t code_size, count;
	uintptr_t *handlers, *closures; /* its slots: trampoline X calls handlers[X] with closures[X] */
	struct place places[];
};

/* What stands in memory before each closure; as long as malloc(3) aligns. */
struct allocation {
	_Alignas(16) struct place *place;
	char closure[];
};

/* Tables are never given back, for closures come and go in no order; the places in them are. */
static struct table *tables;
static struct place *free_places;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void look_around(void)
{
	struct trampfd_info info;
	int fd;

	*(void **)&stock.alloc = dlsym(RTLD_NEXT, "ffi_closure_alloc");
	*(void **)&stock.prepare = dlsym(RTLD_NEXT, "ffi_prep_closure_loc");
	*(void **)&stock.free = dlsym(RTLD_NEXT, "ffi_closure_free");
	if (stock.alloc == NULL || stock.prepare == NULL || stock.free == NULL) {
		fputs("libffi_closures: libffi is no shared library here; link with -Wl,--no-as-needed -lffi\n", stderr);
		abort();
	}
	fd = trampfd(&info);
	is_served = fd >= 0;
	if (fd >= 0)
		close(fd);
}

/* Where a trampoline goes that has no closure, or none any more. */
static void no_closure(void)
{
	fputs("libffi_closures: a closure was called that is not prepared, or freed\n", stderr);
	abort();
}

static size_t index_of(const struct place *place)
{
	return (size_t)(place - place->table->places);
}

/* Puts a place on the list of the free ones. */
static void release(struct place *place)
{
	place->table->handlers[index_of(place)] = (uintptr_t)no_closure;
	place->next_free = free_places;
	free_places = place;
}

/* pwrite(2), again where a signal handler without SA_RESTART has interrupted it. 0, or -1 with errno. */
static int describe(int fd, const void *descriptor, size_t size, enum trampfd_offsets offset)
{
	ssize_t written;

	do
		written = pwrite(fd, descriptor, size, offset);
	while (written == -1 && errno == EINTR);
	return written == (ssize_t)size ? 0 : -1;
}

/* Has the table's code made and mapped. 0, or -1 with errno. */
static int map(int fd, const struct trampfd_info *info, struct table *table)
{
	const struct trampfd_code code = { info->ntrampolines, x64_r11, (uintptr_t)table->handlers };
	const struct trampfd_data data = { x64_r10, 0, (uintptr_t)table->closures };
	const size_t length = (size_t)info->code_size * info->ntrampolines;

	if (describe(fd, &code, sizeof code, TRAMPFD_CODE) != 0 || describe(fd, &data, sizeof data, TRAMPFD_DATA) != 0)
		return -1;
	do
		table->base = mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_SHARED, fd, info->code_offset);
	while (table->base == MAP_FAILED && errno == EINTR);
	return table->base == MAP_FAILED ? -1 : 0;
}

/* Another table, whose places are all free. 0, or -1 with errno. */
static int grow(void)
{
	struct trampfd_info info;
	struct table *table;
	int fd = trampfd(&info);

	if (fd < 0)
		return -1;
	table = calloc(1, sizeof *table + info.ntrampolines * sizeof *table->places);
	if (table != NULL) {
		table->code_size = info.code_size;
		table->count = info.ntrampolines;
		table->handlers = calloc(table->count, sizeof *table->handlers);
		table->closures = calloc(table->count, sizeof *table->closures);
	}
	if (table == NULL || table->handlers == NULL || table->closures == NULL || map(fd, &info, table) != 0) {
		if (table != NULL) {
			free(table->handlers);
			free(table->closures);
		}
		free(table);
		close(fd);
		return -1;
	}
	close(fd);
	for (size_t index = table->count; index-- > 0;) {
		table->places[index].table = table;
		release(&table->places[index]);
	}
	table->next = tables;
	tables = table;
	return 0;
}

/* A closure of `size` bytes, and in *code the address that it is called at; NULL when that cannot be had. */
void *ffi_closure_alloc(size_t size, void **code)
{
	struct allocation *allocation;
	struct place *place = NULL;

	pthread_once(&once, look_around);
	if (!is_served)
		return stock.alloc(size, code);
	if (code == NULL || size > SIZE_MAX - sizeof *allocation)
		return NULL;
	allocation = calloc(1, sizeof *allocation + size);
	if (allocation == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	if (free_places != NULL || grow() == 0) {
		place = free_places;
		free_places = place->next_free;
	}
	pthread_mutex_unlock(&lock);
	if (place == NULL) {
		free(allocation);
		return NULL;
	}
	place->table->closures[index_of(place)] = (uintptr_t)allocation->closure;
	allocation->place = place;
	*code = place->table->base + place->table->code_size * index_of(place);
	return allocation->closure;
}

void ffi_closure_free(void *closure)
{
	pthread_once(&once, look_around);
	if (!is_served) {
		stock.free(closure);
		return;
	}
	if (closure == NULL)
		return;
	struct allocation *allocation = (struct allocation *)((char *)closure - offsetof(struct allocation, closure));
	pthread_mutex_lock(&lock);
	release(allocation->place);
	pthread_mutex_unlock(&lock);
	free(allocation);
}

/* The slot of the handler of what is called at an address; NULL where no trampoline of ours is. */
static uintptr_t *handler_at(const char *code)
{
	uintptr_t *handler = NULL;

	pthread_mutex_lock(&lock);
	for (struct table *table = tables; table != NULL && handler == NULL; table = table->next)
		if (code >= table->base && code < table->base + table->code_size * table->count)
			handler = &table->handlers[(size_t)(code - table->base) / table->code_size];
	pthread_mutex_unlock(&lock);
	return handler;
}

ffi_status ffi_prep_closure_loc(ffi_closure *closure, ffi_cif *cif, closure_function *function, void *user_data, void *code)
{
	uintptr_t *slot, handler;
	ffi_closure prepared;
	ffi_status status;

	pthread_once(&once, look_around);
	slot = is_served ? handler_at(code) : NULL;
	if (slot == NULL)
		return stock.prepare(closure, cif, function, user_data, code); /* a program's own memory for its code */
	memset(&prepared, 0, sizeof prepared);
	status = stock.prepare(&prepared, cif, function, user_data, &prepared);
	if (status != FFI_OK)
		return status;
	if (memcmp(prepared.tramp, closure_code, sizeof closure_code) != 0)
		return FFI_BAD_ABI;
	memcpy(&handler, prepared.tramp + sizeof closure_code, sizeof handler);
	closure->cif = cif;
	closure->fun = function;
	closure->user_data = user_data;
	__atomic_store_n(slot, handler, __ATOMIC_RELEASE); /* last: until then a call says that nothing is prepared */
	return FFI_OK;
}
