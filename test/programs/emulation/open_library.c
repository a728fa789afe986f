/*
 * Opens a library that wants an executable stack, while threads are there already, and calls it from all of them.
 *
 *   open_library PATH
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t opened;
static long (*sum_by_callback)(const int *, int, long);
static long (*sum_in_threads)(long);

static void *call_later(void *factor)
{
	int numbers[] = { 2, 7, 1, 8, 2, 8 };

	pthread_barrier_wait(&opened);
	return (void *)(sum_by_callback == NULL ? -1 : sum_by_callback(numbers, 6, (long)factor));
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	int numbers[] = { 3, 1, 4, 1, 5, 9, 2, 6 };

	if (argc < 2)
		return 2;
	pthread_barrier_init(&opened, NULL, 5);
	for (long n = 0; n < 4; n++)
		if (pthread_create(&threads[n], NULL, call_later, (void *)(n + 1)) != 0)
			return 3;
	void *library = dlopen(argv[1], RTLD_NOW);
	if (library != NULL) {
		sum_by_callback = (long (*)(const int *, int, long))dlsym(library, "sum_by_callback");
		sum_in_threads = (long (*)(long))dlsym(library, "sum_in_threads");
	} else {
		puts("not opened");
		fprintf(stderr, "%s\n", dlerror());
	}
	pthread_barrier_wait(&opened);
	for (int n = 0; n < 4; n++) {
		void *result;
		pthread_join(threads[n], &result);
		printf("%ld ", (long)result);
	}
	puts("");
	if (library == NULL)
		return 4;
	printf("%ld %ld\n", sum_by_callback(numbers, 8, 10), sum_in_threads(10));
	return 46;
}
