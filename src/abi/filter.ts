/**
 * Instructions of the classic BPF machine (linux/filter.h, linux/bpf_common.h), as seccomp(2) filters use it.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Classes, sizes, modes and operations of an instruction's code (linux/bpf_common.h). */
export const BPF = {
  BPF_LD: 0x00,
  BPF_ALU: 0x04,
  BPF_JMP: 0x05,
  BPF_RET: 0x06,
  BPF_W: 0x00,
  BPF_ABS: 0x20,
  BPF_K: 0x00,
  BPF_AND: 0x50,
  BPF_JA: 0x00,
  BPF_JEQ: 0x10,
  BPF_JGT: 0x20,
  BPF_JGE: 0x30,
  BPF_JSET: 0x40,
  BPF_MAXINSNS: 4096,
} as const;

/** Bytes of one struct sock_filter: {u16 code; u8 jt; u8 jf; u32 k}. */
export const SOCK_FILTER_SIZE = 8;

/** Every constant above, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/filter.h', BPF);
