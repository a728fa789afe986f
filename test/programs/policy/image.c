/*
 * Says which of its own memory is writable and executable, in the words that a file is judged with: "plain",
 * "executable stack", "executable memory" or "writable code". With SECTION it has a segment that asks for both.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>

#ifdef SECTION
__asm__(".section .both, \"awx\", @progbits\n\t.long 7\n\t.text");
#endif

int main(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	int stack = 0, code = 0;
	while (maps != NULL && fgets(line, sizeof line, maps))
		if (strstr(line, "rwxp"))
			*(strstr(line, "[stack]") ? &stack : &code) = 1;
	/* Then all of its memory is, and there is no telling it from a segment. */
	if (personality(0xffffffff) & READ_IMPLIES_EXEC)
		puts("executable memory");
	else
		puts(code ? "writable code" : stack ? "executable stack" : "plain");
	return maps == NULL;
}
