/*
 * The Test Anything Protocol for the programs of this folder, with what a runner gathers coverage from. GNU C, any C
 * library.
 *
 *   ok(fact, ...)                                 a fact
 *   expect_errno(call, errno, row, result, ...)   a call fails with an errno: one row of the interface's errno tables
 *   expect_success(call, fact, ...)               a call succeeds
 *   expect_row(call, row, fact, ...)              a call succeeds, in a way that is required by itself
 *   freedom(what, ...)                            what was chosen where the interface leaves a choice; no fact
 *   bail_out(...)                                 nothing can be judged
 *   done()                                        the plan, and main()'s result
 *
 * A call is named as in calls.ts, a row as in rows.ts. The line of such a point ends in "# covers CALL ERRNO ROW",
 * "# covers CALL success" or "# covers CALL success ROW". The plan comes last, as TAP allows, so that a program that dies in between is seen to have.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TAP_UNUSED __attribute__((unused))

static int tap_run, tap_failed;

/* The name of an errno: the numbers that calls on descriptors and mappings give. */
TAP_UNUSED static const char *errno_name(int number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ 0, "success" },          { EPERM, "EPERM" },     { ENOENT, "ENOENT" },   { ESRCH, "ESRCH" },
		{ EINTR, "EINTR" },        { EIO, "EIO" },         { ENXIO, "ENXIO" },     { E2BIG, "E2BIG" },
		{ EBADF, "EBADF" },        { ECHILD, "ECHILD" },   { EAGAIN, "EAGAIN" },   { ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },      { EFAULT, "EFAULT" },   { EBUSY, "EBUSY" },     { EEXIST, "EEXIST" },
		{ ENODEV, "ENODEV" },      { EINVAL, "EINVAL" },   { ENFILE, "ENFILE" },   { EMFILE, "EMFILE" },
		{ ETXTBSY, "ETXTBSY" },    { EFBIG, "EFBIG" },     { ENOSPC, "ENOSPC" },   { ESPIPE, "ESPIPE" },
		{ ENOSYS, "ENOSYS" },      { ELOOP, "ELOOP" },     { EPROTO, "EPROTO" },   { EOVERFLOW, "EOVERFLOW" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
	};
	static char other[32];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(other, sizeof other, "errno %d", number);
	return other;
}

/*
 * Reports a fact; the text is a format. Gives whether the fact held. It is evaluated before what the text shows, so that
 * the text may show errno.
 */
#define ok(holds, ...) \
	__extension__({ \
		int tap_holds = (holds) != 0; \
		tap_report(tap_holds, NULL, __VA_ARGS__); \
		tap_holds; \
	})

#define expect_success(call, holds, ...) expect_row(call, "", holds, __VA_ARGS__)

/* A success that is a row of its own. */
#define expect_row(call, row, holds, ...) \
	__extension__({ \
		int tap_holds = (holds) != 0; \
		tap_report_success(tap_holds, call, row, __VA_ARGS__); \
		tap_holds; \
	})

/* `result` is -1 with errno where the call failed; what it is otherwise does not matter. */
#define expect_errno(call, expected, row, result, ...) \
	__extension__({ \
		int tap_error = (long)(result) == -1 ? errno : 0; \
		tap_report_errno(call, expected, tap_error, row, __VA_ARGS__); \
		tap_error == (expected); \
	})

TAP_UNUSED static void tap_print(int holds, const char *covers, const char *format, va_list arguments)
{
	tap_run++;
	tap_failed += !holds;
	printf("%sok %d - ", holds ? "" : "not ", tap_run);
	vprintf(format, arguments);
	printf(covers != NULL ? " # covers %s\n" : "\n", covers);
	fflush(stdout);
}

__attribute__((format(printf, 3, 4), unused)) static void tap_report(int holds, const char *covers, const char *format,
                                                                     ...)
{
	va_list arguments;

	va_start(arguments, format);
	tap_print(holds, covers, format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 4, 5), unused)) static void tap_report_success(int holds, const char *call,
                                                                             const char *row, const char *format, ...)
{
	char text[512], covers[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	snprintf(covers, sizeof covers, "%s success%s%s", call, *row ? " " : "", row);
	tap_report(holds, covers, "%s: %s", call, text);
}

__attribute__((format(printf, 5, 6), unused)) static void tap_report_errno(const char *call, int expected, int got,
                                                                           const char *row, const char *format, ...)
{
	char text[512], covers[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	snprintf(covers, sizeof covers, "%s %s %s", call, errno_name(expected), row);
	if (got == expected)
		tap_report(1, covers, "%s: %s: %s", call, text, errno_name(got));
	else
		tap_report(0, covers, "%s: %s: not %s, but errno %d (%s)", call, text, errno_name(expected), got,
		           errno_name(got));
}

/* Says what was chosen where the interface leaves a choice. `what` is one word. */
__attribute__((format(printf, 2, 3), unused)) static void freedom(const char *what, const char *format, ...)
{
	va_list arguments;

	printf("# freedom %s: ", what);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

__attribute__((format(printf, 1, 2), noreturn, unused)) static void bail_out(const char *format, ...)
{
	va_list arguments;

	printf("Bail out! ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	_Exit(2);
}

/* Prints the plan and gives main()'s result. */
TAP_UNUSED static int done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed != 0;
}

#endif
