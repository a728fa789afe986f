/*
 * Row 33: io_uring(7), whose calls no filter sees: reads into executable memory, with buffers registered before and after
 * it was executable, writes to files that are mapped so, and files that it opens itself.
 */
#define _GNU_SOURCE
#include "victim.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static struct {
	int descriptor;
	char *submitted, *completed;
	struct io_uring_sqe *entries;
	struct io_uring_params parameters;
} ring;

static int set_up(void)
{
	ring.parameters = (struct io_uring_params){0};
	ring.descriptor = (int)syscall(SYS_io_uring_setup, 4, &ring.parameters);
	if (ring.descriptor < 0)
		return -1;
	const struct io_sqring_offsets *sq = &ring.parameters.sq_off;
	const struct io_cqring_offsets *cq = &ring.parameters.cq_off;
	ring.submitted = mmap(NULL, sq->array + ring.parameters.sq_entries * 4, READ_WRITE, MAP_SHARED, ring.descriptor,
			      IORING_OFF_SQ_RING);
	ring.completed = mmap(NULL, cq->cqes + ring.parameters.cq_entries * sizeof(struct io_uring_cqe), READ_WRITE,
			      MAP_SHARED, ring.descriptor, IORING_OFF_CQ_RING);
	ring.entries = mmap(NULL, ring.parameters.sq_entries * sizeof *ring.entries, READ_WRITE, MAP_SHARED,
			    ring.descriptor, IORING_OFF_SQES);
	need(ring.submitted != MAP_FAILED && ring.completed != MAP_FAILED && (void *)ring.entries != MAP_FAILED, "mmap");
	return 0;
}

/* Does one operation and waits for it: its result, or -1 with errno. */
static int done(struct io_uring_sqe operation)
{
	volatile unsigned *tail = (void *)(ring.submitted + ring.parameters.sq_off.tail);
	unsigned *array = (void *)(ring.submitted + ring.parameters.sq_off.array);
	volatile unsigned *head = (void *)(ring.completed + ring.parameters.cq_off.head);
	const unsigned mask = ring.parameters.cq_entries - 1, place = *tail & (ring.parameters.sq_entries - 1);
	ring.entries[place] = operation;
	array[place] = place;
	__sync_synchronize();
	*tail += 1;
	if (syscall(SYS_io_uring_enter, ring.descriptor, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	const struct io_uring_cqe *entry = (void *)(ring.completed + ring.parameters.cq_off.cqes);
	const int result = entry[*head & mask].res;
	*head += 1;
	errno = result < 0 ? -result : 0;
	return result < 0 ? -1 : result;
}

static int source(void)
{
	const int descriptor = new_file(own_folder());
	need(descriptor >= 0 && fill(descriptor) >= 0, "new file");
	return descriptor;
}

static void *read_into(void *page)
{
	if (page == NULL || set_up() != 0)
		return NULL;
	const int length = done((struct io_uring_sqe){.opcode = IORING_OP_READ, .fd = source(), .addr = number_of(page),
						      .len = PAYLOAD_SIZE});
	return length > 0 ? page : NULL;
}

static void *anonymous(void)
{
	return read_into(anonymous_page());
}

static void *text(void)
{
	return read_into(own_text);
}

static void *private_file(void)
{
	return read_into(file_page(MAP_PRIVATE));
}

static void *shared_file(void)
{
	return read_into(file_page(MAP_SHARED));
}

static int register_buffer(void *page)
{
	const struct iovec buffer = {page, PAGE_SIZE};
	return (int)syscall(SYS_io_uring_register, ring.descriptor, IORING_REGISTER_BUFFERS, &buffer, 1);
}

static int read_registered(void *page)
{
	return done((struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED, .fd = source(), .addr = number_of(page),
					  .len = PAYLOAD_SIZE});
}

static void *registered(void)
{
	void *page = anonymous_page();
	if (set_up() != 0 || register_buffer(page) != 0)
		return NULL;
	return read_registered(page) > 0 ? page : NULL;
}

static void *registered_file(void)
{
	void *page = file_page(MAP_SHARED);
	if (page == NULL || set_up() != 0 || register_buffer(page) != 0)
		return NULL;
	return read_registered(page) > 0 ? page : NULL;
}

/* The buffer stays the ring's, whatever becomes of the mapping that it was registered by. */
static void *registered_before(void)
{
	void *page = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	if (set_up() != 0 || register_buffer(page) != 0 || protect(page, READ_EXECUTE) != 0)
		return NULL;
	return read_registered(page) > 0 ? page : NULL;
}

/* Shared memory has its pages at other addresses too: executable at the first, taken as a buffer at the second. */
static void *registered_second(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (page == NULL)
		return NULL;
	void *second = address_of(native_call(NATIVE(MREMAP), number_of(page), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	if (second == NULL || protect(second, READ_WRITE) != 0 || set_up() != 0 || register_buffer(second) != 0)
		return NULL;
	return read_registered(second) > 0 ? page : NULL;
}

/* The ring writes a file that is mapped executable. */
static void *written(void)
{
	const int descriptor = new_file(own_folder());
	if (descriptor < 0 || fill_harmless(descriptor) < 0)
		return NULL;
	void *page = map_executable(descriptor, MAP_SHARED);
	if (page == NULL || set_up() != 0)
		return NULL;
	const int length = done((struct io_uring_sqe){.opcode = IORING_OP_WRITE, .fd = descriptor,
						      .addr = number_of(payload()), .len = PAYLOAD_SIZE});
	return length > 0 ? page : NULL;
}

/* The ring opens what it is told to, as the program itself would. */
static int opened(const char *path, int flags)
{
	return done((struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = number_of(path), .len = 0700,
					  .open_flags = (uint32_t)flags});
}

static void *opened_file(void)
{
	return set_up() != 0 ? NULL : mapped_twice(opened(new_path(own_folder()), O_RDWR | O_CREAT | O_CLOEXEC), 0);
}

static void *opened_trusted(void)
{
	if (set_up() != 0)
		return NULL;
	const int descriptor = opened(beside("victim"), O_RDWR | O_CLOEXEC);
	void *page = map_executable(descriptor, MAP_SHARED);
	if (page == NULL || fill(descriptor) < 0)
		return NULL;
	outcome_elsewhere = execute(page);
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

static void *opened_memory(void)
{
	void *page = anonymous_page();
	if (set_up() != 0)
		return NULL;
	const int descriptor = opened("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	const int length = done((struct io_uring_sqe){.opcode = IORING_OP_WRITE, .fd = descriptor, .off = number_of(page),
						      .addr = number_of(payload()), .len = PAYLOAD_SIZE});
	return length > 0 ? page : NULL;
}

/* A worker thread of the kernel's opens it. */
static void *opened_by_worker(void)
{
	if (set_up() != 0)
		return NULL;
	struct io_uring_sqe operation = {.opcode = IORING_OP_OPENAT, .flags = IOSQE_ASYNC, .fd = AT_FDCWD,
					 .addr = number_of(new_path(own_folder())), .len = 0700,
					 .open_flags = O_RDWR | O_CREAT | O_CLOEXEC};
	return mapped_twice(done(operation), 0);
}

VARIANTS({"anonymous", anonymous}, {"text", text}, {"private-file", private_file}, {"shared-file", shared_file},
	 {"registered", registered}, {"registered-file", registered_file}, {"registered-before", registered_before},
	 {"registered-second", registered_second}, {"written", written}, {"opened-file", opened_file},
	 {"opened-trusted", opened_trusted}, {"opened-memory", opened_memory}, {"opened-by-worker", opened_by_worker})
