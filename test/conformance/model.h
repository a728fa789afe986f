/*
 * What a random program needs: random values that are mostly right and sometimes wrong in every way, and a model of a
 * table that says what each call has to give.
 */
#ifndef MODEL_H
#define MODEL_H

#include "table.h"

enum { COPIES = 4 };
enum { SUCCESS = 0 };

/* What is known of a table. */
struct model {
	struct table table;
	int copies[COPIES], ncopies;
	int code, data;
	struct trampfd_code code_value;
	struct trampfd_data data_value;
};

static uint64_t state;
static size_t page_size;

/* Addresses that cannot be written to, and of those the ones that cannot be read either. */
static char *unmapped, *read_only, *edge;

static uint64_t random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1du;
}

static uint32_t below(uint32_t limit)
{
	return (uint32_t)((random_bits() >> 33) % limit);
}

static int one_in(uint32_t n)
{
	return below(n) == 0;
}

/* An address that is no place for 16 bytes; *error says what it is answered with. */
static void *wild_address(int writing, int *error)
{
	*error = EFAULT;
	switch (below(writing ? 7 : 6)) {
	case 0:
		*error = EINVAL;
		return NULL;
	case 1:
		return unmapped + below((uint32_t)page_size - 16);
	case 2:
		return edge + below(15);
	case 3:
		return (char *)(UINTPTR_MAX - below(4096));
	case 4:
		return (char *)(sizeof(void *) == 8 ? ((uintptr_t)1 << 47) + below(1u << 30) : UINTPTR_MAX - below(8192));
	case 5:
		return (char *)(uintptr_t)(1 + below(4000));
	default:
		return read_only + below((uint32_t)page_size - 16);
	}
}

static uint32_t random_register(void)
{
	if (one_in(4))
		return one_in(2) ? below(64) : (uint32_t)random_bits();
	return FIRST_REGISTER + below(LAST_REGISTER - FIRST_REGISTER + 1);
}

static uint64_t random_table_address(const uintptr_t *good)
{
	switch (below(10)) {
	case 0:
		return 0;
	case 1:
		return (uintptr_t)good + 1 + below(sizeof(void *) - 1);
	case 2:
		return random_bits();
	case 3:
		return random_bits() & ~(uint64_t)7;
	case 4:
		return sizeof(void *) == 8 ? -(uint64_t)8 * below(200) : ((uint64_t)1 << 32) - 4 * below(300);
	default:
		return (uintptr_t)good;
	}
}

static int bad_register(uint32_t number)
{
	return number + 1 <= FIRST_REGISTER || number > LAST_REGISTER || number == UINT32_MAX;
}

static int bad_table(uint64_t address, uint32_t slots)
{
	uint64_t size = (uint64_t)slots * sizeof(void *);

	if (address == 0 || address % sizeof(void *) != 0)
		return 1;
	return sizeof(void *) == 8 ? address > -size : address > ((uint64_t)1 << 32) - size;
}

/* What writing 16 readable bytes as a descriptor has to give. */
static int judge_code(const struct model *model, const struct trampfd_code *code)
{
	if (model->code)
		return EEXIST;
	if (code->ntrampolines == 0 || code->ntrampolines > model->table.info.ntrampolines || bad_register(code->reg) ||
	    (model->data && model->data_value.reg == code->reg) || bad_table(code->table, code->ntrampolines) ||
	    (model->data && bad_table(model->data_value.table, code->ntrampolines)))
		return EINVAL;
	return SUCCESS;
}

static int judge_data(const struct model *model, const struct trampfd_data *data)
{
	if (data->reserved != 0)
		return EINVAL;
	if (model->data)
		return EEXIST;
	if (bad_register(data->reg) || (model->code && model->code_value.reg == data->reg) ||
	    bad_table(data->table, model->code ? model->code_value.ntrampolines : 1))
		return EINVAL;
	return SUCCESS;
}

#endif
