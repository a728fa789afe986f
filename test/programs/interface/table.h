/*
 * What the programs of this folder share: a trampoline table with its arrays, and targets in assembly language that show
 * what arrives in the registers.
 */
#ifndef TABLE_H
#define TABLE_H

#include <trampfd.h>

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The registers of libffi's closures, where the target finds its data beside its arguments. */
#if defined(__x86_64__)
#define CODE_REGISTER x64_r11
#define DATA_REGISTER x64_r10
#define OTHER_WIDTH_REGISTER x32_edx
#elif defined(__i386__)
#define CODE_REGISTER x32_edx
#define DATA_REGISTER x32_eax
#define OTHER_WIDTH_REGISTER x64_r11
#else
#error "no targets in assembly language for this architecture"
#endif

/* More slots than any table of a 4096-byte page has. */
#define SLOTS 256

struct table {
	int fd;
	struct trampfd_info info;
	char *base;
	uintptr_t code[SLOTS];
	uintptr_t data[SLOTS];
};

/* Targets: return the data register; return the flags that they are entered with. */
uintptr_t target_data(void);
uintptr_t target_data_negated(void);
uintptr_t target_flags(void);

/* Calls a function with carry, zero and parity set and gives what it returns. */
uintptr_t call_with_flags(uintptr_t function);

#if defined(__x86_64__)
__asm__(".text\n"
        "target_data: endbr64; mov %r10, %rax; ret\n"
        "target_data_negated: endbr64; mov %r10, %rax; not %rax; ret\n"
        "target_flags: endbr64; pushfq; pop %rax; ret\n"
        "call_with_flags: endbr64; sub $8, %rsp; xor %eax, %eax; stc; call *%rdi; add $8, %rsp; ret\n");
#else
__asm__(".text\n"
        "target_data: endbr32; ret\n"
        "target_data_negated: endbr32; not %eax; ret\n"
        "target_flags: endbr32; pushf; pop %eax; ret\n"
        "call_with_flags: endbr32; mov 4(%esp), %ecx; sub $12, %esp; xor %eax, %eax; stc; call *%ecx;"
        " add $12, %esp; ret\n");
#endif

/* The descriptors of a table: n trampolines that use its two arrays. */
__attribute__((unused)) static struct trampfd_code code_of(const struct table *table, uint32_t n)
{
	struct trampfd_code code = { n, CODE_REGISTER, (uintptr_t)table->code };
	return code;
}

__attribute__((unused)) static struct trampfd_data data_of(const struct table *table)
{
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)table->data };
	return data;
}

/* Creates a table of as many trampolines as fit and sets both descriptors. Returns 0, or -1 with errno. */
__attribute__((unused)) static int table_open(struct table *table)
{
	table->base = NULL;
	table->fd = trampfd(&table->info);
	if (table->fd < 0)
		return -1;
	struct trampfd_code code = code_of(table, table->info.ntrampolines);
	struct trampfd_data data = data_of(table);
	if (pwrite(table->fd, &code, sizeof code, TRAMPFD_CODE) != sizeof code)
		return -1;
	return pwrite(table->fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data ? 0 : -1;
}

/* Maps the table. Returns 0, or -1 with errno. */
__attribute__((unused)) static int table_map(struct table *table, int flags)
{
	size_t length = (size_t)table->info.code_size * table->info.ntrampolines;
	void *base = mmap(NULL, length, PROT_READ | PROT_EXEC, flags, table->fd, table->info.code_offset);
	if (base == MAP_FAILED)
		return -1;
	table->base = (char *)base;
	return 0;
}

__attribute__((unused)) static int table_unmap(struct table *table)
{
	return munmap(table->base, (size_t)table->info.code_size * table->info.ntrampolines);
}

/* The address of a trampoline, and what it returns when it is called without arguments. */
__attribute__((unused)) static uintptr_t trampoline(const struct table *table, uint32_t index)
{
	return (uintptr_t)table->base + (uintptr_t)table->info.code_size * index;
}

__attribute__((unused)) static uintptr_t call(const struct table *table, uint32_t index)
{
	return ((uintptr_t (*)(void))trampoline(table, index))();
}

/* Points trampoline `index` at a function with its data. The compiler may not move the stores behind the call. */
__attribute__((unused)) static void slot_set(struct table *table, uint32_t index, uintptr_t (*function)(void),
                                             uintptr_t data)
{
	*(volatile uintptr_t *)&table->data[index] = data;
	*(volatile uintptr_t *)&table->code[index] = (uintptr_t)function;
}

#endif
