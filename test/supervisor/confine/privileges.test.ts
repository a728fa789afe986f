/**
 * What a confined program is left of capabilities: of root's, and of those that a service manager gives an ordinary user,
 * which pass an execve whatever the bounding set is.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CAPABILITY } from '../../../src/abi/capability.js';
import { copyCommand, run, SharedFolder, trampfd } from '../../cli/command.js';

const SETS = ['grep', '^Cap', '/proc/self/status'];
const isRoot = process.getuid?.() === 0;

/** The sets that a program prints of itself, by their names. */
function setsOf(output: string): Readonly<Record<string, bigint>> {
  const lines = output.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', value = ''] = line.split(':\t');
      return [name, BigInt(`0x${value}`)];
    }),
  );
}

const bit = (name: keyof typeof CAPABILITY): bigint => 1n << BigInt(CAPABILITY[name]);
const mayStay = Object.keys(CAPABILITY)
  .filter((name) => name !== 'CAP_SYS_ADMIN')
  .reduce((sum, name) => sum | bit(name as keyof typeof CAPABILITY), 0n);

describe('capabilities of a confined program', () => {
  test('none stays that is not on the list', () => {
    const { output, errors } = run([trampfd, 'run', '--policy', 'strict', '--', ...SETS]);
    assert.equal(errors, '');
    const { CapPrm = -1n, CapEff = -1n, CapInh = -1n, CapAmb = -1n } = setsOf(output);
    for (const set of [CapPrm, CapEff, CapInh, CapAmb]) assert.equal(set & ~mayStay, 0n, output);
    assert.equal(CapPrm !== 0n, isRoot, output);
  });

  if (!isRoot) return;

  test('an ordinary user keeps those that were given to him and are harmless', () => {
    using folder = new SharedFolder();
    const command = copyCommand(folder.path);
    const given = '+sys_admin,+sys_ptrace,+setpcap,+net_bind_service';
    const ordinary = [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      `--inh-caps=${given}`,
      `--ambient-caps=${given}`,
    ];
    const words = ['setpriv', ...ordinary, command, 'run', '--policy', 'strict', '--', ...SETS];
    const { output, errors } = run(words, { cwd: '/' });
    assert.equal(errors, '');
    const { CapPrm, CapEff, CapInh, CapAmb } = setsOf(output);
    const left = bit('CAP_SETPCAP') | bit('CAP_NET_BIND_SERVICE');
    assert.deepEqual([CapPrm, CapEff, CapInh, CapAmb], [left, left, left, left]);
  });

  test('a run that cannot give them up does not start', () => {
    const words = ['setpriv', '--bounding-set=-setpcap', trampfd, 'run', '--policy', 'strict', '--', 'echo', 'ran'];
    const { status, output, errors } = run(words);
    assert.deepEqual([status, output], [125, '']);
    assert.match(errors, /capabilities cannot be given up \(EPERM\): .*CAP_SETPCAP/);
  });
});
