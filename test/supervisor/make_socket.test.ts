/**
 * socketcall of i386 keeps its arguments in memory. Under `strict` the families of sockets are judged, so that it is carried
 * out as socket or socketpair, with arguments that nobody can change any more.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { SOCKET } from '../../src/abi/socket.js';
import { root } from '../programs/compile.js';
import { inBothWidths, outputOf } from './both_widths.js';

const TRAMPFD = join(root, 'bin', 'trampfd');
const PROGRAMS = inBothWidths('supervisor/make_socket.c');

const REFUSED = -errnoNumbers.EAFNOSUPPORT;
// Who may change the network could speak by it as udev does.
const DEVICES = process.getuid?.() === 0 ? -errnoNumbers.EPROTONOSUPPORT : SOCKET.AF_NETLINK;
const SAID = [
  ...['1: 1', '2: 2', '10: 10', `40: ${REFUSED}`, `29: ${REFUSED}`, `99: ${REFUSED}`],
  ...['pair: 0 1 1 x', `devices: ${DEVICES}`, `pair of AF_VSOCK: ${REFUSED}`, 'at no address: -14', 'bind: -9'],
];

for (const width of ['x86-64', 'i386'] as const) {
  const program = PROGRAMS[width];
  describe(`socketcall, from ${width} programs`, () => {
    test('makes what socket would, and is refused what socket is refused', () => {
      for (const more of [[], ['--no-emulation'], ['--deny', 'exectramp']]) {
        const said = outputOf([TRAMPFD, 'run', '--policy', 'strict', ...more, '--', program, 'calls']);
        assert.deepEqual(said.trimEnd().split('\n'), SAID, more.join(' '));
      }
    });

    test('makes no socket of another family while a thread changes the family', () => {
      const said = outputOf([TRAMPFD, 'run', '--policy', 'strict', '--', program, 'race', '3000']);
      assert.equal(said, 'made some, refused some\n');
    });
  });
}
