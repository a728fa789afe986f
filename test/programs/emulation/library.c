/*
 * A library with nested functions: it is linked with a wish for an executable stack, which its users' programs have not.
 */
#include <pthread.h>
#include <stdlib.h>

long sum_by_callback(const int *numbers, int count, long factor);
long sum_in_threads(long factor);

/* Sorts by a nested function, and sums with places as weights. */
long sum_by_callback(const int *numbers, int count, long factor)
{
	int copy[count];
	long calls = 0, sum = 0;

	int backwards(const void *a, const void *b)
	{
		calls++;
		return *(const int *)b - *(const int *)a;
	}
	for (int n = 0; n < count; n++)
		copy[n] = numbers[n];
	qsort(copy, (size_t)count, sizeof *copy, backwards);
	for (int n = 0; n < count; n++)
		sum += copy[n] * (long)n * factor;
	return sum + (calls > 0);
}

static void *in_thread(void *factor)
{
	int numbers[] = { 3, 1, 4, 1, 5, 9, 2, 6 };

	return (void *)sum_by_callback(numbers, 8, (long)factor);
}

long sum_in_threads(long factor)
{
	pthread_t threads[4];
	void *result;
	long sum = 0;

	for (long n = 0; n < 4; n++)
		if (pthread_create(&threads[n], NULL, in_thread, (void *)(factor + n)) != 0)
			return -1;
	for (int n = 0; n < 4; n++) {
		pthread_join(threads[n], &result);
		sum += (long)result;
	}
	return sum;
}
