/*
 * The processor that a program is compiled for: its registers in the order of their encoding with their numbers in the
 * interface, the flags that a program may set as it likes, and run_slot() of state.h with the vector registers around it
 * on x86.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <trampfd.h>

#if defined(__x86_64__)
#include "x86-64.h"
#elif defined(__i386__)
#include "i386.h"
#elif defined(__aarch64__)
#include "arm64.h"
#elif defined(__arm__)
#include "arm.h"
#endif

/* A general register. */
struct machine_register {
	const char *name;
	int number; /* in trampfd.h; -1 where it has none */
	int user;   /* its name in a register context; -1 where it has none */
};

#if defined(__x86_64__)
#define PROGRAM_COUNTER trampfd_user_x64_rip
#define STACK_POINTER 4
#define FLAGS_MASK 0xcd5ul /* OF DF SF ZF AF PF CF */
#define FLAGS_SET 0x2ul
static const struct machine_register registers[WORD_REGISTERS] = {
	{ "rax", x64_rax, trampfd_user_x64_rax },
	{ "rcx", x64_rcx, trampfd_user_x64_rcx },
	{ "rdx", x64_rdx, trampfd_user_x64_rdx },
	{ "rbx", x64_rbx, trampfd_user_x64_rbx },
	{ "rsp", -1, -1 },
	{ "rbp", x64_rbp, trampfd_user_x64_rbp },
	{ "rsi", x64_rsi, trampfd_user_x64_rsi },
	{ "rdi", x64_rdi, trampfd_user_x64_rdi },
	{ "r8", x64_r8, trampfd_user_x64_r8 },
	{ "r9", x64_r9, trampfd_user_x64_r9 },
	{ "r10", x64_r10, trampfd_user_x64_r10 },
	{ "r11", x64_r11, trampfd_user_x64_r11 },
	{ "r12", x64_r12, trampfd_user_x64_r12 },
	{ "r13", x64_r13, trampfd_user_x64_r13 },
	{ "r14", x64_r14, trampfd_user_x64_r14 },
	{ "r15", x64_r15, trampfd_user_x64_r15 },
};
#elif defined(__i386__)
#define PROGRAM_COUNTER trampfd_user_x32_eip
#define STACK_POINTER 4
#define FLAGS_MASK 0xcd5ul
#define FLAGS_SET 0x2ul
static const struct machine_register registers[WORD_REGISTERS] = {
	{ "eax", x32_eax, trampfd_user_x32_eax },
	{ "ecx", x32_ecx, trampfd_user_x32_ecx },
	{ "edx", x32_edx, trampfd_user_x32_edx },
	{ "ebx", x32_ebx, trampfd_user_x32_ebx },
	{ "esp", -1, -1 },
	{ "ebp", x32_ebp, trampfd_user_x32_ebp },
	{ "esi", x32_esi, trampfd_user_x32_esi },
	{ "edi", x32_edi, trampfd_user_x32_edi },
};
#elif defined(__aarch64__)
#define PROGRAM_COUNTER trampfd_user_arm64_pc
#define STACK_POINTER 31
#define JUMP_REGISTER 30
#define FLAGS_MASK 0xf0000000ul /* N Z C V */
#define FLAGS_SET 0ul
static const struct machine_register registers[WORD_REGISTERS] = {
	{ "x0", arm64_r0, trampfd_user_arm64_x0 },
	{ "x1", arm64_r1, trampfd_user_arm64_x1 },
	{ "x2", arm64_r2, trampfd_user_arm64_x2 },
	{ "x3", arm64_r3, trampfd_user_arm64_x3 },
	{ "x4", arm64_r4, trampfd_user_arm64_x4 },
	{ "x5", arm64_r5, trampfd_user_arm64_x5 },
	{ "x6", arm64_r6, trampfd_user_arm64_x6 },
	{ "x7", arm64_r7, trampfd_user_arm64_x7 },
	{ "x8", arm64_r8, trampfd_user_arm64_x8 },
	{ "x9", arm64_r9, trampfd_user_arm64_x9 },
	{ "x10", arm64_r10, trampfd_user_arm64_x10 },
	{ "x11", arm64_r11, trampfd_user_arm64_x11 },
	{ "x12", arm64_r12, trampfd_user_arm64_x12 },
	{ "x13", arm64_r13, trampfd_user_arm64_x13 },
	{ "x14", arm64_r14, trampfd_user_arm64_x14 },
	{ "x15", arm64_r15, trampfd_user_arm64_x15 },
	{ "x16", arm64_r16, trampfd_user_arm64_x16 },
	{ "x17", arm64_r17, trampfd_user_arm64_x17 },
	{ "x18", arm64_r18, trampfd_user_arm64_x18 },
	{ "x19", arm64_r19, trampfd_user_arm64_x19 },
	{ "x20", arm64_r20, trampfd_user_arm64_x20 },
	{ "x21", arm64_r21, trampfd_user_arm64_x21 },
	{ "x22", arm64_r22, trampfd_user_arm64_x22 },
	{ "x23", arm64_r23, trampfd_user_arm64_x23 },
	{ "x24", arm64_r24, trampfd_user_arm64_x24 },
	{ "x25", arm64_r25, trampfd_user_arm64_x25 },
	{ "x26", arm64_r26, trampfd_user_arm64_x26 },
	{ "x27", arm64_r27, trampfd_user_arm64_x27 },
	{ "x28", arm64_r28, trampfd_user_arm64_x28 },
	{ "x29", arm64_r29, -1 },
	{ "x30", -1, -1 },
	{ "sp", -1, -1 },
};
#elif defined(__arm__)
#define PROGRAM_COUNTER trampfd_user_arm_pc
#define STACK_POINTER 13
#define JUMP_REGISTER 14
#define FLAGS_MASK 0xf80f0000ul /* N Z C V Q and GE */
#define FLAGS_SET 0ul
static const struct machine_register registers[WORD_REGISTERS] = {
	{ "r0", arm_r0, trampfd_user_arm_r0 },
	{ "r1", arm_r1, trampfd_user_arm_r1 },
	{ "r2", arm_r2, trampfd_user_arm_r2 },
	{ "r3", arm_r3, trampfd_user_arm_r3 },
	{ "r4", arm_r4, trampfd_user_arm_r4 },
	{ "r5", arm_r5, trampfd_user_arm_r5 },
	{ "r6", arm_r6, trampfd_user_arm_r6 },
	{ "r7", arm_r7, trampfd_user_arm_r7 },
	{ "r8", arm_r8, trampfd_user_arm_r8 },
	{ "r9", arm_r9, trampfd_user_arm_r9 },
	{ "r10", arm_r10, trampfd_user_arm_r10 },
	{ "r11", arm_r11, -1 },
	{ "r12", arm_r12, trampfd_user_arm_ip },
	{ "sp", -1, -1 },
	{ "lr", -1, -1 },
};
#endif

#if defined(__x86_64__) || defined(__i386__)

/* The vector registers that every such processor of Linux's 64-bit kernels has: 8 as an i386 program, else 16. */
#define VECTOR_BYTES (16 * (WORD_REGISTERS > 8 ? 16 : 8))
__attribute__((aligned(16))) unsigned char vectors_before[VECTOR_BYTES], vectors_after[VECTOR_BYTES];

/* run_slot() with the vector registers of vectors_before; what they are afterwards is in vectors_after. */
void run_slot_with_vectors(void);

#ifdef __x86_64__
__asm__(".macro each_vector memory, direction\n"
        ".irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        ".ifc \\direction, load\n"
        "	movdqa \\memory+16*\\number(%rip), %xmm\\number\n"
        ".else\n"
        "	movdqa %xmm\\number, \\memory+16*\\number(%rip)\n"
        ".endif\n"
        ".endr\n"
        ".endm\n"
        "	.text\n"
        ".globl run_slot_with_vectors\n"
        "run_slot_with_vectors:\n"
        "	each_vector vectors_before, load\n"
        "	subq $8, %rsp\n"
        "	call run_slot\n"
        "	addq $8, %rsp\n"
        "	each_vector vectors_after, store\n"
        "	ret\n");
#else
__asm__(".macro each_vector memory, direction\n"
        ".irp number, 0,1,2,3,4,5,6,7\n"
        ".ifc \\direction, load\n"
        "	movdqa \\memory+16*\\number, %xmm\\number\n"
        ".else\n"
        "	movdqa %xmm\\number, \\memory+16*\\number\n"
        ".endif\n"
        ".endr\n"
        ".endm\n"
        "	.text\n"
        ".globl run_slot_with_vectors\n"
        "run_slot_with_vectors:\n"
        "	each_vector vectors_before, load\n"
        "	call run_slot\n"
        "	each_vector vectors_after, store\n"
        "	ret\n");
#endif
#else
#define VECTOR_BYTES 1
unsigned char vectors_before[VECTOR_BYTES], vectors_after[VECTOR_BYTES];
#define run_slot_with_vectors run_slot
#endif

#endif
