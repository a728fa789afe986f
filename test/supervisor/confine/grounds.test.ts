/**
 * What the machine and the user add to what strict refuses: cores that the kernel would hand to a program, rings that it would
 * map executable.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { syscallNumber } from '../../../src/abi/syscalls.js';
import { evaluate } from '../../../src/policy/evaluate.js';
import { policyOf } from '../../../src/policy/kinds.js';
import { everyGround, type Grounds } from '../../../src/policy/strict.js';
import { policyRules } from '../../../src/policy/wx.js';
import { coresLeaveTheRun } from '../../../src/supervisor/confine/grounds.js';
import { run, trampfd } from '../../cli/command.js';

const ENTRIES = ['x86-64', 'i386'] as const;

function verdict(grounds: Grounds, call: 'socket' | 'prlimit64' | 'setrlimit', ...values: readonly bigint[]): string[] {
  const rules = policyRules(policyOf('strict'), [], grounds);
  return ENTRIES.map((entry) => {
    const said = evaluate(rules, { entry, number: syscallNumber(entry, call) as number, arguments: values });
    return said.kind === 'errno' ? said.errno : said.kind;
  });
}

test('cores leave the run where a program or a socket takes them, or where nobody can say', () => {
  for (const pattern of ['|/usr/lib/systemd/systemd-coredump %P', '@/run/cores.socket', undefined]) {
    assert.equal(coresLeaveTheRun(pattern), true, pattern);
  }
  for (const pattern of ['core', '/var/crash/core.%p', '', 'a|b'])
    assert.equal(coresLeaveTheRun(pattern), false, pattern);
});

const none: Grounds = { packetRingsExecute: false, limitsCores: false, tellsOfDevices: false };

describe('the rules', () => {
  test('keep the limit of cores where it is one of ours, and let it be asked for', () => {
    assert.deepEqual(verdict(everyGround, 'setrlimit', 4n, 0x1000n), ['EPERM', 'EPERM']);
    assert.deepEqual(verdict(everyGround, 'prlimit64', 0n, 4n, 0x1000n), ['EPERM', 'EPERM']);
    assert.deepEqual(verdict(everyGround, 'prlimit64', 0n, 4n, 0n, 0x1000n), ['allow', 'allow']);
    assert.deepEqual(verdict(everyGround, 'prlimit64', 0n, 7n, 0x1000n), ['allow', 'allow']);
    assert.deepEqual(verdict(none, 'setrlimit', 4n, 0x1000n), ['allow', 'allow']);
    assert.deepEqual(verdict(none, 'prlimit64', 0n, 4n, 0x1000n), ['allow', 'allow']);
  });
  test('let a program set limits of its own, and ask for those of others, but set none of those', () => {
    for (const grounds of [none, everyGround]) {
      assert.deepEqual(verdict(grounds, 'prlimit64', 7n, 0n, 0x1000n), ['EPERM', 'EPERM']);
      assert.deepEqual(verdict(grounds, 'prlimit64', 7n, 0n, 0n, 0x1000n), ['allow', 'allow']);
      assert.deepEqual(verdict(grounds, 'prlimit64', 0n, 0n, 0x1000n), ['allow', 'allow']);
      // The kernel takes the lower half.
      assert.deepEqual(verdict(grounds, 'prlimit64', 1n << 32n, 0n, 0x1000n), ['allow', 'allow']);
    }
  });
  test('refuse packet sockets where their rings can be executed', () => {
    assert.deepEqual(verdict(everyGround, 'socket', 17n, 3n), ['EAFNOSUPPORT', 'EAFNOSUPPORT']);
    assert.deepEqual(verdict(none, 'socket', 17n, 3n), ['allow', 'allow']);
    for (const grounds of [none, everyGround]) assert.deepEqual(verdict(grounds, 'socket', 2n, 1n), ['allow', 'allow']);
  });
});

test('the rules refuse the protocol of devices where what is sent by it counts as told by udev', () => {
  for (const type of [2n, 3n, 0x80003n]) {
    assert.deepEqual(verdict(everyGround, 'socket', 16n, type, 15n), ['EPROTONOSUPPORT', 'EPROTONOSUPPORT']);
    // The kernel takes the lower halves.
    assert.equal(verdict(everyGround, 'socket', 16n | (1n << 32n), type, 15n | (1n << 40n))[0], 'EPROTONOSUPPORT');
    assert.deepEqual(verdict(none, 'socket', 16n, type, 15n), ['allow', 'allow']);
    for (const protocol of [0n, 9n, 14n, 16n]) {
      assert.deepEqual(verdict(everyGround, 'socket', 16n, type, protocol), ['allow', 'allow']);
    }
    // Of other families it is another protocol.
    assert.deepEqual(verdict(everyGround, 'socket', 2n, type, 15n), ['allow', 'allow']);
  }
});

describe('a run as root', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-grounds-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What a shell says of its limit of cores, where core_pattern shows a text. */
  function limits(pattern: string): string {
    const file = join(folder, 'core_pattern');
    writeFileSync(file, `${pattern}\n`);
    const shown = `mount --bind ${file} /proc/sys/kernel/core_pattern && exec "$@"`;
    const asked = 'ulimit -Sc 0 2>/dev/null; ulimit -Hc unlimited 2>/dev/null; grep core /proc/self/limits';
    const words = ['unshare', '--mount', 'sh', '-c', shown, 'sh', trampfd, 'run', '--policy', 'strict', '--'];
    const { status, output, errors } = run([...words, 'sh', '-c', asked]);
    assert.deepEqual([status, errors], [0, '']);
    return output.trim().split('\n').join(' ');
  }

  test('has no core that a program would be started for, and cannot have one', () => {
    // As an ordinary user nothing can be shown in the place of the setting; the rules above are the same.
    if (process.geteuid?.() !== 0) return;
    assert.match(limits('|/bin/false'), /^Max core file size +1 +1 +bytes/);
    assert.match(limits('core'), /^Max core file size +0 +unlimited +bytes/);
  });
});
