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
	printf("trampfd_extension.size %lu\n", (unsigned long)sizeof(struct trampfd_extension));
	SHOW_FIELD(trampfd_extension, version);
	SHOW_FIELD(trampfd_extension, ntrampolines);
	SHOW_FIELD(trampfd_extension, reserved);
}

static void show_user_layouts(void)
{
	printf("trampfd_user.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_user));
	SHOW_FIELD(trampfd_user, flags);
	SHOW_FIELD(trampfd_user, reserved);
	printf("trampfd_map.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_map));
	SHOW_FIELD(trampfd_map, size);
	SHOW_FIELD(trampfd_map, prot);
	SHOW_FIELD(trampfd_map, flags);
	SHOW_FIELD(trampfd_map, offset);
	SHOW_FIELD(trampfd_map, ioffset);
	SHOW_FIELD(trampfd_map, reserved);
	printf("trampfd_reg.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_reg));
	SHOW_FIELD(trampfd_reg, name);
	SHOW_FIELD(trampfd_reg, reserved);
	SHOW_FIELD(trampfd_reg, value);
	printf("trampfd_regs.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_regs));
	SHOW_FIELD(trampfd_regs, nregs);
	SHOW_FIELD(trampfd_regs, reserved);
	SHOW_FIELD(trampfd_regs, regs);
	printf("trampfd_stack.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_stack));
	SHOW_FIELD(trampfd_stack, flags);
	SHOW_FIELD(trampfd_stack, offset);
	SHOW_FIELD(trampfd_stack, size);
	SHOW_FIELD(trampfd_stack, reserved);
	SHOW_FIELD(trampfd_stack, data);
	printf("trampfd_values.sizeof %lu\n", (unsigned long)sizeof(struct trampfd_values));
	SHOW_FIELD(trampfd_values, nvalues);
	SHOW_FIELD(trampfd_values, reserved);
	SHOW_FIELD(trampfd_values, values);
	SHOW(TRAMPFD_REGS_SIZE(40));
	SHOW(TRAMPFD_STACK_SIZE(64));
	SHOW(TRAMPFD_VALUES_SIZE(16));
}

static void show_constants(void)
{
	SHOW(SYS_trampfd);
	SHOW(TRAMPFD_CODE);
	SHOW(TRAMPFD_DATA);
	SHOW(TRAMPFD_NUM_OFFSETS);
	SHOW(TRAMPFD_EXTENSION);
	SHOW(TRAMPFD_EXTENSION_VERSION);
	SHOW(TRAMPFD_EXTENSION_MOST);
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

static void show_riscv64_registers(void)
{
	SHOW(riscv64_x5); SHOW(riscv64_x6); SHOW(riscv64_x7); SHOW(riscv64_x8); SHOW(riscv64_x9);
	SHOW(riscv64_x10); SHOW(riscv64_x11); SHOW(riscv64_x12); SHOW(riscv64_x13); SHOW(riscv64_x14);
	SHOW(riscv64_x15); SHOW(riscv64_x16); SHOW(riscv64_x17); SHOW(riscv64_x18); SHOW(riscv64_x19);
	SHOW(riscv64_x20); SHOW(riscv64_x21); SHOW(riscv64_x22); SHOW(riscv64_x23); SHOW(riscv64_x24);
	SHOW(riscv64_x25); SHOW(riscv64_x26); SHOW(riscv64_x27); SHOW(riscv64_x28); SHOW(riscv64_x29);
	SHOW(riscv64_x30); SHOW(riscv64_x31);
}

static void show_ppc64_registers(void)
{
	SHOW(ppc64_r3); SHOW(ppc64_r4); SHOW(ppc64_r5); SHOW(ppc64_r6); SHOW(ppc64_r7); SHOW(ppc64_r8);
	SHOW(ppc64_r9); SHOW(ppc64_r10); SHOW(ppc64_r11); SHOW(ppc64_r12); SHOW(ppc64_r14); SHOW(ppc64_r15);
	SHOW(ppc64_r16); SHOW(ppc64_r17); SHOW(ppc64_r18); SHOW(ppc64_r19); SHOW(ppc64_r20); SHOW(ppc64_r21);
	SHOW(ppc64_r22); SHOW(ppc64_r23); SHOW(ppc64_r24); SHOW(ppc64_r25); SHOW(ppc64_r26); SHOW(ppc64_r27);
	SHOW(ppc64_r28); SHOW(ppc64_r29); SHOW(ppc64_r30); SHOW(ppc64_r31);
}

static void show_s390x_registers(void)
{
	SHOW(s390x_r0); SHOW(s390x_r1); SHOW(s390x_r2); SHOW(s390x_r3); SHOW(s390x_r4); SHOW(s390x_r5);
	SHOW(s390x_r6); SHOW(s390x_r7); SHOW(s390x_r8); SHOW(s390x_r9); SHOW(s390x_r10); SHOW(s390x_r11);
	SHOW(s390x_r12); SHOW(s390x_r13);
}

static void show_loongarch64_registers(void)
{
	SHOW(loongarch64_r4); SHOW(loongarch64_r5); SHOW(loongarch64_r6); SHOW(loongarch64_r7);
	SHOW(loongarch64_r8); SHOW(loongarch64_r9); SHOW(loongarch64_r10); SHOW(loongarch64_r11);
	SHOW(loongarch64_r12); SHOW(loongarch64_r13); SHOW(loongarch64_r14); SHOW(loongarch64_r15);
	SHOW(loongarch64_r16); SHOW(loongarch64_r17); SHOW(loongarch64_r18); SHOW(loongarch64_r19);
	SHOW(loongarch64_r20); SHOW(loongarch64_r22); SHOW(loongarch64_r23); SHOW(loongarch64_r24);
	SHOW(loongarch64_r25); SHOW(loongarch64_r26); SHOW(loongarch64_r27); SHOW(loongarch64_r28);
	SHOW(loongarch64_r29); SHOW(loongarch64_r30); SHOW(loongarch64_r31);
}

static void show_user_constants(void)
{
	SHOW(TRAMPFD_USER);
	SHOW(TRAMPFD_MAP_OFFSET);
	SHOW(TRAMPFD_REGS_OFFSET);
	SHOW(TRAMPFD_STACK_OFFSET);
	SHOW(TRAMPFD_PCS_OFFSET);
	SHOW(TRAMPFD_NUM_USER_OFFSETS);
	SHOW(TRAMPFD_MAX_REGS);
	SHOW(TRAMPFD_MAX_PCS);
	SHOW(TRAMPFD_MAX_DATA_SIZE);
	SHOW(TRAMPFD_MAX_STACK_OFFSET);
	SHOW(TRAMPFD_SET_SP);
}

/* A context as a program makes one: the headers have no room for entries of their own. */
static int fill_contexts(void)
{
	union { struct trampfd_regs context; char room[TRAMPFD_REGS_SIZE(2)]; } regs;
	union { struct trampfd_stack context; char room[TRAMPFD_STACK_SIZE(8)]; } stack;
	union { struct trampfd_values context; char room[TRAMPFD_VALUES_SIZE(3)]; } pcs;
	int i;

	for (i = 0; i < 2; i++)
		regs.context.regs[i].value = (uint64_t)i + 1;
	for (i = 0; i < 8; i++)
		stack.context.data[i] = (uint8_t)i;
	for (i = 0; i < 3; i++)
		pcs.context.values[i] = (uint64_t)i + 3;
	return regs.room[8 + 16 + 8] == 2 && stack.room[16 + 7] == 7 && pcs.room[8 + 16] == 5;
}

int main(void)
{
	if (!fill_contexts())
		return 1;
	show_layouts();
	show_user_layouts();
	show_constants();
	show_user_constants();
	show_x86_registers();
	show_arm_registers();
	show_riscv64_registers();
	show_ppc64_registers();
	show_s390x_registers();
	show_loongarch64_registers();
	return 0;
}
