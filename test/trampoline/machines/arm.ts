/**
 * What the tests know of arm: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const arm: Machine = {
  slotSize: 28,
  page: [4096, 146],
  first: 0,
  names: numbered('r', 13).join(' '),
  encodings: 16,
  spelling: (name) => `arm_${name}`,
  foreign: 'x0',
  programCounter: 'pc',
  targetAlignment: 4n,
  trap: 'fedeffe7',
  trapSignal: 'SIGILL',
  vectors: [
    {
      what: 'r12 and r3',
      code: 'r12',
      data: 'r3',
      bytes: '44c303e3 22c141e3 00c09ce5 883707e3 663545e3 003093e5 1cff2fe1',
    },
  ],
  forbidden: [['lr for the data', '003001e3003040e3003093e500e002e300e040e300e09ee513ff2fe1']],
  execution: {
    program: { compiler: 'arm-linux-gnueabihf-gcc', flags: ['-static', '-marm'] },
    emulator: 'qemu-arm',
    registers: [...numbered('r', 13), 'sp', 'lr'],
    flagsRegister: 'cpsr',
    flagsMask: 0xf80f_0000n, // N Z C V Q and GE
    flagsSeen: 0x20n, // T
    jumpRegister: 'lr',
    stackAlignment: 4,
  },
  disassembly: { reader: ['-m', 'arm', '-M', 'reg-names-std'], words: true },
};
