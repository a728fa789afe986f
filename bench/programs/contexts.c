/*
 * usage: contexts WARM-UP TRAMPOLINES CALLS
 *
 * What a trampoline of version 1 costs from its creation to its end, and what it costs to change the context of one that
 * is mapped. Prints `NAME MICROSECONDS`: after WARM-UP trampolines, for each step of one and for all of it (averages over
 * TRAMPOLINES); then, averages over CALLS, for a change of the register context, for a change to a context of another
 * shape, for a read of it, and for the cheapest call that goes to the supervisor and back: a write at an offset that
 * there is not.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "context.h"

#include <errno.h>

enum { CREATE, SET, MAP, UNMAP, CLOSE, STEPS };

static const char *const names[STEPS] = {"create", "set", "map", "unmap", "close"};

static uintptr_t seen;

static void target(void)
{
	register uintptr_t chain __asm__("r10");
	__asm__ volatile("" : "=r"(chain));
	seen = chain;
}

/* One trampoline from beginning to end; adds the time of each step. */
static void live(double spent[STEPS])
{
	struct trampfd_map how;
	void *base;
	double before = now(), after;
	const int trampoline = trampfd_create_user();
	need(trampoline >= 0, "trampfd");
	spent[CREATE] += (after = now()) - before;

	need(context_set(trampoline, (void *)target, 1, 1) == 0, "pwrite");
	spent[SET] += (before = now()) - after;

	need(context_map(trampoline, &how, &base) != NULL, "mmap");
	spent[MAP] += (after = now()) - before;

	need(munmap(base, how.size) == 0, "munmap");
	spent[UNMAP] += (before = now()) - after;

	need(close(trampoline) == 0, "close");
	spent[CLOSE] += (after = now()) - before;
}

/* Changes a mapped trampoline and calls it each time: the call must see the change. */
static double change(int trampoline, void (*called)(void), long calls, int registers)
{
	double spent = 0;
	for (long call = 0; call < calls; call++) {
		const double start = now();
		/* Between one and two registers the shape changes every time. */
		const int count = registers > 1 ? 1 + (int)(call % 2) : 1;
		need(context_set(trampoline, (void *)target, count, (uintptr_t)call) == 0, "pwrite");
		spent += now() - start;
		called();
		need(seen == (uintptr_t)call, "the new context");
	}
	return spent / (double)calls;
}

int main(int count, char **arguments)
{
	if (count != 4) {
		fprintf(stderr, "usage: contexts WARM-UP TRAMPOLINES CALLS\n");
		return 2;
	}
	const long warm_up = number(arguments[1]), trampolines = number(arguments[2]), calls = number(arguments[3]);
	double ignored[STEPS] = {0}, spent[STEPS] = {0}, all = 0;
	for (long index = 0; index < warm_up; index++)
		live(ignored);
	for (long index = 0; index < trampolines; index++)
		live(spent);
	for (int step = 0; step < STEPS; step++) {
		all += spent[step];
		printf("%s %.3f\n", names[step], spent[step] / (double)trampolines / 1e3);
	}
	printf("user %.3f\n", all / (double)trampolines / 1e3);

	struct trampfd_map how;
	void *base;
	const int trampoline = trampfd_create_user();
	need(trampoline >= 0 && context_set(trampoline, (void *)target, 1, 1) == 0, "pwrite");
	void *const address = context_map(trampoline, &how, &base);
	need(address != NULL, "mmap");
	void (*called)(void);
	memcpy(&called, &address, sizeof called);
	printf("change %.3f\n", change(trampoline, called, calls, 1) / 1e3);
	printf("change-shape %.3f\n", change(trampoline, called, calls, 2) / 1e3);

	char context[TRAMPFD_REGS_SIZE(2)];
	double start = now();
	for (long call = 0; call < calls; call++)
		need(pread(trampoline, context, sizeof context, TRAMPFD_REGS_OFFSET) == sizeof context, "pread");
	printf("read %.3f\n", (now() - start) / (double)calls / 1e3);
	start = now();
	for (long call = 0; call < calls; call++)
		need(pwrite(trampoline, context, sizeof context, 5) == -1 && errno == EINVAL, "pwrite at offset 5");
	printf("round-trip %.3f\n", (now() - start) / (double)calls / 1e3);
	return 0;
}
