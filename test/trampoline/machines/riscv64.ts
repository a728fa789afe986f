/**
 * What the tests know of riscv64: see `machine.ts`.
 *
 * @module
 */
import { type Machine, numbered } from '../machine.js';

export const riscv64: Machine = {
  slotSize: 72,
  page: [4096, 56],
  first: 5,
  names: numbered('x', 27, 5).join(' '),
  dataOnly: 'x5 x7',
  encodings: 32,
  spelling: (name) => `riscv64_${name}`,
  foreign: 't0',
  programCounter: 'pc',
  targetAlignment: 2n,
  trap: '0290',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'x28 and x6, an address with positive parts and one with negative parts',
      code: 'x28',
      data: 'x6',
      bytes:
        '17000000 373e2211 130e4e34 131ece00 130e6e55 131e8e00 130e7e06 131ece00 033e8e78 ' +
        '37c3aa99 1303d3bc 1313c300 1303f3dd 13138300 130303ff 1313c300 033303f0 67000e00',
    },
  ],
  forbidden: [
    [
      'x1 for the data',
      '17000000373e2211130e4e34131ece00130e6e55131e8e00130e7e06131ece00033e8e78' +
        'b7c0aa999380d0bc9390c0009380f0dd93908000938000ff9390c00083b000f067000e00',
    ],
    [
      'x7 for the code',
      '17000000b7332211938343349393c3009383635593938300938373069393c30083b38378' +
        '37c3aa991303d3bc1313c3001303f3dd13138300130303ff1313c300033303f067800300',
    ],
  ],
  execution: {
    program: { compiler: 'riscv64-linux-gnu-gcc', flags: ['-static'] },
    emulator: 'qemu-riscv64',
    registers: numbered('x', 31, 1),
    flagsRegister: 'fcsr',
    flagsMask: 0x1fn, // NV DZ OF UF NX
    jumpRegister: 'x1',
  },
  disassembly: { reader: ['-m', 'riscv:rv64', '-M', 'numeric,no-aliases'], words: true },
};
