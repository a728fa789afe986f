/*
 * Calls code that is no trampoline, from a function with a name, in memory that was to be executable:
 *
 *   unrecognised direct      from the program
 *   unrecognised last        by the last instruction of a function that is never returned to
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef int called_t(const void *one, const void *other);

__attribute__((noinline, noclone)) int calls_it(called_t *code)
{
	return code(NULL, NULL) + 1;
}

/* The compiler has nothing behind the call. */
__attribute__((noinline, noclone, noreturn)) void calls_it_last(called_t *code)
{
	code(NULL, NULL);
	__builtin_unreachable();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return 99;
	/* A return, and no trampoline. */
	memcpy(page, "\x31\xc0\xc3", 3);
	if (strcmp(what, "direct") == 0)
		return calls_it((called_t *)page);
	if (strcmp(what, "last") == 0)
		calls_it_last((called_t *)page);
	return 0;
}
