/* Row 6: a private mapping of a file, changed in memory and then made executable (SELinux calls it execmod). */
#define _GNU_SOURCE
#include "attempt.h"

#include <fcntl.h>

static int own_file(void)
{
	const int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	need(descriptor >= 0, "open");
	return descriptor;
}

static void *changed(void)
{
	void *page = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE, own_file());
	need(page != NULL, "mmap");
	return write_payload(page);
}

static void *read_execute(void)
{
	void *page = changed();
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *read_write_execute(void)
{
	void *page = changed();
	return protect(page, READ_WRITE_EXECUTE) == 0 ? page : NULL;
}

static void *key_read_execute(void)
{
	void *page = changed();
	return protect_with_key(page, READ_EXECUTE) == 0 ? page : NULL;
}

/* All at once: writable and executable from the beginning. */
static void *mapped_so(void)
{
	void *page = map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE, own_file());
	return page == NULL ? NULL : write_payload(page);
}

VARIANTS({"read-execute", read_execute}, {"read-write-execute", read_write_execute},
	 {"key-read-execute", key_read_execute}, {"mapped-so", mapped_so})
