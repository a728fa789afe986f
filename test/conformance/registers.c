/*
 * Every pair of registers as code and data register, executed: the target finds its own address in the one, the data in
 * the other, and all other registers, the stack pointer, the flags and the vector registers as the caller left them.
 */
#define _GNU_SOURCE
#include "machine/machine.h"
#include "table.h"

static struct table table;
static uint64_t state = 0x9e3779b97f4a7c15u;

static uintptr_t random_word(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uintptr_t)(state * 0x2545f4914f6cdd1du >> (sizeof(uintptr_t) == 8 ? 0 : 32));
}

/* Opens and maps a table with a pair of registers. */
static int open_pair(int code_register, int data_register)
{
	table.fd = trampfd(&table.info);
	if (table.fd < 0)
		return -1;
	struct trampfd_code code = { table.info.ntrampolines, (uint32_t)code_register, (uintptr_t)table.code };
	struct trampfd_data data = { (uint32_t)data_register, 0, (uintptr_t)table.data };
	if (pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) != sizeof code)
		return -1;
	if (pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA) != sizeof data)
		return -1;
	return table_map(&table, MAP_PRIVATE);
}

static void choose_state(uint32_t index)
{
	for (int i = 0; i < WORD_REGISTERS; i++) {
		before[i] = random_word();
		after[i] = ~before[i];
	}
	for (int i = 0; i < VECTOR_BYTES; i++)
		vectors_before[i] = (unsigned char)random_word();
	memset(vectors_after, 0, sizeof vectors_after);
	flags_before = (random_word() & FLAGS_MASK) | FLAGS_SET;
	flags_after = ~flags_before;
	slot_address = trampoline(&table, index);
	/* Aligned, for there are processors that insist. */
	before[STACK_POINTER] &= ~15ul;
#ifdef JUMP_REGISTER
	before[JUMP_REGISTER] = slot_address;
#endif
}

/* Calls a trampoline in a random state; what is wrong with the state that its target finds, or NULL. */
static const char *wrong(int code_register, int data_register, uint32_t index, const char *target)
{
	static char text[128];
	uintptr_t data = random_word();

	choose_state(index);
	table.code[index] = (uintptr_t)target;
	table.data[index] = data;
	run_slot_with_vectors();
	if (reached != (uintptr_t)target)
		return "the other target is reached";
	for (int i = 0; i < WORD_REGISTERS; i++) {
		unsigned long right = before[i];
		if (registers[i].number == code_register)
			right = (uintptr_t)target;
		else if (registers[i].number == data_register)
			right = data;
		if (after[i] != right) {
			snprintf(text, sizeof text, "%s is %#lx, not %#lx", registers[i].name, after[i], right);
			return text;
		}
	}
	if (((flags_before ^ flags_after) & FLAGS_MASK) != 0)
		return "the flags have changed";
#if defined(__x86_64__) || defined(__i386__)
	if (memcmp(vectors_before, vectors_after, VECTOR_BYTES) != 0)
		return "a vector register has changed";
#endif
	if (table.code[index] != (uintptr_t)target || table.data[index] != data)
		return "a slot has changed";
	return NULL;
}

/* Tries a pair; gives whether it works. */
static int try_pair(const struct machine_register *code, const struct machine_register *data)
{
	const char *fault = NULL;

	if (open_pair(code->number, data->number) != 0)
		return ok(0, "code %s, data %s: %s", code->name, data->name, errno_name(errno));
	uint32_t last = table.info.ntrampolines - 1;
	const uint32_t indices[] = { 0, 1, last / 2, last };
	for (int round = 0; round < 8 && fault == NULL; round++)
		fault = wrong(code->number, data->number, indices[round % 4], round % 3 ? target_0 : target_1);
	table_unmap(&table);
	close(table.fd);
	return expect_success("call", fault == NULL, "code %s, data %s: %s", code->name, data->name,
	                      fault == NULL ? "all is as it should be" : fault);
}

/* One register for both would jump to the data. */
static void try_same(const struct machine_register *both)
{
	int fd = trampfd(&table.info);
	struct trampfd_code code = { 1, (uint32_t)both->number, (uintptr_t)table.code };
	struct trampfd_data data = { (uint32_t)both->number, 0, (uintptr_t)table.data };

	ok(pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "%s as code register: %s", both->name,
	   errno_name(errno));
	expect_errno("pwrite-data", EINVAL, "register-of-the-other", pwrite(fd, &data, sizeof data, TRAMPFD_DATA),
	             "%s as data register too", both->name);
	close(fd);
}

int main(void)
{
	int works[2][WORD_REGISTERS] = { { 0 }, { 0 } }, others = 0;

	require_tables();
	for (int c = 0; c < WORD_REGISTERS; c++) {
		if (registers[c].number < 0)
			continue;
		others++;
		try_same(&registers[c]);
		for (int d = 0; d < WORD_REGISTERS; d++) {
			if (registers[d].number < 0 || d == c)
				continue;
			int works_so = try_pair(&registers[c], &registers[d]);
			works[0][c] += works_so;
			works[1][d] += works_so;
		}
	}
	others--;
	for (int i = 0; i < WORD_REGISTERS; i++) {
		char row[32];
		if (registers[i].number < 0)
			continue;
		snprintf(row, sizeof row, "code-%s", registers[i].name);
		expect_row("call", row, works[0][i] == others, "%s as code register with all %d others", registers[i].name, others);
		snprintf(row, sizeof row, "data-%s", registers[i].name);
		expect_row("call", row, works[1][i] == others, "%s as data register with all %d others", registers[i].name, others);
	}
	return done();
}
