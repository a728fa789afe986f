/**
 * What the tests know of s390x: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const s390x: Machine = {
  slotSize: 38,
  page: [4096, 107],
  first: 0,
  names: numbered('r', 14).join(' '),
  dataOnly: 'r0',
  encodings: 16,
  spelling: (name) => `s390x_${name}`,
  foreign: 'r14',
  programCounter: 'pc',
  targetAlignment: 2n,
  trap: '0001',
  trapSignal: 'SIGILL',
  vectors: [
    {
      what: 'r1 and r0',
      code: 'r1',
      data: 'r0',
      bytes: 'c01e99aabbcc c019ddeeff00 e30010000004 c01e11223344 c01955667788 e31010000004 07f1',
    },
    {
      what: 'r13 and r2',
      code: 'r13',
      data: 'r2',
      bytes: 'c0de99aabbcc c0d9ddeeff00 e320d0000004 c0de11223344 c0d955667788 e3d0d0000004 07fd',
    },
  ],
  forbidden: [
    ['r14 for the data', 'c01e99aabbccc019ddeeff00e3e010000004c01e11223344c01955667788e3101000000407f1'],
    ['r0 for the code', 'c00e99aabbccc009ddeeff00e31000000004c00e11223344c00955667788e3000000000407f0'],
    ['r15 for the code', 'c0fe99aabbccc0f9ddeeff00e300f0000004c0fe11223344c0f955667788e3f0f000000407ff'],
  ],
  execution: {
    program: { compiler: 's390x-linux-gnu-gcc', flags: ['-static'] },
    emulator: 'qemu-s390x',
    registers: numbered('r', 16),
    flagsRegister: 'psw',
    flagsMask: 0x3f00_0000n, // condition code and program mask
    jumpRegister: 'r14',
  },
  disassembly: { reader: ['-m', 's390:64-bit'], words: false },
};
