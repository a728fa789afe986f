/*
 * Has the supervisor write to a page in the place of which another thread puts code of a file, again and again: "changed"
 * where what it writes comes to be in that code, else "unchanged".
 *
 * usage: handed MILLISECONDS FILE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE 4096
#define TRAMPFD 440

static unsigned char *page, code[SIZE];
static volatile int over;

static void *ask(void *unused)
{
	while (!over) {
		/* struct trampfd_info is written there. */
		const long descriptor = syscall(TRAMPFD, page, 0, 0, 0, 0, 0);
		if (descriptor >= 0)
			close(descriptor);
	}
	return unused;
}

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int main(int count, char **words)
{
	unsigned seed = 1;
	pthread_t thread;
	const int file = count == 3 ? open(words[2], O_RDONLY) : -1;
	if (file < 0 || pread(file, code, SIZE, 0) != SIZE)
		return 2;
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || pthread_create(&thread, NULL, ask, NULL) != 0)
		return 2;
	const long end = now() + atol(words[1]);
	int changed = 0;
	while (!changed && now() < end) {
		if (mmap(page, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
			return 2;
		usleep(rand_r(&seed) % 20000);
		/* With MAP_DENYWRITE, as the loader has it, nobody is asked. */
		const int flags = MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE;
		if (mmap(page, SIZE, PROT_READ | PROT_EXEC, flags, file, 0) != page)
			return 2;
		usleep(rand_r(&seed) % 40000);
		changed = memcmp(page, code, SIZE) != 0;
	}
	puts(changed ? "changed" : "unchanged");
	fflush(stdout);
	_exit(0);
}
