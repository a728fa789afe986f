/*
 * Says that it is ready, waits for SIGUSR2, and traps: it calls memory that is not executable.
 *
 *   call      100 times, with a function's bytes there; what the last call returns, six times, is its status
 *   nowhere   once, where nothing is mapped, and with a stack pointer to where nothing is mapped either
 *   edge      once, three bytes before the end of what is mapped
 *
 * It blocks SIGUSR1.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	static unsigned char function[4096] __attribute__((aligned(4096))) = { 0x31, 0xc0, 0xc3 };
	int (*volatile call)(void) = (int (*)(void))(void *)function;
	const char *way = argc > 1 ? argv[1] : "";
	sigset_t blocked;
	sigset_t begin;
	int result = 0;

	sigemptyset(&blocked);
	sigemptyset(&begin);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaddset(&begin, SIGUSR2);
	sigprocmask(SIG_BLOCK, &begin, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&begin, &result);
	if (strcmp(way, "nowhere") == 0)
		__asm__ volatile("movq $4096, %rsp\n\tmovq $8192, %rax\n\tjmp *%rax");
	if (strcmp(way, "edge") == 0) {
		unsigned char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memcpy(pages + 4093, "\1\2\3", 3);
		munmap(pages + 4096, 4096);
		call = (int (*)(void))(void *)(pages + 4093);
		call();
	}
	for (int calls = 0; calls < 100; calls++)
		result = call();
	return 6 * result;
}
