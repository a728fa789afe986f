/*
 * Closures of libffi that are made, called, freed and made again without rest, by several threads: each call reaches the
 * function and the data of the closure that is there, with all its arguments.
 *
 *   closures THREADS ROUNDS
 */
#define _GNU_SOURCE
#include <ffi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 16

struct large {
	long first, second, third;
};

struct closure {
	ffi_closure *closure;
	void *code;
	long number;
	int kind;
};

static ffi_cif plain, floating, structure;
static int rounds;

static void answer_plain(ffi_cif *cif, void *result, void **arguments, void *data)
{
	long sum = *(long *)data;

	for (unsigned n = 0; n < cif->nargs; n++)
		sum = sum * 3 + *(long *)arguments[n];
	*(ffi_arg *)result = (ffi_arg)sum;
}

static void answer_floating(ffi_cif *cif, void *result, void **arguments, void *data)
{
	double sum = (double)*(long *)data;

	for (unsigned n = 0; n < cif->nargs; n++)
		sum = sum / 2 + *(double *)arguments[n];
	*(double *)result = sum;
}

static void answer_structure(ffi_cif *cif, void *result, void **arguments, void *data)
{
	(void)cif;
	struct large given = *(struct large *)arguments[0];
	given.first += *(long *)data;
	given.third *= (long)*(double *)arguments[1];
	*(struct large *)result = given;
}

static int make(struct closure *closure, int kind, long number)
{
	static void (*const functions[])(ffi_cif *, void *, void **, void *) = { answer_plain, answer_floating, answer_structure };
	ffi_cif *cifs[] = { &plain, &floating, &structure };

	closure->kind = kind;
	closure->number = number;
	closure->closure = ffi_closure_alloc(sizeof(ffi_closure), &closure->code);
	return closure->closure != NULL &&
	       ffi_prep_closure_loc(closure->closure, cifs[kind], functions[kind], &closure->number, closure->code) == FFI_OK;
}

/* Whether a call gives what it should. */
static int is_right(const struct closure *closure, long seed)
{
	if (closure->kind == 0) {
		long sum = closure->number;
		for (int n = 0; n < 8; n++)
			sum = sum * 3 + (seed + n);
		return ((long (*)(long, long, long, long, long, long, long, long))closure->code)(
		           seed, seed + 1, seed + 2, seed + 3, seed + 4, seed + 5, seed + 6, seed + 7) == sum;
	}
	if (closure->kind == 1) {
		double sum = (double)closure->number;
		for (int n = 0; n < 4; n++)
			sum = sum / 2 + (double)(seed + n);
		return ((double (*)(double, double, double, double))closure->code)((double)seed, (double)seed + 1, (double)seed + 2,
		                                                                   (double)seed + 3) == sum;
	}
	struct large given = { seed, seed + 1, seed + 2 };
	struct large got = ((struct large(*)(struct large, double))closure->code)(given, 3.0);
	return got.first == seed + closure->number && got.second == seed + 1 && got.third == (seed + 2) * 3;
}

static void *work(void *argument)
{
	struct closure closures[KEPT] = { 0 };
	unsigned state = (unsigned)(long)argument * 2654435761u + 1;
	long wrong = 0;

	for (int round = 0; round < rounds; round++) {
		state = state * 1103515245 + 12345;
		struct closure *closure = &closures[state / 65536 % KEPT];
		if (closure->closure != NULL)
			ffi_closure_free(closure->closure);
		if (!make(closure, (int)(state / 1048576 % 3), round))
			return (void *)-1;
		for (int calls = 0; calls < 3; calls++)
			wrong += !is_right(closure, round + calls);
		for (int n = 0; n < KEPT; n += 5)
			if (closures[n].closure != NULL)
				wrong += !is_right(&closures[n], round);
	}
	for (int n = 0; n < KEPT; n++)
		if (closures[n].closure != NULL)
			ffi_closure_free(closures[n].closure);
	return (void *)wrong;
}

int main(int argc, char **argv)
{
	static ffi_type *longs[8], *doubles[4], *parts[] = { &ffi_type_slong, &ffi_type_slong, &ffi_type_slong, NULL };
	static ffi_type large = { .type = FFI_TYPE_STRUCT, .elements = parts };
	static ffi_type *mixed[] = { &large, &ffi_type_double };
	int count = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t threads[count];

	rounds = argc > 2 ? atoi(argv[2]) : 100;
	for (int n = 0; n < 8; n++)
		longs[n] = &ffi_type_slong;
	for (int n = 0; n < 4; n++)
		doubles[n] = &ffi_type_double;
	if (ffi_prep_cif(&plain, FFI_DEFAULT_ABI, 8, &ffi_type_slong, longs) != FFI_OK ||
	    ffi_prep_cif(&floating, FFI_DEFAULT_ABI, 4, &ffi_type_double, doubles) != FFI_OK ||
	    ffi_prep_cif(&structure, FFI_DEFAULT_ABI, 2, &large, mixed) != FFI_OK)
		return 2;
	for (long n = 0; n < count; n++)
		if (pthread_create(&threads[n], NULL, work, (void *)n) != 0)
			return 3;
	for (int n = 0; n < count; n++) {
		void *wrong;
		pthread_join(threads[n], &wrong);
		printf("%ld ", (long)wrong);
	}
	puts("");
	return 48;
}
