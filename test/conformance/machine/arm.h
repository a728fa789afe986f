/*
 * Registers in the order of their encoding: r0 to r12, sp, lr. A32 has no jump to a variable that needs no register: lr,
 * which no trampoline names, must come in as the slot's address. It has no such store either: s0 keeps r0 until the
 * others are stored. The second target is Thumb code, of which it keeps the record by setting the T bit (5) that is
 * not seen in APSR.
 */
#ifndef MACHINE_ARM_H
#define MACHINE_ARM_H

#define WORD_REGISTERS 15
#include "state.h"

__asm__("	.syntax unified\n"
        ".macro capture name, t_bit\n"
        "	vmov s0, r0\n"
        "	ldr r0, =after\n"
        "	stmib r0, {r1-r12}\n"
        "	str sp, [r0, #52]\n"
        "	str lr, [r0, #56]\n"
        "	vmov r1, s0\n"
        "	str r1, [r0]\n"
        "	mrs r1, apsr\n"
        "	orr r1, r1, #\\t_bit\n"
        "	ldr r0, =flags_after\n"
        "	str r1, [r0]\n"
        "	ldr r1, =\\name\n"
        "	bic r1, r1, #1\n"
        "	ldr r0, =reached\n"
        "	str r1, [r0]\n"
        "	ldr r0, =harness_stack\n"
        "	ldr sp, [r0]\n"
        "	pop {r4-r11, pc}\n"
        ".endm\n"
        "	.text\n"
        "	.balign 4\n"
        "	.arm\n"
        ".globl target_0\n"
        "target_0:\n"
        "	capture target_0, 0\n"
        "	.balign 4\n"
        "	.thumb\n"
        ".globl target_1\n"
        "	.thumb_func\n"
        "target_1:\n"
        "	bx pc\n"
        "	nop\n"
        "	.arm\n"
        "	capture target_1, 0x20\n"
        ".globl run_slot\n"
        "	.type run_slot, %function\n"
        "run_slot:\n"
        "	push {r4-r11, lr}\n"
        "	ldr r0, =harness_stack\n"
        "	str sp, [r0]\n"
        "	ldr r0, =flags_before\n"
        "	ldr r1, [r0]\n"
        "	msr APSR_nzcvqg, r1\n"
        "	ldr r0, =before\n"
        "	ldr sp, [r0, #52]\n"
        "	ldr lr, [r0, #56]\n"
        "	ldmib r0, {r1-r12}\n"
        "	ldr r0, [r0]\n"
        "	bx lr\n"
        "	.ltorg\n");

#endif
