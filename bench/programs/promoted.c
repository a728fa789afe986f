/*
 * usage: promoted closure|heap|rewritten WARM-UP CALLS
 *
 * What a call costs through trampolines that the program has written itself, after WARM-UP calls that are not measured:
 * a closure of libffi; one of GCC's trampolines on the heap, in a page of them that is writable and executable; or such
 * a one that is written again before each call, as a function that has a nested one and is called in a loop does it.
 * Bare they are what they are; under `trampfd run` the first calls are emulated, and later ones are served by pages of
 * the supervisor's. Prints `NAME NANOSECONDS`.
 */
#define _GNU_SOURCE
#include "caller.h"
#include "clock.h"
#include "closure.h"

#include <string.h>
#include <sys/mman.h>

static volatile long total;

APART static void add(long value)
{
	total += value;
}

static void on_closure(ffi_cif *interface, void *result, void **arguments, void *context)
{
	(void)interface;
	(void)result;
	(void)context;
	total += *(const long *)arguments[0];
}

/* What GCC 14 writes: endbr64; movabs $function, %r11; movabs $chain, %r10; rex.WB jmp *%r11; nop. */
enum { FUNCTION_AT = 6, CHAIN_AT = 16, JUMP_AT = 24, HEAP_LENGTH = 28, PAGE = 4096 };

static void write_heap(unsigned char *code, function *target, void *chain)
{
	memcpy(code, "\xf3\x0f\x1e\xfa\x49\xbb", FUNCTION_AT);
	memcpy(code + FUNCTION_AT, &target, 8);
	memcpy(code + CHAIN_AT - 2, "\x49\xba", 2);
	memcpy(code + CHAIN_AT, &chain, 8);
	memcpy(code + JUMP_AT, "\x41\xff\xe3\x90", 4);
}

/* A page with nothing else, as GCC has it; the trampoline that is called is one in the middle. */
static unsigned char *heap(void)
{
	unsigned char *const page =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(page != MAP_FAILED, "mmap");
	for (int index = 0; index < PAGE / HEAP_LENGTH; index++)
		write_heap(page + HEAP_LENGTH * index, add, NULL);
	return page + HEAP_LENGTH * (PAGE / HEAP_LENGTH / 2);
}

/* Calls it with 0 to calls - 1, written anew each time if told so: the nanoseconds. Every call must have arrived. */
APART static double time_calls(function *called, unsigned char *rewritten, long calls)
{
	total = 0;
	const double start = now();
	for (long value = 0; value < calls; value++) {
		if (rewritten != NULL)
			write_heap(rewritten, add, NULL);
		called(value);
	}
	const double spent = now() - start;
	if (total != calls * (calls - 1) / 2) {
		fprintf(stderr, "promoted: calls were lost\n");
		exit(1);
	}
	return spent;
}

int main(int count, char **arguments)
{
	const char *const what = count == 4 ? arguments[1] : "";
	const int is_closure = strcmp(what, "closure") == 0, is_rewritten = strcmp(what, "rewritten") == 0;
	if (!is_closure && !is_rewritten && strcmp(what, "heap") != 0) {
		fprintf(stderr, "usage: promoted closure|heap|rewritten WARM-UP CALLS\n");
		return 2;
	}
	const long warm_up = number(arguments[2]), calls = number(arguments[3]);
	unsigned char *const code = is_closure ? NULL : heap(), *const rewritten = is_rewritten ? code : NULL;
	function *called;
	if (is_closure)
		called = closure_create(on_closure, NULL);
	else
		memcpy(&called, &code, sizeof called);
	time_calls(called, rewritten, warm_up);
	printf("%s %.4f\n", what, time_calls(called, rewritten, calls) / (double)calls);
	return 0;
}
