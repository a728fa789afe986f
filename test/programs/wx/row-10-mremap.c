/* Row 10: mremap(2) with an old size of 0 gives a second mapping of shared memory, which is then made executable. */
#define _GNU_SOURCE
#include "attempt.h"

/* The address of the second mapping; the bytes are written through the first one afterwards. */
static void *second_mapping(void **first)
{
	*first = map_writable(MAP_SHARED | MAP_ANONYMOUS);
	void *second =
		address_of(native_call(NATIVE(MREMAP), number_of(*first), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	need(second != NULL, "mremap");
	return second;
}

static void *with_mprotect(void)
{
	void *first;
	void *second = second_mapping(&first);
	if (protect(second, READ_EXECUTE) != 0)
		return NULL;
	write_payload(first);
	return second;
}

static void *with_key(void)
{
	void *first;
	void *second = second_mapping(&first);
	if (protect_with_key(second, READ_EXECUTE) != 0)
		return NULL;
	write_payload(first);
	return second;
}

VARIANTS({"with-mprotect", with_mprotect}, {"with-key", with_key})
