/**
 * What the tests know of i386: see `machine.ts`.
 *
 * @module
 */
import type { Machine } from '../machine.js';

export const i386: Machine = {
  slotSize: 28,
  page: [4096, 146],
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
      bytes: 'f30f1efb bbfbf4fbcc 8b9b493e2644 b844366c6f 8b804441fae5 ffe3',
    },
    {
      what: 'ecx and ebp',
      code: 'ecx',
      data: 'ebp',
      bytes: 'f30f1efb b9fbf4fbcc 8b89493e2644 bd44366c6f 8bad4441fae5 ffe1',
    },
  ],
  forbidden: [
    ['esp for the data', 'f30f1efbb8faccf1f18b8006430e0ebcfaf1f1f18ba4062e0e0effe0'],
    ['esp for the code', 'f30f1efbbcfaccf1f18ba406430e0eb8faf1f1f18b80062e0e0effe4'],
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
