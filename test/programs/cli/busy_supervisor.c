/*
 * Keeps the supervisor busy for as long as it gets answers, by processes that have had a processor for a short time each: none of
 * them comes to a limit of its own (setrlimit(2): RLIMIT_CPU).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <trampfd.h>

enum { CALLS = 2000 };

int main(void)
{
	for (;;) {
		const pid_t child = fork();
		if (child == 0) {
			for (int at = 0; at < CALLS; at++) {
				struct trampfd_info info;
				const int table = trampfd(&info);
				if (table < 0)
					_exit(1);
				close(table);
			}
			_exit(0);
		}
		int status = 0;
		waitpid(child, &status, 0);
		if (status != 0) {
			puts("no answer");
			return 3;
		}
	}
}
