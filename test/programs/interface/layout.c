/*
 * Prints every number and layout that trampfd.h defines, a line "NAME VALUE" each, for a test to hold against the tables
 * of the project itself. C89 and C++98, so that the header is tried in both.
 */
#include <trampfd.h>

#include <stddef.h>
#include <stdio.h>

#define HOLDS(name, condition) typedef char name[(condition) ? 1 : -1]
#define SHOW(value) printf("%s %lu\n", #value, (unsigned long)(value))
#define SHOW_FIELD(structure, field) \
	printf("%s.%s %lu\n", #structure, #field, (unsigned long)offsetof(struct structure, field))

HOLDS(info_is_16_bytes, sizeof(struct trampfd_info) == 16);
HOLDS(code_is_16_bytes, sizeof(struct trampfd_code) == 16);
HOLDS(data_is_16_bytes, sizeof(struct trampfd_data) == 16);
HOLDS(code_table_is_64_bits_for_all, sizeof(((struct trampfd_code *)0)->table) == 8);
HOLDS(data_table_is_64_bits_for_all, sizeof(((struct trampfd_data *)0)->table) == 8);

static void show_layouts(void)
{
	printf("trampfd_info.size %lu\n", (unsigned long)sizeof(struct trampfd_info));
	SHOW_FIELD(trampfd_info, ntrampolines);
	SHOW_FIELD(trampfd_info, code_size);
	SHOW_FIELD(trampfd_info, code_offset);
	SHOW_FIELD(trampfd_info, reserved);
	printf("trampfd_code.size %lu\n", (unsigned long)sizeof(struct trampfd_code));
	SHOW_FIELD(trampfd_code, ntrampolines);
	SHOW_FIELD(trampfd_code, reg);
	SHOW_FIELD(trampfd_code, table);
	printf("trampfd_data.size %lu\n", (unsigned long)sizeof(struct trampfd_data));
	SHOW_FIELD(trampfd_data, reg);
	SHOW_FIELD(trampfd_data, reserved);
	SHOW_FIELD(trampfd_data, table);
}

static void show_constants(void)
{
	SHOW(SYS_trampfd);
	SHOW(TRAMPFD_CODE);
	SHOW(TRAMPFD_DATA);
	SHOW(TRAMPFD_NUM_OFFSETS);
}

static void show_x86_registers(void)
{
	SHOW(x32_eax); SHOW(x32_ebx); SHOW(x32_ecx); SHOW(x32_edx); SHOW(x32_esi); SHOW(x32_edi); SHOW(x32_ebp);
	SHOW(x64_rax); SHOW(x64_rbx); SHOW(x64_rcx); SHOW(x64_rdx); SHOW(x64_rsi); SHOW(x64_rdi); SHOW(x64_rbp);
	SHOW(x64_r8); SHOW(x64_r9); SHOW(x64_r10); SHOW(x64_r11); SHOW(x64_r12); SHOW(x64_r13); SHOW(x64_r14);
	SHOW(x64_r15);
}

static void show_arm_registers(void)
{
	SHOW(arm_r0); SHOW(arm_r1); SHOW(arm_r2); SHOW(arm_r3); SHOW(arm_r4); SHOW(arm_r5); SHOW(arm_r6);
	SHOW(arm_r7); SHOW(arm_r8); SHOW(arm_r9); SHOW(arm_r10); SHOW(arm_r11); SHOW(arm_r12);
	SHOW(arm64_r0); SHOW(arm64_r1); SHOW(arm64_r2); SHOW(arm64_r3); SHOW(arm64_r4); SHOW(arm64_r5);
	SHOW(arm64_r6); SHOW(arm64_r7); SHOW(arm64_r8); SHOW(arm64_r9); SHOW(arm64_r10); SHOW(arm64_r11);
	SHOW(arm64_r12); SHOW(arm64_r13); SHOW(arm64_r14); SHOW(arm64_r15); SHOW(arm64_r16); SHOW(arm64_r17);
	SHOW(arm64_r18); SHOW(arm64_r19); SHOW(arm64_r20); SHOW(arm64_r21); SHOW(arm64_r22); SHOW(arm64_r23);
	SHOW(arm64_r24); SHOW(arm64_r25); SHOW(arm64_r26); SHOW(arm64_r27); SHOW(arm64_r28); SHOW(arm64_r29);
}

int main(void)
{
	show_layouts();
	show_constants();
	show_x86_registers();
	show_arm_registers();
	return 0;
}
