/**
 * What the tests know of i386: see `machine.ts`.
 *
 * @module
 */
import type { Machine } from '../machine.js';

export const i386: Machine = {
  slotSize: 24,
  page: [4096, 170],
  first: 0,
  names: 'eax ebx ecx edx esi edi ebp',
  encodings: 8,
  spelling: (name) => `x32_${name}`,
  foreign: 'rax',
  programCounter: 'eip',
  targetAlignment: 1n,
  trap: 'cc',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'ebx and eax',
      code: 'ebx',
      data: 'eax',
      bytes: 'f30f1efb bb44332211 8b1b b888776655 8b00 ffe3 0f1f00 cc',
    },
    {
      what: 'ecx and ebp',
      code: 'ecx',
      data: 'ebp',
      bytes: 'f30f1efb b944332211 8b09 bd88776655 8b6d00 ffe1 0f1f00',
    },
  ],
  forbidden: [
    ['esp for the data', 'f30f1efbb8001000008b00bc002000008b2424ffe00f1f00'],
    ['ebp twice, a byte too long', 'f30f1efbbd001000008b6d00bd002000008b6d00ffe50f1f'],
  ],
  execution: {
    program: {
      compiler: 'gcc',
      flags: ['-m32', '-fno-pie', '-no-pie', '-idirafter', '/usr/include/x86_64-linux-gnu'],
    },
    registers: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'],
    flagsRegister: 'eflags',
    flagsMask: 0xcd5n, // OF DF SF ZF AF PF CF
    lostWithoutContext: 'ebp',
  },
  disassembly: { reader: ['-m', 'i386'], words: false },
};
