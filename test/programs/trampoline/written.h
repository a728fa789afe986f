/*
 * Prints a trampoline that the program wrote for itself: its address, its bytes in hexadecimal, and an address on the
 * stack, on one line; then the process's mappings as in /proc/PID/maps.
 */
#include <stdint.h>
#include <stdio.h>

#define SHOWN_BYTES 40 /* those of the longest form */

static int show_written(uintptr_t address)
{
	/* Bit 0 of an address of arm's says Thumb. */
#ifdef __arm__
	const unsigned char *code = (const unsigned char *)(address & ~(uintptr_t)1);
#else
	const unsigned char *code = (const unsigned char *)address;
#endif
	FILE *maps = fopen("/proc/self/maps", "r");
	int character;

	if (!maps) {
		perror("/proc/self/maps");
		return 2;
	}
	printf("%#jx ", (uintmax_t)address);
	for (int i = 0; i < SHOWN_BYTES; i++)
		printf("%02x", code[i]);
	printf(" %#jx\n", (uintmax_t)(uintptr_t)__builtin_frame_address(0));
	while ((character = getc(maps)) != EOF)
		putchar(character);
	return 0;
}
