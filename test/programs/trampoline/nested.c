/* Has GCC write the trampoline of a nested function on the stack, and prints it. CONVENTION: its calling convention. */
#include "written.h"

#ifndef CONVENTION
#define CONVENTION
#endif

int main(int argc, char **argv)
{
	int sum = argc;

	CONVENTION int add(int more)
	{
		return sum += more;
	}

	/* The compiler must not see that nobody calls it through the pointer. */
	int (*volatile pointer)(int) CONVENTION = add;

	(void)argv;
	if (show_written((uintptr_t)pointer))
		return 2;
	return sum != argc;
}
