/*
 * The library whose loop calls what it is given, as qsort(3) calls its comparison: where a callback is called from.
 * Compiled as a shared object and opened by call.c.
 */
#include "caller.h"
#include "clock.h"

volatile long library_total;

APART void library_add(long value)
{
	library_total += value;
}

APART double time_calls(function *called, long calls)
{
	const double start = now();
	for (long value = 0; value < calls; value++)
		called(value);
	return now() - start;
}
