/* What call.c and the library that calls back, caller.c, share. */
#ifndef TRAMPFD_BENCH_CALLER_H
#define TRAMPFD_BENCH_CALLER_H

/* Functions begin on lines of their own, so that no way owes its figure to where the compiler put a loop. */
#define APART __attribute__((noipa, aligned(64)))

typedef void function(long);

/* Calls it with 0 to calls - 1; the nanoseconds of all calls. */
typedef double time_function(function *called, long calls);

#endif
