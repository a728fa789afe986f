/*
 * Executes table slots in a chosen state of the processor, and reports the state that their target finds.
 *
 * Each architecture's file has run_slot() and its targets; test/conformance/machine/state.h says what they do.
 *
 * Input and output are little-endian integers of 64 bits, whatever the width of the architecture. Input: a count, then
 * that many `struct call`. Output: the addresses of the two targets, then a `struct result` for each call.
 */
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../conformance/machine/state.h"

#define SLOT_BYTES 72 /* those of the longest */

struct call {
	uint64_t slot_address; /* where the code is to stand; arm's Thumb code is called with bit 0 set */
	uint64_t code_slot;    /* receives the target's address */
	uint64_t data_slot;    /* receives the data */
	uint64_t data;
	uint64_t target; /* 0 or 1 */
	uint64_t flags;
	uint64_t registers[WORD_REGISTERS];
	uint8_t code[SLOT_BYTES];
};

struct result {
	uint64_t reached;
	uint64_t flags;
	uint64_t registers[WORD_REGISTERS];
};

/* The regions in which the input may place code and tables: one address each, known to both sides. */
#if __SIZEOF_POINTER__ == 8
#define CODE_REGION 0x123456780000
#define TABLE_REGION 0x2bcdef900000
#else
#define CODE_REGION 0x34560000
#define TABLE_REGION 0x4bcd0000
#endif
#define REGION_SIZE 0x40000

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void map_region(uintptr_t address)
{
	void *at = mmap((void *)address, REGION_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != (void *)address)
		fail("mmap of a region");
}

static void read_exactly(void *to, size_t size)
{
	if (fread(to, 1, size, stdin) != size)
		fail("input ends early");
}

/* Words as they are in input and output from words as they are in memory, or the other way round. */
static void swap_words(void *words, size_t count)
{
	uint64_t *word = words;

	while (count-- > 0)
		word[count] = htole64(word[count]);
}

static void write_exactly(const void *from, size_t size)
{
	if (fwrite(from, 1, size, stdout) != size)
		fail("output");
}

int main(void)
{
	uint64_t count;
	const uint64_t targets[2] = {(uintptr_t)target_0, (uintptr_t)target_1};

	read_exactly(&count, sizeof count);
	swap_words(&count, 1);
	struct call *calls = calloc(count, sizeof *calls);
	if (!calls)
		fail("calloc");
	read_exactly(calls, count * sizeof *calls);
	for (uint64_t i = 0; i < count; i++)
		swap_words(&calls[i], offsetof(struct call, code) / sizeof(uint64_t));

	map_region(CODE_REGION);
	map_region(TABLE_REGION);
	for (uint64_t i = 0; i < count; i++)
		memcpy((void *)(uintptr_t)(calls[i].slot_address & ~(uint64_t)1), calls[i].code, SLOT_BYTES);
	__builtin___clear_cache((char *)CODE_REGION, (char *)CODE_REGION + REGION_SIZE);
	if (mprotect((void *)CODE_REGION, REGION_SIZE, PROT_READ | PROT_EXEC))
		fail("mprotect");

	uint64_t reported[2] = {targets[0], targets[1]};
	swap_words(reported, 2);
	write_exactly(reported, sizeof reported);
	for (uint64_t i = 0; i < count; i++) {
		struct result result;

		*(unsigned long *)(uintptr_t)calls[i].code_slot = (unsigned long)targets[calls[i].target];
		*(unsigned long *)(uintptr_t)calls[i].data_slot = (unsigned long)calls[i].data;
		for (int r = 0; r < WORD_REGISTERS; r++) {
			before[r] = (unsigned long)calls[i].registers[r];
			after[r] = 0;
		}
		flags_before = (unsigned long)calls[i].flags;
		flags_after = reached = 0;
		slot_address = (unsigned long)calls[i].slot_address;
		run_slot();
		result.reached = reached;
		result.flags = flags_after;
		for (int r = 0; r < WORD_REGISTERS; r++)
			result.registers[r] = after[r];
		swap_words(&result, sizeof result / sizeof(uint64_t));
		write_exactly(&result, sizeof result);
	}
	return 0;
}
