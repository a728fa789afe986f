/* Row 1: anonymous memory that is writable and executable from the beginning. */
#define _GNU_SOURCE
#include "attempt.h"

static void *written(void *page)
{
	return page == NULL ? NULL : write_payload(page);
}

static void *private_memory(void)
{
	return written(map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

static void *shared_memory(void)
{
	return written(map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1));
}

static void *without_read(void)
{
	return written(map(PAGE_SIZE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

/* Over memory that is there already. */
static void *fixed_address(void)
{
	void *page = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	return written(address_of(native_call(NATIVE(MMAP), number_of(page), PAGE_SIZE, READ_WRITE_EXECUTE,
					      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1, 0)));
}

/* mmap ignores protection bits that it does not know; a filter that compares for equality is passed by them. */
static void *unknown_bits(void)
{
	return written(map(PAGE_SIZE, READ_WRITE_EXECUTE | 0x40, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

static void *grows_down(void)
{
	return written(map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1));
}

#ifdef __x86_64__

static void *high_bits(void)
{
	return written(
		map(PAGE_SIZE, READ_WRITE_EXECUTE | UINT64_C(1) << 32, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

#define OWN_WIDTH {"high-bits", high_bits}

#else

/* The call of before mmap2: a filter sees only the address of its argument block. */
static void *old_mmap(void)
{
	const struct old_mmap_arguments block = {0, PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
	return written(address_of(native_call(I386_OLD_MMAP, number_of(&block), 0, 0, 0, 0, 0)));
}

#define OWN_WIDTH {"old-mmap", old_mmap}

#endif

VARIANTS({"private", private_memory}, {"shared", shared_memory}, {"without-read", without_read},
	 {"fixed-address", fixed_address}, {"unknown-bits", unknown_bits}, {"grows-down", grows_down}, OWN_WIDTH)
