/* Row 5: the program's own text made writable as well as executable, as for a text relocation. */
#define _GNU_SOURCE
#include "attempt.h"

/* A page of text with nothing else on it. */
extern unsigned char own_text[];
__asm__(".pushsection .text\n"
	".balign 4096\n"
	".globl own_text\n"
	"own_text:\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".balign 4096\n"
	".popsection\n");

static void *read_write_execute(void)
{
	return protect(own_text, READ_WRITE_EXECUTE) == 0 ? write_payload(own_text) : NULL;
}

static void *key_read_write_execute(void)
{
	return protect_with_key(own_text, READ_WRITE_EXECUTE) == 0 ? write_payload(own_text) : NULL;
}

/* What a loader does: writable first, the relocation, then executable again. */
static void *relocated(void)
{
	need(protect(own_text, READ_WRITE) == 0, "mprotect to read and write");
	write_payload(own_text);
	return protect(own_text, READ_EXECUTE) == 0 ? own_text : NULL;
}

VARIANTS({"read-write-execute", read_write_execute}, {"key-read-write-execute", key_read_write_execute},
	 {"relocated", relocated})
