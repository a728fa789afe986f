/*
 * Prints the permissions of its stack, and those of all other memory that is writable and executable; with an argument,
 * executes itself first. Its file asks for an executable stack, by a nested function whose address is taken; and with
 * SEGMENT for a segment that is writable and executable too.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef SEGMENT
__attribute__((section(".writable,\"awx\",@progbits#"), used)) static char writable[64] = { 1 };
#endif

int main(int count, char **words)
{
	volatile int factor = 3;
	int multiply(int value) { return value * factor; }
	int (*volatile callback)(int) = multiply;
	if (count > 1) {
		execl("/proc/self/exe", words[0], (char *)0);
		return perror("execl"), 1;
	}
	char line[512], permissions[8];
	FILE *maps = fopen("/proc/self/maps", "r");
	if (maps == NULL) return perror("maps"), 1;
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%*s %7s", permissions) != 1) return 1;
		if (strstr(line, "[stack]") != NULL) printf("stack %s\n", permissions);
		else if (permissions[1] == 'w' && permissions[2] == 'x') printf("memory %s\n", permissions);
	}
	fflush(stdout);
	printf("callback %d\n", callback(14));
	return 0;
}
