/**
 * What the tests know of arm64: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const arm64: Machine = {
  slotSize: 48,
  page: [4096, 85],
  first: 13,
  names: numbered('x', 30).join(' '),
  encodings: 32,
  spelling: (name) => name.replace(/^x/, 'arm64_r'),
  foreign: 'r0',
  programCounter: 'pc',
  targetAlignment: 4n,
  trap: '000020d4',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'x16 and x17',
      code: 'x16',
      data: 'x17',
      bytes:
        '5f2403d5 10f18ed2 d0acaaf2 9068c6f2 5024e2f2 100240f9 11e09fd2 d1bdbbf2 9179d7f2 5135f3f2 310240f9 00021fd6',
    },
  ],
  forbidden: [
    [
      'x30 for the data',
      '5f2403d5100082d21000a0f21000c0f21000e0f2100240f91e0084d21e00a0f21e00c0f21e00e0f2de0340f900021fd6',
    ],
  ],
  execution: {
    program: { compiler: 'aarch64-linux-gnu-gcc', flags: ['-static', '-mbranch-protection=none'] },
    emulator: 'qemu-aarch64',
    registers: [...numbered('x', 31), 'sp'],
    flagsRegister: 'nzcv',
    flagsMask: 0xf000_0000n,
    jumpRegister: 'x30',
    lostWithoutContext: 'x16',
  },
  disassembly: { reader: ['-m', 'aarch64'], words: true },
};
