/*
 * usage: first CLOSURES
 *
 * What the first call of a closure of libffi costs, which under `trampfd run` is emulated and has a trampoline made; and
 * the second, which that trampoline serves. All closures are allocated and prepared before any is called. Prints, in
 * microseconds: `allocation`, from before the very first closure is allocated to when it is prepared, which is when a
 * supervisor is asked; `very-first`, the first call of the very first; and `first` and `second`, the medians of all.
 */
#define _GNU_SOURCE
#include "closure.h"

#include <stdlib.h>

static volatile long total;

static void on_closure(ffi_cif *interface, void *result, void **arguments, void *context)
{
	(void)interface;
	(void)result;
	total += *(const long *)arguments[0] + *(const long *)context;
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof *values, compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* Calls each once, and notes the nanoseconds of each. */
static void time_each(function *const *called, double *spent, long count)
{
	total = 0;
	for (long index = 0; index < count; index++) {
		const double start = now();
		called[index](index);
		spent[index] = now() - start;
	}
	need(total == count * (count - 1), "the sum of all calls");
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: first CLOSURES\n");
		return 2;
	}
	const long closures = number(arguments[1]);
	function **const called = calloc((size_t)closures, sizeof *called);
	long *const contexts = calloc((size_t)closures, sizeof *contexts);
	double *const first = calloc((size_t)closures, sizeof *first), *const second = calloc((size_t)closures, sizeof *second);
	need(called != NULL && contexts != NULL && first != NULL && second != NULL, "calloc");

	const double start = now();
	for (long index = 0; index < closures; index++) {
		contexts[index] = index;
		called[index] = closure_create(on_closure, &contexts[index]);
		if (index == 0)
			printf("allocation %.3f\n", (now() - start) / 1e3);
	}
	time_each(called, first, closures);
	time_each(called, second, closures);
	printf("very-first %.3f\n", first[0] / 1e3);
	printf("first %.3f\nsecond %.3f\n", median(first, closures) / 1e3, median(second, closures) / 1e3);
	return 0;
}
