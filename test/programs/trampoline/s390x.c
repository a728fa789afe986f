/*
 * Registers in the order of their encoding: r0 to r15. z/Architecture loads and stores relative to the program counter,
 * but has no such jump to a variable: r14, which no trampoline names, must come in as the slot's address. The flags are
 * the condition code and the program mask, where IPM puts them: bits 31 to 24 of the lower half.
 */
#define WORD_REGISTERS 16
#include "execute.h"

asm(".macro each instruction, symbol\n"
    "	.irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "	\\instruction %r\\number, \\symbol + 8 * \\number\n"
    "	.endr\n"
    ".endm\n"
    ".macro target name\n"
    ".globl \\name\n"
    "	.balign 2\n"
    "\\name:\n"
    "	each stgrl, after\n"
    "	lghi %r1, 0\n"
    "	ipm %r1\n"
    "	stgrl %r1, flags_after\n"
    "	larl %r1, \\name\n"
    "	stgrl %r1, reached\n"
    "	lgrl %r15, harness_stack\n"
    "	lmg %r6, %r15, 48(%r15)\n"
    "	br %r14\n"
    ".endm\n"
    "	.text\n"
    "	target target_0\n"
    "	target target_1\n"
    ".globl run_slot\n"
    "run_slot:\n"
    "	stmg %r6, %r15, 48(%r15)\n"
    "	stgrl %r15, harness_stack\n"
    "	lgrl %r1, flags_before\n"
    "	spm %r1\n"
    "	each lgrl, before\n"
    "	br %r14\n");
