/**
 * Commands of devices whose structure decides. It stands in memory, so that the supervisor reads it once and makes the command
 * itself; test/machines/guest/devices.ts has it do that on a real serial line and a real video device.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { root } from '../programs/compile.js';
import { inBothWidths, outputOf } from './both_widths.js';

const TRAMPFD = join(root, 'bin', 'trampfd');
const PROGRAMS = inBothWidths('supervisor/device_command.c');

/** What is said of lines of modems; pseudo terminals have none. */
const LINES = [
  ...['set loop: EPERM', 'add loop: EPERM', 'add loop, no terminal: EPERM'],
  ...['set DTR: ENOTTY', 'add DTR: ENOTTY', 'add DTR, no terminal: ENOTTY', 'clear loop: ENOTTY'],
  ...['at no address: EFAULT', 'on no descriptor: EBADF'],
];
const REFUSED = ['buffers, own: EINVAL', 'buffers, mapped: ENOTTY'];
/** Of buffers: what `wx` leaves to the kernel, and under `strict` a 32-bit program has one command less. */
const BUFFERS = {
  wx: {
    'x86-64': ['buffers, own: ENOTTY', 'buffers, mapped: ENOTTY', 'more, own: ENOTTY', 'more, mapped: ENOTTY'],
    i386: ['buffers, own: ENOTTY', 'buffers, mapped: ENOTTY', 'more, own: ENOTTY', 'more, mapped: ENOTTY'],
  },
  strict: {
    'x86-64': [...REFUSED, 'more, own: EINVAL', 'more, mapped: ENOTTY'],
    i386: [...REFUSED, 'more, own: EPERM', 'more, mapped: EPERM'],
  },
} as const;

for (const width of ['x86-64', 'i386'] as const) {
  const program = PROGRAMS[width];
  describe(`ioctl with a structure that decides, from ${width} programs`, () => {
    for (const level of ['wx', 'strict'] as const) {
      const run = [TRAMPFD, 'run', '--policy', level];
      test(`${level}: the loop of a serial line and pages of the program are refused, the rest is the kernel's`, () => {
        for (const more of [[], ['--no-emulation'], ['--deny', 'exectramp']]) {
          const said = outputOf([...run, ...more, '--', program, 'calls']);
          assert.deepEqual(said.trimEnd().split('\n'), [...LINES, ...BUFFERS[level][width]], more.join(' '));
        }
      });

      test(`${level}: what is judged is what is made, while a thread changes it`, () => {
        assert.equal(outputOf([...run, '--', program, 'race', '3000']), 'made some, refused some\n');
      });
    }
  });
}
