/*
 * The Test Anything Protocol for the programs of this folder: ok() reports one fact, done() the plan. The plan comes
 * last, as TAP allows, so that a program that dies in between is seen to have died.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_run, tap_failed;

/* Reports a fact; the text is a format. Returns whether it held. */
__attribute__((format(printf, 2, 3), unused)) static int ok(int holds, const char *format, ...)
{
	va_list arguments;

	tap_run++;
	tap_failed += !holds;
	printf("%sok %d - ", holds ? "" : "not ", tap_run);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	return holds;
}

/* Prints the plan and gives main()'s result. */
static inline int done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed != 0;
}

#endif
