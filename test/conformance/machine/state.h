/*
 * Code is executed in a chosen state of the processor, and its target reports the state that it finds.
 *
 * Each architecture's file defines WORD_REGISTERS (how many general registers, the stack pointer among them), and in
 * assembler run_slot(), target_0 and target_1. run_slot() keeps its own state in harness_stack, gives all registers and
 * the flags the values of `before` and `flags_before`, and jumps to `slot_address`. The targets store what they find in
 * `after`, `flags_after` and `reached`, and return from run_slot().
 */
#ifndef MACHINE_STATE_H
#define MACHINE_STATE_H

unsigned long before[WORD_REGISTERS], after[WORD_REGISTERS];
unsigned long flags_before, flags_after, slot_address, reached, harness_stack;

void run_slot(void);
extern char target_0[], target_1[];

#endif
