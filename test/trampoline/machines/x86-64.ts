/**
 * What the tests know of x86-64: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const x86_64: Machine = {
  slotSize: 40,
  page: [4096, 102],
  first: 7,
  names: 'rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15',
  encodings: 16,
  spelling: (name) => `x64_${name}`,
  foreign: 'eax',
  programCounter: 'rip',
  targetAlignment: 1n,
  trap: 'cc',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'r11 and r10',
      code: 'r11',
      data: 'r10',
      bytes: 'f30f1efa 49bb8877665544332211 4d8b1b 49ba00ffeeddccbbaa99 4d8b12 41ffe3 0f1f00 cccccccc',
    },
    {
      what: 'rax and rdi: the jump has no prefix',
      code: 'rax',
      data: 'rdi',
      bytes: 'f30f1efa 48b88877665544332211 488b00 48bf00ffeeddccbbaa99 488b3f ffe0 0f1f00 cccccccccc',
    },
    {
      what: 'r13 and r12: a displacement, a SIB byte',
      code: 'r13',
      data: 'r12',
      bytes: 'f30f1efa 49bd8877665544332211 4d8b6d00 49bc00ffeeddccbbaa99 4d8b2424 41ffe5 0f1f00 cccc',
    },
    {
      what: 'rbp and rbx',
      code: 'rbp',
      data: 'rbx',
      bytes: 'f30f1efa 48bd8877665544332211 488b6d00 48bb00ffeeddccbbaa99 488b1b ffe5 0f1f00 cccccccc',
    },
  ],
  forbidden: [
    ['rsp for the data', 'f30f1efa48b80010000000000000488b0048bc0020000000000000488b2424ffe00f1f00cccccccc'],
    ['rsp for the code', 'f30f1efa48bc0010000000000000488b242448b80020000000000000488b00ffe40f1f00cccccccc'],
  ],
  execution: {
    program: { compiler: 'gcc', flags: ['-fno-pie', '-no-pie'] },
    registers: ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', ...numbered('r', 8, 8)],
    flagsRegister: 'eflags',
    flagsMask: 0xcd5n, // OF DF SF ZF AF PF CF
  },
  disassembly: { reader: ['-m', 'i386:x86-64'], words: false },
};
