/* Row 20: personality(READ_IMPLIES_EXEC) makes every later mapping that can be read executable as well. */
#define _GNU_SOURCE
#include "segment.h"

#include <sys/personality.h>
#include <unistd.h>

static int read_implies_execute(uint64_t persona)
{
	return native_call(NATIVE(PERSONALITY), persona, 0, 0, 0, 0, 0) == -1 ? -1 : 0;
}

static void *mapped(uint64_t persona)
{
	if (read_implies_execute(persona) != 0)
		return NULL;
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

static void *with_mmap(void)
{
	return mapped(READ_IMPLIES_EXEC);
}

/* Together with a bit that is harmless. */
static void *with_other_bits(void)
{
	return mapped(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
}

static void *with_mprotect(void)
{
	void *page = write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
	if (read_implies_execute(READ_IMPLIES_EXEC) != 0)
		return NULL;
	need(protect(page, PROT_READ) == 0, "mprotect to read");
	return page;
}

static void *with_shmat(void)
{
	if (read_implies_execute(READ_IMPLIES_EXEC) != 0)
		return NULL;
	const int segment = new_segment();
	void *page = attach_directly(segment, 0);
	drop_segment(segment);
	need(page != NULL, "shmat");
	return write_payload(page);
}

static void *with_brk(void)
{
	if (read_implies_execute(READ_IMPLIES_EXEC) != 0)
		return NULL;
	/* More than a page, so that whole pages are new: the old end of the heap keeps its protection. */
	unsigned char *bytes = sbrk(4 * PAGE_SIZE);
	need(bytes != (void *)-1, "sbrk");
	return write_payload(bytes + 2 * PAGE_SIZE);
}

#ifdef __x86_64__

/* personality(2) takes an unsigned int: what is above it in the register is not looked at. */
static void *high_bits(void)
{
	return mapped(READ_IMPLIES_EXEC | UINT64_C(1) << 32);
}

VARIANTS({"mmap", with_mmap}, {"other-bits", with_other_bits}, {"mprotect", with_mprotect}, {"shmat", with_shmat},
	 {"brk", with_brk}, {"high-bits", high_bits})

#else

VARIANTS({"mmap", with_mmap}, {"other-bits", with_other_bits}, {"mprotect", with_mprotect}, {"shmat", with_shmat},
	 {"brk", with_brk})

#endif
