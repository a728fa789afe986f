/*
 * Runs bytes of memory that was asked for as readable and writable: they run where readable implies executable. Prints EXEC
 * or the signal.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void fault(int signal)
{
	(void)signal;
	static const char text[] = "SIGSEGV\n";
	_exit(write(1, text, sizeof text - 1) < 0);
}

int main(void)
{
	static const unsigned char payload[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	signal(SIGSEGV, fault);
	memcpy(memory, payload, sizeof payload);
	int (*function)(void);
	memcpy(&function, &memory, sizeof function);
	puts(function() == 42 ? "EXEC" : "wrong");
	return 0;
}
