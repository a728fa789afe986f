/*
 * A program that keeps its supervisor busy for some milliseconds, in several processes at once: closures of libffi that
 * are made, called and freed, nested functions, tables, threads, forks, programs that are executed. Whatever fails is
 * tried again until the time is over: the supervisor may be gone. It ends by itself, and its processes with the first one.
 *
 *   busy MILLISECONDS
 */
#define _GNU_SOURCE
#include <ffi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "../../conformance/table.h"
#include "../belong.h"

static long deadline;

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void answer(ffi_cif *cif, void *result, void **arguments, void *data)
{
	(void)cif;
	*(ffi_arg *)result = *(ffi_arg *)arguments[0] + *(long *)data;
}

static void *closures(void *unused)
{
	ffi_cif cif;
	ffi_type *types[] = { &ffi_type_slong };
	long added = 7;
	(void)unused;
	ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_slong, types);
	while (now() < deadline) {
		void *code;
		ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
		if (closure == NULL || ffi_prep_closure_loc(closure, &cif, answer, &added, code) != FFI_OK) continue;
		for (int n = 0; n < 50; n++)
			if (((long (*)(long))code)(n) != n + added) abort();
		ffi_closure_free(closure);
	}
	return NULL;
}

static int compare(const void *one, const void *other, void *data)
{
	(void)data;
	return *(const int *)one - *(const int *)other;
}

static void nested(void)
{
	while (now() < deadline) {
		int numbers[] = { 5, 3, 8, 1, 9, 2 }, calls = 0;
		int counted(const void *one, const void *other)
		{
			calls++;
			return compare(one, other, NULL);
		}
		qsort(numbers, 6, sizeof *numbers, counted);
		if (numbers[0] != 1 || calls == 0) abort();
	}
}

static void tables(void)
{
	while (now() < deadline) {
		static struct table table;
		if (table_open(&table) != 0) continue;
		if (table_map(&table, MAP_PRIVATE) == 0) {
			slot_set(&table, 3, target_data, 0x1234);
			if (call(&table, 3) != 0x1234) abort();
			table_unmap(&table);
		}
		close(table.fd);
	}
}

static void threads(void)
{
	while (now() < deadline) {
		pthread_t made[3];
		for (int n = 0; n < 3; n++)
			if (pthread_create(&made[n], NULL, closures, NULL) != 0) exit(1);
		for (int n = 0; n < 3; n++) pthread_join(made[n], NULL);
	}
}

static void forks(const char *self)
{
	while (now() < deadline) {
		pid_t child = fork();
		if (child == 0) {
			execl(self, self, "0", (char *)NULL);
			_exit(1);
		}
		if (child > 0) waitpid(child, NULL, 0);
	}
}

static void closures_alone(void)
{
	closures(NULL);
}

int main(int argc, char **argv)
{
	static void (*const works[])(void) = { closures_alone, nested, tables, threads };
	long milliseconds = argc < 2 ? 0 : atol(argv[1]);
	if (milliseconds == 0) return 0;
	deadline = now() + milliseconds;
	for (unsigned n = 0; n <= 4; n++) {
		const pid_t self = getpid();
		pid_t child = fork();
		if (child != 0) continue;
		belong(self);
		if (n == 4) forks(argv[0]);
		else works[n]();
		_exit(0);
	}
	if (write(1, "busy\n", 5) != 5) return 1;
	while (wait(NULL) > 0)
		continue;
	return 0;
}
