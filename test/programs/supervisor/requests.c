/*
 * Asks for memory that is writable and executable, from many threads at once and then once more, and says how often it
 * was granted. Its status is 7. With an argument it sleeps before it says so.
 *
 *   requests [SLEEP]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 32

static int granted;

static int ask(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static void *thread(void *unused)
{
	if (ask()) __sync_fetch_and_add(&granted, 1);
	return unused;
}

int main(int argc, char **argv)
{
	(void)argv;
	pthread_t threads[THREADS];
	for (int n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, thread, NULL) != 0) return 1;
	for (int n = 0; n < THREADS; n++) pthread_join(threads[n], NULL);
	int once = ask();
	if (argc > 1) sleep(10);
	printf("%d of %d granted, then %d of 1\n", granted, THREADS, once);
	return 7;
}
