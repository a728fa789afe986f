/* Time for the benchmark programs, in nanoseconds of CLOCK_MONOTONIC. */
#ifndef TRAMPFD_BENCH_CLOCK_H
#define TRAMPFD_BENCH_CLOCK_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Ends the program when something that it measures or stands on fails. */
static inline void need(int is_true, const char *step)
{
	if (is_true)
		return;
	perror(step);
	exit(1);
}

/* A positive number from the command line. */
static inline long number(const char *text)
{
	const long value = strtol(text, NULL, 10);
	if (value <= 0) {
		fprintf(stderr, "a positive number is needed, not '%s'\n", text);
		exit(2);
	}
	return value;
}

#endif
