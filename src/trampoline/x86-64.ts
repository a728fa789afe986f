/**
 * Trampolines of x86-64.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 ("SDM" below); psABI x86-64 3.2.3 for what a
 * function expects in which register.
 *
 * @module
 */
import type { Architecture, Registers, TableRegister } from './architecture.js';
import { CARRY_FLAG, int3 } from './x86.js';
import { x86ContextForm } from './x86_context.js';
import { assembleSlot, placeAddress, recogniseSlot, SLOT_SIZE } from './x86-64_slot.js';

/** Every general register but rsp: a trampoline leaves the stack alone. */
const tableRegisters: readonly TableRegister[] = [
  { name: 'rax', number: 7, encoding: 0 },
  { name: 'rbx', number: 8, encoding: 3 },
  { name: 'rcx', number: 9, encoding: 1 },
  { name: 'rdx', number: 10, encoding: 2 },
  { name: 'rsi', number: 11, encoding: 6 },
  { name: 'rdi', number: 12, encoding: 7 },
  { name: 'rbp', number: 13, encoding: 5 },
  { name: 'r8', number: 14, encoding: 8 },
  { name: 'r9', number: 15, encoding: 9 },
  { name: 'r10', number: 16, encoding: 10 },
  { name: 'r11', number: 17, encoding: 11 },
  { name: 'r12', number: 18, encoding: 12 },
  { name: 'r13', number: 19, encoding: 13 },
  { name: 'r14', number: 20, encoding: 14 },
  { name: 'r15', number: 21, encoding: 15 },
];

function jump(target: bigint): Registers {
  return { rip: target };
}

/**
 * x86-64. r10 carries the data because the psABI calls it the static chain's register and libffi's closures find theirs
 * there; r11 is the one other register that no argument travels in and no callee must keep.
 */
export const x86_64: Architecture = {
  name: 'x86-64',
  wordSize: 8,
  instructionAlignment: 1,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r11',
  dataRegister: 'r10',
  trap: int3,
  landingPad: 'endbr64, so it can be called under indirect branch tracking (CET)',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
  carry: CARRY_FLAG,
  context: x86ContextForm(64),
};
