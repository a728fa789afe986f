/*
 * Closures of libffi, by a program that calls the library itself: for qsort(), for threads, a thousand at once, and others
 * in their places.
 *
 * With CALLBACKS_WAIT in the environment it waits while they live: look.h.
 */
#define _GNU_SOURCE
#include "look.h"

#include <ffi.h>
#include <pthread.h>

#define COUNT 200
#define MANY 1000
#define THREADS 8

struct callback {
	ffi_closure *closure;
	void *code;
	long number;
};

static ffi_cif compare_cif, scale_cif;
static struct callback many[MANY];

static void compare(ffi_cif *cif, void *result, void **arguments, void *data)
{
	const int *a = *(const int **)arguments[0], *b = *(const int **)arguments[1];
	int middle = (int)*(long *)data, far = abs(*a - middle) - abs(*b - middle);

	(void)cif;
	*(ffi_sarg *)result = far != 0 ? far : *a - *b;
}

/* Arguments of two kinds: whole numbers and floating point are in different registers. */
static void scale(ffi_cif *cif, void *result, void **arguments, void *data)
{
	(void)cif;
	*(double *)result = *(double *)arguments[1] * *(int *)arguments[0] + (double)*(long *)data;
}

static void make(struct callback *callback, ffi_cif *cif, void (*function)(ffi_cif *, void *, void **, void *), long number)
{
	callback->number = number;
	callback->closure = ffi_closure_alloc(sizeof *callback->closure, &callback->code);
	if (callback->closure == NULL) {
		puts("no closure");
		exit(3);
	}
	if (ffi_prep_closure_loc(callback->closure, cif, function, &callback->number, callback->code) != FFI_OK)
		exit(4);
}

static void nearest(const struct callback *callback)
{
	int numbers[COUNT];

	for (int n = 0; n < COUNT; n++)
		numbers[n] = n * 7919 % 1009;
	qsort(numbers, COUNT, sizeof *numbers, (int (*)(const void *, const void *))callback->code);
	printf("near %ld: %d %d %d %d\n", callback->number, numbers[0], numbers[1], numbers[2], numbers[3]);
}

static double call_all(void)
{
	double sum = 0;

	for (int n = 0; n < MANY; n++)
		sum += ((double (*)(int, double))many[n].code)(n % 7, 0.5);
	return sum;
}

static void *calls_in_a_thread(void *result)
{
	*(double *)result = 0;
	for (int round = 0; round < 3; round++)
		*(double *)result += call_all();
	return NULL;
}

static void in_threads(void)
{
	pthread_t threads[THREADS];
	double results[THREADS];

	for (int n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, calls_in_a_thread, &results[n]) != 0)
			exit(5);
	printf("threads:");
	for (int n = 0; n < THREADS; n++) {
		pthread_join(threads[n], NULL);
		printf(" %.1f", results[n]);
	}
	puts("");
}

int main(void)
{
	ffi_type *pointers[] = { &ffi_type_pointer, &ffi_type_pointer };
	ffi_type *scaled[] = { &ffi_type_sint, &ffi_type_double };
	struct callback near;

	if (ffi_prep_cif(&compare_cif, FFI_DEFAULT_ABI, 2, &ffi_type_sint, pointers) != FFI_OK ||
	    ffi_prep_cif(&scale_cif, FFI_DEFAULT_ABI, 2, &ffi_type_double, scaled) != FFI_OK)
		return 2;
	for (int n = 0; n < MANY; n++)
		make(&many[n], &scale_cif, scale, n);
	printf("many: %.1f\n", call_all());
	in_threads();
	make(&near, &compare_cif, compare, 300);
	nearest(&near);
	wait_to_be_looked_at();
	printf("again: %.1f\n", call_all());
	nearest(&near);
	ffi_closure_free(near.closure);
	make(&near, &compare_cif, compare, 700);
	nearest(&near);
	for (int n = 0; n < MANY; n++)
		ffi_closure_free(many[n].closure);
	/* Of the other kind, and in another order. */
	for (int n = MANY - 1; n >= 0; n--)
		make(&many[n], &compare_cif, compare, n);
	for (int n = 0; n < MANY; n += 50)
		nearest(&many[n]);
	for (int n = 0; n < MANY; n++) {
		ffi_closure_free(many[n].closure);
		make(&many[n], &scale_cif, scale, n * 2);
	}
	printf("replaced: %.1f\n", call_all());
	in_threads();
	return 29;
}
