/* Row 34: mappings that are moved, doubled, dropped or advised, in the hope that pages and protections come apart. */
#define _GNU_SOURCE
#include "victim.h"

#include <sys/syscall.h>
#include <sys/uio.h>

/* asm-generic/mman-common.h; headers of older C libraries lack it. */
enum { POPULATE_WRITE = 23 };

static void *remap(void *from, uint64_t old_size, uint64_t flags, void *to)
{
	return address_of(native_call(NATIVE(MREMAP), number_of(from), old_size, PAGE_SIZE, flags, number_of(to), 0));
}

static void *written_page(void)
{
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

/* Written memory, moved to where executable memory was: its protection comes with it. */
static void *moved_over(void)
{
	void *executable = anonymous_page();
	return remap(written_page(), PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, executable);
}

/* The old place stays, without its pages. */
static void *kept(void)
{
	void *page = anonymous_page(), *moved = remap(page, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (moved == NULL || protect(moved, READ_WRITE) != 0)
		return NULL;
	write_payload(moved);
	return page;
}

/* And with the pages of a file, which stay the file's. */
static void *kept_file(void)
{
	void *page = file_page(MAP_PRIVATE);
	if (page == NULL)
		return NULL;
	void *moved = remap(page, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (moved == NULL || protect(moved, READ_WRITE) != 0)
		return NULL;
	write_payload(moved);
	return page;
}

/* A shared mapping of a file that can only be read cannot be made writable at its second address either. */
static void *doubled_file(void)
{
	void *page = file_page(MAP_SHARED);
	if (page == NULL)
		return NULL;
	void *second = remap(page, 0, MREMAP_MAYMOVE, NULL);
	if (second == NULL || protect(second, READ_WRITE) != 0)
		return NULL;
	write_payload(second);
	return page;
}

/* Grown over what follows, which was written. */
static void *grown(void)
{
	char *pages = map(2 * PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (pages == NULL || protect(pages + PAGE_SIZE, READ_WRITE) != 0)
		return NULL;
	write_payload(pages + PAGE_SIZE);
	if (native_call(NATIVE(MREMAP), number_of(pages), PAGE_SIZE, 2 * PAGE_SIZE, 0, 0, 0) == -1)
		return NULL;
	return pages + PAGE_SIZE;
}

/* New memory over what was written: it is zero. */
static void *fixed_over(void)
{
	char *page = written_page();
	void *over = address_of(native_call(NATIVE(MMAP), number_of(page), PAGE_SIZE, READ_EXECUTE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1, 0));
	return over;
}

static void *advised(int advice)
{
	void *page = file_page(MAP_PRIVATE);
	if (page == NULL || protect(page, READ_WRITE) != 0)
		return NULL;
	write_payload(page);
	if (madvise(page, PAGE_SIZE, advice) != 0)
		return NULL;
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *dropped(void)
{
	return advised(MADV_DONTNEED);
}

static void *readied(void)
{
	return advised(POPULATE_WRITE);
}

/* Pages that are made ready to be written are not writable for that. */
static void *populated(void)
{
	void *page = anonymous_page();
	return madvise(page, PAGE_SIZE, POPULATE_WRITE) == 0 ? page : NULL;
}

static void *process_advised(void)
{
	const int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	void *page = anonymous_page();
	const struct iovec range = {page, PAGE_SIZE};
	return self >= 0 && syscall(SYS_process_madvise, self, &range, 1, POPULATE_WRITE, 0) > 0 ? page : NULL;
}

/* Memory that grows downwards, from an executable page into what was written. */
static void *grows_down(void)
{
	char *pages = map(16 * PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1);
	if (pages == NULL || protect(pages, READ_WRITE | PROT_GROWSDOWN) != 0)
		return NULL;
	write_payload(pages + PAGE_SIZE);
	return protect(pages + PAGE_SIZE, READ_EXECUTE | PROT_GROWSDOWN) == 0 ? pages + PAGE_SIZE : NULL;
}

VARIANTS({"moved-over", moved_over}, {"kept", kept}, {"kept-file", kept_file}, {"doubled-file", doubled_file},
	 {"grown", grown}, {"mapped-over", fixed_over}, {"dropped", dropped}, {"readied", readied}, {"populated", populated},
	 {"process-advised", process_advised}, {"grows-down", grows_down})
