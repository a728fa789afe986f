/**
 * Version 1 of the trampfd interface, from the kernel proposal of July 2020 ("Implement Trampoline File Descriptor",
 * first version): one trampoline per descriptor, described by contexts that are written and read at symbolic offsets.
 * The number of the system call is in `trampfd.ts`. No kernel has it, so the header that these are held against is the
 * project's own, include/trampfd.h.
 *
 * Every structure is little-endian and has the same layout for 32-bit and 64-bit programs. Two of them have a field
 * `size`, so `sizeof` stands for the bytes of the whole. A context of several entries is a header with the entries
 * behind it; its `sizeof` is the header's.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** The type that the call's first argument names; the contexts' offsets and limits; the one flag of a stack context. */
export const TRAMPFD_V1 = {
  TRAMPFD_USER: 0,
  TRAMPFD_MAP_OFFSET: 0,
  TRAMPFD_REGS_OFFSET: 1,
  TRAMPFD_STACK_OFFSET: 2,
  TRAMPFD_PCS_OFFSET: 3,
  TRAMPFD_NUM_USER_OFFSETS: 4,
  TRAMPFD_MAX_REGS: 40,
  TRAMPFD_MAX_PCS: 16,
  TRAMPFD_MAX_DATA_SIZE: 64,
  TRAMPFD_MAX_STACK_OFFSET: 256,
  TRAMPFD_SET_SP: 1,
} as const;

/** Byte offsets in struct trampfd_user, which the call reads: two 32-bit fields. */
export const TRAMPFD_USER_STRUCTURE = { flags: 0, reserved: 4, sizeof: 8 } as const;

/** Byte offsets in struct trampfd_map, the mapping parameters: six 32-bit fields. */
export const TRAMPFD_MAP = { size: 0, prot: 4, flags: 8, offset: 12, ioffset: 16, reserved: 20, sizeof: 24 } as const;

/** Byte offsets in struct trampfd_reg, an entry of the register context: two 32-bit fields and a 64-bit value. */
export const TRAMPFD_REG = { name: 0, reserved: 4, value: 8, sizeof: 16 } as const;

/** Byte offsets in struct trampfd_regs, the register context: two 32-bit fields, then `nregs` of {@link TRAMPFD_REG}. */
export const TRAMPFD_REGS = { nregs: 0, reserved: 4, regs: 8, sizeof: 8 } as const;

/** Byte offsets in struct trampfd_stack, the stack context: four 32-bit fields, then `size` bytes of data. */
export const TRAMPFD_STACK = { flags: 0, offset: 4, size: 8, reserved: 12, data: 16, sizeof: 16 } as const;

/** Byte offsets in struct trampfd_values, the list of allowed PCs: two 32-bit fields, then `nvalues` 64-bit values. */
export const TRAMPFD_VALUES = { nvalues: 0, reserved: 4, values: 8, sizeof: 8 } as const;

/** Bytes of a value in struct trampfd_values. */
export const TRAMPFD_VALUE_SIZE = 8;

/** The registers that a register context may name. */
export interface UserRegisters {
  /** What the header puts before a name. */
  readonly prefix: string;
  /** The architecture's names, in the order of their numbers; the last one is the program counter's. */
  readonly names: readonly string[];
  /** The first one's number. */
  readonly first: number;
}

/** `x0` and so on, as many as asked for. */
function series(letter: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index}`);
}

/** The architectures that version 1 has registers of. Their numbers are others than those of version 2. */
export const userRegisters = {
  i386: {
    prefix: 'trampfd_user_x32_',
    names: ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'eip'],
    first: 0,
  } as UserRegisters,
  'x86-64': {
    prefix: 'trampfd_user_x64_',
    names: ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', ...series('r', 16).slice(8), 'rip'],
    first: 8,
  } as UserRegisters,
  arm: { prefix: 'trampfd_user_arm_', names: [...series('r', 11), 'ip', 'pc'], first: 0 } as UserRegisters,
  arm64: { prefix: 'trampfd_user_arm64_', names: [...series('x', 29), 'pc'], first: 13 } as UserRegisters,
} as const;

/** Every constant above that is not a layout, for the test against the header. */
export const constants: readonly KernelConstant[] = [
  ...listed('trampfd.h', TRAMPFD_V1),
  ...Object.values(userRegisters).flatMap(({ prefix, names, first }) =>
    listed('trampfd.h', Object.fromEntries(names.map((name, index) => [`${prefix}${name}`, first + index]))),
  ),
];
