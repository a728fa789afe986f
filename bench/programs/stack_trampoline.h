/* What GCC writes on the stack for a pointer to a nested function on x86-64, recognised to the last byte. */
#ifndef TRAMPFD_BENCH_STACK_TRAMPOLINE_H
#define TRAMPFD_BENCH_STACK_TRAMPOLINE_H

#include <stdint.h>
#include <string.h>

/* The longest form: endbr64; movabs $function, %r11; movabs $chain, %r10; jmp *%r11; nop. */
enum { STACK_TRAMPOLINE_LENGTH = 28 };

struct stack_trampoline {
	uint64_t function, chain; /* for r11, which it jumps through, and r10 */
};

/* Reads one; 0 when the bytes, which are STACK_TRAMPOLINE_LENGTH, are anything else. */
static inline int recognise(const unsigned char *code, struct stack_trampoline *found)
{
	if (memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0)
		code += 4; /* compiled with -fcf-protection */
	if (memcmp(code, "\x49\xbb", 2) == 0) {
		memcpy(&found->function, code + 2, 8);
		code += 10;
	} else if (memcmp(code, "\x41\xbb", 2) == 0) {
		uint32_t low;
		memcpy(&low, code + 2, 4); /* a function below 4 GiB */
		found->function = low;
		code += 6;
	} else {
		return 0;
	}
	memcpy(&found->chain, code + 2, 8);
	return memcmp(code, "\x49\xba", 2) == 0 && memcmp(code + 10, "\x49\xff\xe3\x90", 4) == 0;
}

#endif
