/*
 * Nested functions, a feature of GCC: the address of one is a trampoline on the stack. They are given to qsort() and to
 * threads, and several calls' live at once.
 *
 * With CALLBACKS_WAIT in the environment it waits while they live: look.h.
 */
#define _GNU_SOURCE
#include "look.h"

#include <pthread.h>

#define COUNT 200
#define THREADS 8
#define DEPTH 10

typedef int compare_t(const void *, const void *);

static void fill(int *numbers)
{
	for (int n = 0; n < COUNT; n++)
		numbers[n] = n * 7919 % 1009;
}

/* Calls `use` with a function that sorts by the distance from `middle`. */
__attribute__((noinline)) static void with_distance(int middle, void (*use)(int middle, compare_t *compare))
{
	int by_distance(const void *a, const void *b)
	{
		int one = *(const int *)a, other = *(const int *)b;
		int far = abs(one - middle) - abs(other - middle);
		return far != 0 ? far : one - other;
	}
	use(middle, by_distance);
}

static void nearest(int middle, compare_t *compare)
{
	int numbers[COUNT];

	fill(numbers);
	qsort(numbers, COUNT, sizeof *numbers, compare);
	printf("near %d: %d %d %d %d\n", middle, numbers[0], numbers[1], numbers[2], numbers[3]);
}

/* Each thread gets the address of a function of the call that started it, and of one of its own. */
static void in_threads(int factor)
{
	int results[THREADS];
	pthread_t threads[THREADS];

	void *work(void *argument)
	{
		int index = (int)(long)argument, numbers[COUNT], calls = 0;
		int backwards(const void *a, const void *b)
		{
			calls++;
			return *(const int *)b - *(const int *)a;
		}
		for (int round = 0; round < 10; round++) {
			fill(numbers);
			qsort(numbers, COUNT, sizeof *numbers, backwards);
		}
		results[index] = numbers[index] * factor + (calls > COUNT);
		return NULL;
	}
	for (long n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, work, (void *)n) != 0)
			exit(2);
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	printf("threads:");
	for (int n = 0; n < THREADS; n++)
		printf(" %d", results[n]);
	puts("");
}

/* A trampoline for each depth, all alive in the deepest one, which calls them all. */
__attribute__((noinline)) static long deeper(int depth, long (**functions)(long))
{
	long own(long value)
	{
		return value * 10 + depth;
	}
	functions[depth] = own;
	if (depth + 1 < DEPTH)
		return deeper(depth + 1, functions) + depth;
	long value = 0;
	for (int n = 0; n < DEPTH; n++)
		value = functions[n](value);
	wait_to_be_looked_at();
	for (int n = DEPTH - 1; n >= 0; n--)
		value = functions[n](value % 1000);
	return value;
}

int main(void)
{
	long (*functions[DEPTH])(long);

	for (int middle = 0; middle < 1000; middle += sorting_step())
		with_distance(middle, nearest);
	in_threads(3);
	printf("deep: %ld\n", deeper(0, functions));
	/* The stack's places are used again by other functions' trampolines. */
	for (int middle = 25; middle < 1000; middle += sorting_step())
		with_distance(middle, nearest);
	in_threads(5);
	return 28;
}
