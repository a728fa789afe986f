/**
 * What the tests know of loongarch64: see `machine.ts`.
 *
 * @module
 */
import { disassemble, executionProgram } from '../../programs/trampoline/loongarch64.js';
import { type Machine, numbered } from '../machine.js';

const SLOT_SIZE = 44;

export const loongarch64: Machine = {
  slotSize: SLOT_SIZE,
  page: [16384, 372],
  first: 4,
  names: [...numbered('r', 17, 4), '-', ...numbered('r', 10, 22)].join(' '),
  encodings: 32,
  spelling: (name) => `loongarch64_${name}`,
  foreign: 'r2',
  programCounter: 'pc',
  targetAlignment: 4n,
  trap: '00002a00',
  trapSignal: 'SIGTRAP',
  vectors: [
    {
      what: 'r13 and r12',
      code: 'r13',
      data: 'r12',
      bytes: 'edccaa14 ad219e03 8d684616 ad490403 ad01c028 ' + 'ecddbb15 8c01bc03 8c795717 8c692603 8c01c028 a001004c',
    },
  ],
  forbidden: [
    [
      'r1 for the data',
      'edccaa14ad219e038d684616ad490403ad01c028' + 'e1ddbb152100bc0381795717216826032100c028a001004c',
    ],
    [
      'r21 for the code',
      'f5ccaa14b5229e0395684616b54a0403b502c028' + 'ecddbb158c01bc038c7957178c6926038c01c028a002004c',
    ],
  ],
  execution: {
    program: executionProgram,
    emulator: 'qemu-loongarch64',
    registers: numbered('r', 31, 1),
    flagsRegister: 'fcsr0',
    flagsMask: 0x1f_0300n, // the exceptions that were, and the rounding mode
    jumpRegister: 'r1',
  },
  disassembly: { reader: (code) => disassemble(code, SLOT_SIZE), words: true },
};
