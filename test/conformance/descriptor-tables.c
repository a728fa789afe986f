/*
 * Threads that do not share their descriptors: after unshare(CLONE_FILES), and created by clone without CLONE_FILES. A
 * number means each thread's own file then; the process, and with it who may map, is the same.
 */
#define _GNU_SOURCE
#include "table.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

static struct table table, own;
static volatile int step, result, error;

/* Has another thread with its own descriptors run a function; what that gives, or -1 with errno. */
struct kind {
	const char *name;
	int (*start)(int (*function)(void));
};

static void *unshared(void *function)
{
	if (unshare(CLONE_FILES) != 0)
		bail_out("unshare(CLONE_FILES): %s", errno_name(errno));
	errno = 0;
	int given = ((int (*)(void))(uintptr_t)function)();
	error = errno;
	result = given;
	return NULL;
}

static int by_unshare(int (*function)(void))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, unshared, (void *)(uintptr_t)function) != 0)
		bail_out("a thread cannot be created");
	pthread_join(thread, NULL);
	errno = error;
	return result;
}

/* A thread that the C library knows nothing of: it shares errno with the one that waits, and does not return. */
static int bare_thread(void *function)
{
	int given = ((int (*)(void))(uintptr_t)function)();
	error = errno;
	result = given;
	__atomic_store_n(&step, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static int by_clone(int (*function)(void))
{
	enum { STACK = 1 << 18 };
	const int flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	/* Never given back: nobody can tell when the thread has left it. */
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	step = 0;
	if (clone(bare_thread, stack + STACK, flags, (void *)(uintptr_t)function) == -1)
		bail_out("clone without CLONE_FILES: %s", errno_name(errno));
	while (!__atomic_load_n(&step, __ATOMIC_SEQ_CST))
		sched_yield();
	errno = error;
	return result;
}

static int describe_and_map(void)
{
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	if (pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) != sizeof code ||
	    pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA) != sizeof data)
		return -1;
	return table_map(&table, MAP_PRIVATE);
}

static int map_again(void)
{
	struct table copy = table;
	return table_map(&copy, MAP_PRIVATE);
}

static int close_it(void)
{
	return close(table.fd);
}

/* Creates a table in its own descriptors, where the waiting thread cannot have it. */
static int create_own(void)
{
	if (table_open(&own) != 0)
		return -1;
	return table_map(&own, MAP_PRIVATE);
}

/* Closes the number of `table` and creates a table of its own, which may get the very same number. */
static int create_in_its_place(void)
{
	close(table.fd);
	if (table_open(&own) != 0 || table_map(&own, MAP_PRIVATE) != 0)
		return -1;
	struct table copy = own;
	if (table_map(&copy, MAP_PRIVATE) != -1 || errno != EEXIST)
		return -2;
	slot_set(&own, 0, target_data, 21);
	return call(&own, 0) == 21 ? 0 : -3;
}

static void try_kind(const struct kind *kind)
{
	const char *name = kind->name;

	table.fd = trampfd(&table.info);
	if (table.fd < 0)
		bail_out("a table: %s", errno_name(errno));
	expect_success("mmap", kind->start(describe_and_map) == 0, "%s: describes and maps what it has a copy of: %s", name,
	               errno_name(errno));
	slot_set(&table, 0, target_data, 20);
	expect_success("call", call(&table, 0) == 20, "%s: and another thread calls", name);
	expect_errno("mmap", EEXIST, "mapped-already", map_again(), "%s: by a thread with other descriptors", name);
	expect_errno("mmap", EEXIST, "mapped-already", kind->start(map_again), "%s: by a thread with its own descriptors", name);
	ok(kind->start(close_it) == 0 && fcntl(table.fd, F_GETFD) == FD_CLOEXEC, "%s: what it closes is open elsewhere", name);

	expect_success("mmap", kind->start(create_own) == 0, "%s: creates, describes and maps: %s", name, errno_name(errno));
	slot_set(&own, 5, target_data, 25);
	expect_success("call", call(&own, 5) == 25, "%s: and another thread calls", name);
	ok(table_unmap(&own) == 0, "%s: and unmaps", name);

	expect_success("call", kind->start(create_in_its_place) == 0, "%s: of a table in the place of another: %s", name,
	               errno_name(errno));
	expect_success("call", call(&table, 0) == 20, "%s: of the one that it took for its own place", name);
	ok(table_unmap(&own) == 0 && table_unmap(&table) == 0, "%s: both are unmapped", name);
	expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "%s: and the first mapped again: %s", name,
	               errno_name(errno));
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "%s: dropped", name);
}

int main(void)
{
	static const struct kind kinds[] = {
		{ "unshare(CLONE_FILES)", by_unshare },
		{ "clone without CLONE_FILES", by_clone },
	};

	require_tables();
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		try_kind(&kinds[i]);
	return done();
}
