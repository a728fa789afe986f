/*
 * The Test Anything Protocol for the programs of this folder: ok() reports one fact, done() the plan. The plan comes
 * last, as TAP allows, so that a program that dies in between is seen to have died. GNU C.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_run, tap_failed;

/*
 * Reports a fact; the text is a format. Gives whether the fact held. It is evaluated before what the text shows, so that
 * the text may show errno.
 */
#define ok(holds, ...) \
	__extension__({ \
		int tap_holds = (holds) != 0; \
		tap_report(tap_holds, __VA_ARGS__); \
		tap_holds; \
	})

__attribute__((format(printf, 2, 3), unused)) static void tap_report(int holds, const char *format, ...)
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
}

/* Prints the plan and gives main()'s result. */
static inline int done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed != 0;
}

#endif
