/**
 * What the tests know of x86-64: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const x86_64: Machine = {
  slotSize: 60,
  page: [4096, 68],
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
      bytes:
        'f30f1efa 49bafaf0f46ee6ee674c 49bb060efa6ee6cc424d 4f8b141a 49bbccfbf4486f6c3644 4d8d9b45263efb 490fcb 4d8b9b4441fae5 41ffe3 cccc',
    },
    {
      what: 'rax and rdi',
      code: 'rax',
      data: 'rdi',
      bytes:
        'f30f1efa 48bffaf0f46ee6ee674c 48b8060efa6ee6cc424d 488b3c07 48b8ccfbf4486f6c3644 488d8045263efb 480fc8 488b804441fae5 40ffe0 cccc',
    },
    {
      what: 'r13 and r12: no base but the other, an index',
      code: 'r13',
      data: 'r12',
      bytes:
        'f30f1efa 49bcfaf0f46ee6ee674c 49bd060efa6ee6cc424d 4f8b242c 49bdccfbf4486f6c3644 4d8dad45263efb 490fcd 4d8bad4441fae5 41ffe5 cccc',
    },
    {
      what: 'rbp and rbx',
      code: 'rbp',
      data: 'rbx',
      bytes:
        'f30f1efa 48bbfaf0f46ee6ee674c 48bd060efa6ee6cc424d 488b1c2b 48bdccfbf4486f6c3644 488dad45263efb 480fcd 488bad4441fae5 40ffe5 cccc',
    },
  ],
  forbidden: [
    [
      'rsp for the data',
      'f30f1efa48bcfaf1f1f1f1f1f1f148b8062e0e0e0e0e0e0e488b240448b8f1f1f1f1f1f1ccfa488d800e0e0e0e480fc8488b8006430e0e40ffe0cccc',
    ],
    [
      'rsp for the code',
      'f30f1efa48b8faf1f1f1f1f1f1f148bc062e0e0e0e0e0e0e488b042048bcf1f1f1f1f1f1ccfa488da4240e0e0e0e480fcc488ba42406430e0e40ffe4',
    ],
  ],
  execution: {
    program: { compiler: 'gcc', flags: ['-fno-pie', '-no-pie'] },
    registers: ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', ...numbered('r', 8, 8)],
    flagsRegister: 'eflags',
    flagsMask: 0xcd5n, // OF DF SF ZF AF PF CF
  },
  disassembly: { reader: ['-m', 'i386:x86-64'], words: false },
};
