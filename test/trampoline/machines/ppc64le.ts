/**
 * What the tests know of ppc64le: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const ppc64le: Machine = {
  slotSize: 56,
  page: [65536, 1170],
  first: 3,
  names: [...numbered('r', 10, 3), '-', ...numbered('r', 18, 14)].join(' '),
  encodings: 32,
  spelling: (name) => `ppc64_${name}`,
  foreign: 'r2',
  programCounter: 'pc',
  targetAlignment: 4n,
  jumpChanges: (target) => ({ ctr: target }),
  trap: '0800e07f',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'r12 and r11',
      code: 'r12',
      data: 'r11',
      bytes:
        '2211803d 44338c61 c6078c79 66558c65 88778c61 00008ce9 ' +
        'aa99603d ccbb6b61 c6076b79 eedd6b65 00ff6b61 00006be9 a603897d 2004804e',
    },
    {
      what: 'r31 and r3',
      code: 'r31',
      data: 'r3',
      bytes:
        '2211e03f 4433ff63 c607ff7b 6655ff67 8877ff63 0000ffeb ' +
        'aa99603c ccbb6360 c6076378 eedd6364 00ff6360 000063e8 a603e97f 2004804e',
    },
  ],
  forbidden: [
    [
      'r13 for the data',
      '2211803d44338c61c6078c7966558c6588778c6100008ce9' +
        'aa99a03dccbbad61c607ad79eeddad6500ffad610000ade9a603897d2004804e',
    ],
    [
      'r0 for the data, which loads from address 0',
      '2211803d44338c61c6078c7966558c6588778c6100008ce9' +
        'aa99003cccbb0060c6070078eedd006400ff0060000000e8a603897d2004804e',
    ],
    [
      'r2 for the code',
      '2211403c44334260c6074278665542648877426' +
        '0000042e8aa99603dccbb6b61c6076b79eedd6b6500ff6b6100006be9a603497c2004804e',
    ],
  ],
  execution: {
    program: { compiler: 'powerpc64le-linux-gnu-gcc', flags: ['-static'] },
    emulator: 'qemu-ppc64le',
    registers: [...numbered('r', 32), 'ctr', 'lr'],
    flagsRegister: 'cr',
    flagsMask: 0xe000_0000_ffff_ffffn, // xer's SO OV CA, and all of cr
    jumpRegister: 'ctr',
  },
  // Since POWER9 ori r31,r31,0 has a name of its own, exser.
  disassembly: { reader: ['-m', 'powerpc:common64', '-M', 'power8', '-EL'], words: false },
};
