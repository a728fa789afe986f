/* Row 3: memory that is executable, is made writable, changed, and made executable again. */
#define _GNU_SOURCE
#include "attempt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/auxv.h>

static void *rewritten(void *page)
{
	need(protect(page, READ_WRITE) == 0, "mprotect to read and write");
	write_payload(page);
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *anonymous(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(page != NULL, "mmap");
	return rewritten(page);
}

static void *file_text(void)
{
	const int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	need(descriptor >= 0, "open");
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, descriptor);
	need(page != NULL, "mmap");
	return rewritten(page);
}

/* The whole of it: the kernel refuses to split it. */
static size_t vdso_length(const void *start)
{
	char line[256];
	size_t length = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	need(maps != NULL, "open /proc/self/maps");
	while (fgets(line, sizeof line, maps) != NULL) {
		uintptr_t from, to;
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 && from == (uintptr_t)start)
			length = to - from;
	}
	fclose(maps);
	return length;
}

/*
 * The kernel's own library: the bytes go where its ELF header was. The system call entry of an i386 C library is in
 * there too, so nothing but entry.h may be used in between.
 */
static void *vdso(void)
{
	void *start = (void *)getauxval(AT_SYSINFO_EHDR);
	const size_t length = vdso_length(start);
	need(native_call(NATIVE(MPROTECT), number_of(start), length, READ_WRITE, 0, 0, 0) == 0, "mprotect");
	write_payload(start);
	return native_call(NATIVE(MPROTECT), number_of(start), length, READ_EXECUTE, 0, 0, 0) == 0 ? start : NULL;
}

static void *with_key(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(page != NULL, "mmap");
	need(protect_with_key(page, READ_WRITE) == 0, "pkey_mprotect to read and write");
	write_payload(page);
	return protect_with_key(page, READ_EXECUTE) == 0 ? page : NULL;
}

VARIANTS({"anonymous", anonymous}, {"file-text", file_text}, {"vdso", vdso}, {"with-key", with_key})
