/*
 * Executes a program under the kernel's own memory-deny-write-execute.
 *
 *   mdwe PROGRAM [ARGUMENT ...]
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* linux/prctl.h, from 6.3 on */
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0UL, 0UL, 0UL) != 0) {
		perror("PR_SET_MDWE");
		return 125;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
