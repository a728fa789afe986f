/*
 * Row 24: starting a file with a segment that is writable and executable: one that a run trusts, as it lies beside this
 * program, and a copy.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

static void *run_at(const char *path, const char *where)
{
	return path == NULL ? NULL : start_with(path, (char *[]){(char *)path, (char *)where, NULL}, environ);
}

static void *run(const char *path)
{
	return run_at(path, "data");
}

static void *trusted(void)
{
	return run(beside("writable-segment"));
}

static void *copy(void)
{
	return run(copied(beside("writable-segment")));
}

static void *by_descriptor(void)
{
	const int descriptor = open(beside("writable-segment"), O_PATH);
	char number[32];
	snprintf(number, sizeof number, "/proc/self/fd/%d", descriptor);
	return run(number);
}

/* The program itself is as it should be; the interpreter that it names has the segment. */
static void *interpreter(void)
{
	return run_at(beside("interpreted"), "any");
}

VARIANTS({"trusted", trusted}, {"copy", copy}, {"by-descriptor", by_descriptor}, {"interpreter", interpreter})
