/*
 * Row 39: System V shared memory and huge pages in the ways that rows 12 and 13 leave: made executable after it is
 * attached, attached over other memory, by a second process, in huge pages, by its file in /proc.
 */
#define _GNU_SOURCE
#include "child.h"
#include "segment.h"

#include <fcntl.h>
#include <inttypes.h>

enum { HUGE = 2 << 20 };

static void *then_mprotect(void)
{
	const int segment = new_segment();
	void *page = attach_directly(segment, 0);
	drop_segment(segment);
	need(page != NULL, "shmat");
	write_payload(page);
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *then_key(void)
{
	const int segment = new_segment();
	void *page = attach_directly(segment, 0);
	drop_segment(segment);
	need(page != NULL, "shmat");
	write_payload(page);
	return protect_with_key(page, READ_EXECUTE) == 0 ? page : NULL;
}

/* Over memory that is executable. */
static void *over_executable(void)
{
	const int segment = new_segment();
	void *place = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	void *page = shmat(segment, place, SHM_REMAP);
	drop_segment(segment);
	return page == (void *)-1 ? NULL : write_payload(page);
}

/* Executable in one process, written by the other. */
static void *two_processes(void)
{
	const int segment = new_segment();
	struct shared_result *result = share_result();
	const pid_t child = fork();
	if (child == 0) {
		void *page = attach_directly(segment, SHM_EXEC | SHM_RDONLY);
		if (page == NULL)
			result->error = errno;
		while (page != NULL && result->step == 0)
			usleep(100);
		_exit(page != NULL && strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	void *page = attach_directly(segment, 0);
	need(child > 0 && page != NULL, "shmat");
	write_payload(page);
	result->step = 1;
	judge_child(child);
	drop_segment(segment);
	return result->error == 0 ? NULL : judge_error(result->error);
}

static void *moved(void)
{
	const int segment = new_segment();
	void *page = attach_directly(segment, 0);
	drop_segment(segment);
	need(page != NULL, "shmat");
	write_payload(page);
	void *second = address_of(native_call(NATIVE(MREMAP), number_of(page), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	return second == NULL || protect(second, READ_EXECUTE) != 0 ? NULL : second;
}

/* The file behind it has no path but this. */
static void *by_mapping(void)
{
	const int segment = new_segment();
	char path[96];
	void *page = attach_directly(segment, 0);
	drop_segment(segment);
	need(page != NULL, "shmat");
	write_payload(page);
	snprintf(path, sizeof path, "/proc/self/map_files/%" PRIx64 "-%" PRIx64, number_of(page),
		 number_of(page) + PAGE_SIZE);
	const int descriptor = open(path, O_RDWR | O_CLOEXEC);
	return descriptor < 0 ? NULL : map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED, descriptor);
}

static void *huge_segment(void)
{
	const int segment = shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0700);
	if (segment < 0)
		return NULL;
	void *page = attach_directly(segment, SHM_EXEC);
	drop_segment(segment);
	return page == NULL ? NULL : write_payload(page);
}

static void *huge_memory(void)
{
	void *page = map(HUGE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	return page == NULL ? NULL : write_payload(page);
}

static void *huge_then_mprotect(void)
{
	void *page = map(HUGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (page == NULL)
		return NULL;
	write_payload(page);
	return native_call(NATIVE(MPROTECT), number_of(page), HUGE, READ_EXECUTE, 0, 0, 0) == 0 ? page : NULL;
}

static void *huge_file(void)
{
	const int descriptor = open("/dev/hugepages/row-39", O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	if (descriptor < 0)
		return NULL;
	unlink("/dev/hugepages/row-39");
	void *writable = map(HUGE, READ_WRITE, MAP_SHARED, descriptor);
	void *executable = writable == NULL ? NULL : map(HUGE, READ_EXECUTE, MAP_SHARED, descriptor);
	if (executable != NULL)
		write_payload(writable);
	return executable;
}

VARIANTS({"then-mprotect", then_mprotect}, {"then-key", then_key}, {"over-executable", over_executable},
	 {"two-processes", two_processes}, {"moved", moved}, {"map_files", by_mapping}, {"huge-segment", huge_segment},
	 {"huge-memory", huge_memory}, {"huge-then-mprotect", huge_then_mprotect}, {"huge-file", huge_file})
