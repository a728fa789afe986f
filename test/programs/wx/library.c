/* A library whose bytes run when it is loaded: then the process exits with RAN (0x55). */
#include <unistd.h>

__attribute__((constructor)) static void loaded(void)
{
	_exit(0x55);
}
