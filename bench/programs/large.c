/*
 * usage: large TRAMPOLINES ROUNDS
 *
 * What it takes to complete a table of so many trampolines: the second of its two descriptors, with which its code is
 * generated. Prints `large MILLISECONDS`, the average over ROUNDS after one that is not measured.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "table.h"

static double complete(uint32_t count, void *const *code, void *const *data)
{
	struct trampfd_info info;
	const int table = trampfd(&info);
	const struct trampfd_extension wanted = {TRAMPFD_EXTENSION_VERSION, count, {0, 0}};
	const struct trampfd_code with_code = {count, x64_r11, (uintptr_t)code};
	const struct trampfd_data with_data = {x64_r10, 0, (uintptr_t)data};
	need(table >= 0, "trampfd");
	need(pwrite(table, &wanted, sizeof wanted, TRAMPFD_EXTENSION) == sizeof wanted, "the extension");
	need(pwrite(table, &with_code, sizeof with_code, TRAMPFD_CODE) == sizeof with_code, "code");
	const double start = now();
	need(pwrite(table, &with_data, sizeof with_data, TRAMPFD_DATA) == sizeof with_data, "data");
	const double spent = now() - start;
	info.ntrampolines = count;
	void *const base = table_map(table, &info);
	need(base != MAP_FAILED, "mmap");
	need(munmap(base, table_length(&info)) == 0 && close(table) == 0, "munmap and close");
	return spent;
}

int main(int count, char **arguments)
{
	if (count != 3) {
		fprintf(stderr, "usage: large TRAMPOLINES ROUNDS\n");
		return 2;
	}
	const long trampolines = number(arguments[1]), rounds = number(arguments[2]);
	void **const slots = calloc((size_t)trampolines, sizeof *slots);
	double spent = 0;
	need(slots != NULL, "calloc");
	complete((uint32_t)trampolines, slots, slots);
	for (long round = 0; round < rounds; round++)
		spent += complete((uint32_t)trampolines, slots, slots);
	printf("large %.3f\n", spent / (double)rounds / 1e6);
	return 0;
}
