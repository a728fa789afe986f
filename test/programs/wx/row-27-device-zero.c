/* Row 27: private memory from /dev/zero, which is anonymous memory by another name. */
#define _GNU_SOURCE
#include "attempt.h"

#include <fcntl.h>

static int device(void)
{
	const int descriptor = open("/dev/zero", O_RDWR | O_CLOEXEC);
	need(descriptor >= 0, "open");
	return descriptor;
}

static void *private_memory(void)
{
	void *page = map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE, device());
	return page == NULL ? NULL : write_payload(page);
}

static void *shared_memory(void)
{
	void *page = map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_SHARED, device());
	return page == NULL ? NULL : write_payload(page);
}

static void *then_mprotect(void)
{
	void *page = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE, device());
	need(page != NULL, "mmap");
	write_payload(page);
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

VARIANTS({"private", private_memory}, {"shared", shared_memory}, {"then-mprotect", then_mprotect})
