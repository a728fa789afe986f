/* One trampoline table for the benchmark programs, over trampfd.h: code in r11, data in r10. */
#ifndef TRAMPFD_BENCH_TABLE_H
#define TRAMPFD_BENCH_TABLE_H

#include <stddef.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

/* Names the tables of code and data addresses, one entry for each trampoline. 0, or -1 with errno. */
static inline int table_configure(int table, const struct trampfd_info *info, void *const *code, void *const *data)
{
	const struct trampfd_code with_code = {info->ntrampolines, x64_r11, (uintptr_t)code};
	const struct trampfd_data with_data = {x64_r10, 0, (uintptr_t)data};
	if (pwrite(table, &with_code, sizeof with_code, TRAMPFD_CODE) != sizeof with_code)
		return -1;
	return pwrite(table, &with_data, sizeof with_data, TRAMPFD_DATA) == sizeof with_data ? 0 : -1;
}

static inline size_t table_length(const struct trampfd_info *info)
{
	return (size_t)info->code_size * info->ntrampolines;
}

/* Maps the trampolines; MAP_FAILED with errno. */
static inline void *table_map(int table, const struct trampfd_info *info)
{
	return mmap(NULL, table_length(info), PROT_READ | PROT_EXEC, MAP_PRIVATE, table, info->code_offset);
}

#endif
