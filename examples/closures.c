/*
 * Closures of libffi, by a program that knows nothing of trampolines: it allocates, prepares, calls and frees them, and
 * says what memory their code is in. Linked with libffi_closures.c that is the page of a trampoline table, under trampfd;
 * without it, or without trampfd, it is whatever libffi gets.
 *
 *     cc -I TRAMPFD/include -o closures closures.c libffi_closures.c -lffi        (TRAMPFD is the folder of this package)
 *     trampfd run -- ./closures
 *     trampfd run -- ./closures freed                           (calls a closure that is freed, and is ended for it)
 */
#define _GNU_SOURCE
#include <ffi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "closures: %s\n", what);
		exit(1);
	}
}

/* A closure, and what it is called at. */
struct callback {
	ffi_closure *closure;
	void *code;
};

typedef void closure_function(ffi_cif *, void *, void **, void *);

static struct callback make(ffi_cif *cif, closure_function *function, void *user_data)
{
	struct callback made;

	made.closure = ffi_closure_alloc(sizeof *made.closure, &made.code);
	require(made.closure != NULL, "there is no memory for a closure");
	require(ffi_prep_closure_loc(made.closure, cif, function, user_data, made.code) == FFI_OK, "a closure is not prepared");
	return made;
}

/* int compare(const void *, const void *), which multiplies by what user_data points to. */
static ffi_cif comparison;
static ffi_type *two_pointers[] = { &ffi_type_pointer, &ffi_type_pointer };

static void compare(ffi_cif *cif, void *result, void **arguments, void *sign)
{
	const int *a = *(const int **)arguments[0], *b = *(const int **)arguments[1];

	(void)cif;
	*(ffi_sarg *)result = (*a - *b) * *(const int *)sign;
}

static void sort_by(int *numbers, size_t count, int sign)
{
	struct callback made = make(&comparison, compare, &sign);

	qsort(numbers, count, sizeof *numbers, (__compar_fn_t)made.code);
	for (size_t index = 0; index < count; index++)
		printf("%d%c", numbers[index], index + 1 < count ? ' ' : '\n');
	ffi_closure_free(made.closure);
}

/* double scale(double, long), which adds its number; vector arguments have a handler of their own in libffi. */
static ffi_cif scaling;
static ffi_type *number_and_factor[] = { &ffi_type_double, &ffi_type_slong };
typedef double scale_function(double, long);

static void scale(ffi_cif *cif, void *result, void **arguments, void *number)
{
	(void)cif;
	*(double *)result = *(double *)arguments[0] * (double)*(long *)arguments[1] + (double)(intptr_t)number;
}

static double call(struct callback made, double value, long factor)
{
	return ((scale_function *)made.code)(value, factor);
}

enum { MANY = 1000 };

static void call_many(void)
{
	static struct callback made[MANY];
	double sum = 0;

	for (intptr_t number = 0; number < MANY; number++)
		made[number] = make(&scaling, scale, (void *)number);
	for (int number = 0; number < MANY; number++)
		sum += call(made[number], 0.5, 2);
	printf("%d closures, sum %.0f\n", MANY, sum);

	/* The odd ones make room for others, which must not be called as the old ones. */
	for (int number = 1; number < MANY; number += 2)
		ffi_closure_free(made[number].closure);
	for (intptr_t number = 1; number < MANY; number += 2)
		made[number] = make(&scaling, scale, (void *)-number);
	sum = 0;
	for (int number = 0; number < MANY; number++)
		sum += call(made[number], 0.5, 2);
	printf("every second one again, with the opposite number: sum %.0f\n", sum);
	for (int number = 0; number < MANY; number++)
		ffi_closure_free(made[number].closure);
}

enum { THREADS = 4, TURNS = 5000 };

static void *come_and_go(void *thread)
{
	for (intptr_t turn = 0; turn < TURNS; turn++) {
		const intptr_t number = (intptr_t)thread * TURNS + turn;
		struct callback made = make(&scaling, scale, (void *)number);
		require(call(made, 3, 7) == 21 + (double)number, "another thread's closure was called");
		ffi_closure_free(made.closure);
	}
	return NULL;
}

/* The line of /proc/self/maps that an address is in: its permissions, and what it is a mapping of. */
static void say_where(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], permissions[5], name[256];
	unsigned long from, to;

	require(maps != NULL, "/proc/self/maps cannot be read");
	while (fgets(line, sizeof line, maps) != NULL) {
		name[0] = '\0';
		require(sscanf(line, "%lx-%lx %4s %*s %*s %*s %255[^\n]", &from, &to, permissions, name) >= 3, "maps");
		if ((uintptr_t)address >= from && (uintptr_t)address < to)
			printf("their code: %s %s\n", permissions, name[0] == '\0' ? "memory" : name);
	}
	fclose(maps);
}

int main(int argc, char **argv)
{
	int numbers[] = { 3, 1, 2 };
	pthread_t threads[THREADS];
	struct callback made;

	require(ffi_prep_cif(&comparison, FFI_DEFAULT_ABI, 2, &ffi_type_sint, two_pointers) == FFI_OK, "ffi_prep_cif");
	require(ffi_prep_cif(&scaling, FFI_DEFAULT_ABI, 2, &ffi_type_double, number_and_factor) == FFI_OK, "ffi_prep_cif");
	made = make(&scaling, scale, NULL);
	if (argc > 1 && strcmp(argv[1], "freed") == 0) {
		ffi_closure_free(made.closure);
		return (int)call(made, 1, 1);
	}
	say_where(made.code);
	sort_by(numbers, 3, 1);
	sort_by(numbers, 3, -1);
	call_many();
	for (intptr_t thread = 0; thread < THREADS; thread++)
		require(pthread_create(&threads[thread], NULL, come_and_go, (void *)thread) == 0, "no thread");
	for (int thread = 0; thread < THREADS; thread++)
		require(pthread_join(threads[thread], NULL) == 0, "a thread did not end");
	printf("%d threads, %d closures each, one after the other\n", THREADS, TURNS);
	ffi_closure_free(made.closure);
	return 0;
}
