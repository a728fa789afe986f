/**
 * Programs whose trampolines nobody here wrote: GCC's nested functions and libffi's closures, read from their memory.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { ArchitectureName } from '../../src/trampoline/architectures.js';
import { recogniseLegacy } from '../../src/trampoline/legacy.js';
import type { RecognisedCode } from '../../src/trampoline/legacy_form.js';
import { compileProgram } from '../programs/compile.js';
import { machines } from './machines.js';

/** The addresses from which a process may execute, that are of a file. */
function executableRanges(maps: readonly string[]): [from: bigint, to: bigint][] {
  return maps.flatMap((line) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r-xp .*\//.exec(line) ?? [];
    return from === undefined || to === undefined ? [] : [[BigInt(`0x${from}`), BigInt(`0x${to}`)]];
  });
}

/** What a program wrote, recognised; with the address of it and of the stack. It must jump to executable memory. */
function recognised(
  program: string,
  name: ArchitectureName,
  more: readonly string[],
): { found: RecognisedCode; address: bigint; stack: bigint } {
  const { program: how, emulator } = machines[name].execution;
  assert.ok(typeof how === 'object');
  const binary = compileProgram(`trampoline/${program}`, { ...how, flags: [...how.flags, ...more] });
  const [command = binary, ...rest] = emulator === undefined ? [binary] : [emulator, binary];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const [head = '', ...maps] = stdout.split('\n');
  const [address = '', hex = '', stack = ''] = head.split(' ');
  const found = recogniseLegacy(Uint8Array.from(Buffer.from(hex, 'hex')), BigInt(address), name);
  assert.ok(found, `${name}: ${hex}`);
  const { loads, target } = found.trampoline;
  const from = 'register' in target ? loads.find(({ register }) => register === target.register)?.from : undefined;
  const goal = 'address' in target ? target.address : from?.kind === 'constant' ? from.value : -1n;
  assert.ok(
    executableRanges(maps).some(([begin, end]) => begin <= goal && goal < end),
    `0x${goal.toString(16)} in\n${stdout}`,
  );
  return { found, address: BigInt(address), stack: BigInt(stack) };
}

const NESTED: readonly (readonly [ArchitectureName, length: number, ...flags: string[]])[] = [
  ['x86-64', 20, '-no-pie', '-fcf-protection=none'],
  ['x86-64', 24, '-no-pie', '-fcf-protection=branch'],
  ['x86-64', 24, '-fpie', '-pie', '-fcf-protection=none'],
  ['x86-64', 28, '-fpie', '-pie', '-fcf-protection=branch'],
  ...['', 'fastcall', 'thiscall', 'regparm(3)', 'regparm(2)', 'stdcall'].flatMap(
    (convention): [ArchitectureName, number, ...string[]][] => {
      const named = convention === '' ? [] : [`-DCONVENTION=__attribute__((${convention}))`];
      return [
        ['i386', 10, '-fcf-protection=none', ...named],
        ['i386', 14, '-fcf-protection=branch', ...named],
      ];
    },
  ),
  ['arm64', 40],
  ['arm64', 40, '-mbranch-protection=standard'],
  ['arm', 16, '-marm'],
  ['arm', 16, '-mthumb'],
  ['riscv64', 32],
  ['ppc64le', 32],
  ['s390x', 32],
];

for (const [name, length, ...flags] of NESTED) {
  test(`${[name, ...flags].join(' ')}: what GCC writes for a nested function is recognised`, () => {
    const { found, stack } = recognised('nested.c', name, flags);
    assert.equal(found.form, 'gcc-stack');
    assert.equal(found.length, length);
    const distance = found.context - stack;
    assert.ok(distance > -4096n && distance < 4096n, `the chain is ${distance} bytes from the frame`);
  });
}

test('x86-64: what libffi writes for a closure is recognised', () => {
  const { found, address } = recognised('closure.c', 'x86-64', ['-lffi']);
  assert.equal(found.form, 'libffi');
  assert.equal(found.length, 32);
  assert.equal(found.context, address);
});

test('x86-64: what libffcall writes for a callback is recognised', () => {
  const { found } = recognised('callback.c', 'x86-64', ['-lffcall']);
  assert.equal(found.form, 'libffcall');
  assert.equal(found.length, 22);
});
