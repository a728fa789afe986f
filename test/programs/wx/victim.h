/* Memory that is executable and not writable, as victims of the rows that write past the protection of pages. */
#ifndef TRAMPFD_TEST_VICTIM_H
#define TRAMPFD_TEST_VICTIM_H

#include "file.h"

/* A page of text with nothing else on it, that returns 0. */
extern unsigned char own_text[];
__asm__(".pushsection .text\n"
	".balign 4096\n"
	".globl own_text\n"
	"own_text:\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".balign 4096\n"
	".popsection\n");

static inline void *anonymous_page(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(page != NULL, "mmap");
	return page;
}

/* The file `victim` beside the program, which holds harmless code, mapped executable. */
static inline void *file_page(uint64_t flags)
{
	const int descriptor = open(beside("victim"), O_RDONLY | O_CLOEXEC);
	need(descriptor >= 0, "open victim");
	void *page = map_executable(descriptor, flags);
	close(descriptor);
	return page;
}

/* Six bytes of payload, to be copied from here. */
static inline unsigned char *payload(void)
{
	static unsigned char bytes[16];
	return write_payload(bytes);
}

enum { PAYLOAD_SIZE = 6 };

#endif
