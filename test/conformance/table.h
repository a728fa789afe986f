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

#include "tap.h"

/*
 * Registers that a C function can be called with: those of libffi's closures, where the target finds its data beside its
 * arguments. On arm one of the two is an argument's.
 */
#if defined(__x86_64__)
#define CODE_REGISTER x64_r11
#define DATA_REGISTER x64_r10
#define FIRST_REGISTER x64_rax
#define LAST_REGISTER x64_r15
#define OTHER_WIDTH_REGISTER x32_edx
#define CODE_SIZE 60
#elif defined(__i386__)
#define CODE_REGISTER x32_edx
#define DATA_REGISTER x32_eax
#define FIRST_REGISTER x32_eax
#define LAST_REGISTER x32_ebp
#define OTHER_WIDTH_REGISTER x64_r11
#define CODE_SIZE 28
#elif defined(__aarch64__)
#define CODE_REGISTER arm64_r16
#define DATA_REGISTER arm64_r17
#define FIRST_REGISTER arm64_r0
#define LAST_REGISTER arm64_r29
#define OTHER_WIDTH_REGISTER arm_r12
#define CODE_SIZE 48
#elif defined(__arm__)
#define CODE_REGISTER arm_r3
#define DATA_REGISTER arm_r12
#define FIRST_REGISTER arm_r0
#define LAST_REGISTER arm_r12
#define OTHER_WIDTH_REGISTER arm64_r16
#define CODE_SIZE 28
#else
#error "no targets in assembly language for this architecture"
#endif

/* More slots than a table of one page has; on x86 those have 4 KiB, elsewhere up to 64. */
#if defined(__x86_64__) || defined(__i386__)
#define SLOTS 256
#else
#define SLOTS 4096
#endif

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

#if defined(__x86_64__)
__asm__(".text\n"
        "target_data: endbr64; mov %r10, %rax; ret\n"
        "target_data_negated: endbr64; mov %r10, %rax; not %rax; ret\n");
#elif defined(__i386__)
__asm__(".text\n"
        "target_data: endbr32; ret\n"
        "target_data_negated: endbr32; not %eax; ret\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        "target_data: hint #34; mov x0, x17; ret\n"
        "target_data_negated: hint #34; mvn x0, x17; ret\n");
#else
__asm__(".text\n"
        ".arm\n"
        ".type target_data, %function\n"
        "target_data: mov r0, r12; bx lr\n"
        ".type target_data_negated, %function\n"
        "target_data_negated: mvn r0, r12; bx lr\n");
#endif

/* The descriptors of a table: n trampolines that use its two arrays. */
TAP_UNUSED static struct trampfd_code code_of(const struct table *table, uint32_t n)
{
	struct trampfd_code code = { n, CODE_REGISTER, (uintptr_t)table->code };
	return code;
}

TAP_UNUSED static struct trampfd_data data_of(const struct table *table)
{
	struct trampfd_data data = { DATA_REGISTER, 0, (uintptr_t)table->data };
	return data;
}

/* Ends the program where nobody answers: there is nothing to be judged then. */
TAP_UNUSED static void require_tables(void)
{
	struct trampfd_info info = { 0, 0, 0, 0 };
	int fd = trampfd(&info);

	if (fd < 0)
		bail_out("trampfd() gives no table: %s", errno_name(errno));
	if (close(fd) != 0)
		bail_out("the descriptor %d that trampfd() gave cannot be closed: %s", fd, errno_name(errno));
	if (info.ntrampolines == 0 || info.ntrampolines > SLOTS || info.code_size == 0)
		bail_out("trampfd() says %u trampolines of %u bytes", info.ntrampolines, info.code_size);
}

/* Creates a table of as many trampolines as fit and sets both descriptors. Returns 0, or -1 with errno. */
TAP_UNUSED static int table_open(struct table *table)
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
TAP_UNUSED static int table_map(struct table *table, int flags)
{
	size_t length = (size_t)table->info.code_size * table->info.ntrampolines;
	void *base = mmap(NULL, length, PROT_READ | PROT_EXEC, flags, table->fd, table->info.code_offset);
	if (base == MAP_FAILED)
		return -1;
	table->base = (char *)base;
	return 0;
}

TAP_UNUSED static int table_unmap(struct table *table)
{
	return munmap(table->base, (size_t)table->info.code_size * table->info.ntrampolines);
}

/* The address of a trampoline, and what it returns when it is called without arguments. */
TAP_UNUSED static uintptr_t trampoline(const struct table *table, uint32_t index)
{
	return (uintptr_t)table->base + (uintptr_t)table->info.code_size * index;
}

TAP_UNUSED static uintptr_t call(const struct table *table, uint32_t index)
{
	return ((uintptr_t (*)(void))trampoline(table, index))();
}

/* Points trampoline `index` at a function with its data. The compiler may not move the stores behind the call. */
TAP_UNUSED static void slot_set(struct table *table, uint32_t index, uintptr_t (*function)(void), uintptr_t data)
{
	*(volatile uintptr_t *)&table->data[index] = data;
	*(volatile uintptr_t *)&table->code[index] = (uintptr_t)function;
}

/* The other form of mapping: MAP_SHARED where the implementation takes it, else the interface's own again. */
TAP_UNUSED static int other_flags(void)
{
	static struct table table;
	static int flags;

	if (flags == 0) {
		if (table_open(&table) != 0)
			bail_out("a table: %s", errno_name(errno));
		flags = table_map(&table, MAP_SHARED) == 0 ? MAP_SHARED : MAP_PRIVATE;
		if (flags == MAP_SHARED)
			table_unmap(&table);
		close(table.fd);
	}
	return flags;
}

#endif
