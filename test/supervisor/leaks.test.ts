/**
 * What a supervisor holds: after tens of thousands of tables, and a million emulated calls, it has the descriptors, the
 * mappings and the memory that it had before.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileProgram, root } from '../programs/compile.js';

/** What a process holds. */
interface Holdings {
  readonly descriptors: number;
  readonly mappings: number;
  /** KiB. */
  readonly memory: number;
}

/** A supervisor lets none of its own user look at its descriptors and mappings; root may. */
const asRoot = process.getuid?.() === 0;

function holdings(processId: number): Holdings {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  return {
    descriptors: asRoot ? readdirSync(`/proc/${processId}/fd`).length : 0,
    mappings: asRoot ? readFileSync(`/proc/${processId}/maps`, 'utf8').split('\n').length : 0,
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]),
  };
}

/** Runs a program that waits for a line after each part of its work, and looks at its supervisor then. */
async function holdingsAfterParts(words: readonly string[], parts: number): Promise<Holdings[]> {
  const script = 'i=0; while [ $i -lt "$0" ]; do "$@" >&2 || exit 1; echo done; read -r _; i=$((i + 1)); done';
  const child = spawn(join(root, 'bin', 'trampfd'), ['run', '--', 'sh', '-c', script, String(parts), ...words], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const found: Holdings[] = [];
  try {
    for await (const chunk of child.stdout) {
      for (const line of String(chunk).split('\n').filter(Boolean)) {
        assert.equal(line, 'done');
        found.push(holdings(child.pid ?? 0));
        child.stdin.write('\n');
      }
    }
  } finally {
    child.kill('SIGKILL');
  }
  assert.equal(found.length, parts, 'the program ended early');
  return found;
}

/** Parts that a program's work is done in. In the first ones V8's heap finds its size, some 40 MiB above what it began with. */
const PARTS = 15;
const FIRST = 9;

/** The lowest of some readings: garbage that is not collected yet comes and goes between them, what leaks only comes. */
function least(readings: readonly Holdings[], of: keyof Holdings): number {
  return Math.min(...readings.map((reading) => reading[of]));
}

/** The highest of some readings. */
function most(readings: readonly Holdings[], of: keyof Holdings): number {
  return Math.max(...readings.map((reading) => reading[of]));
}

for (const [what, program, words, slack] of [
  ['tables that are created, mapped and dropped', 'interface/loop', ['10000'], 0],
  ['trampolines of version 1 that are created, mapped and dropped', 'supervisor/user_loop', ['4000'], 128],
  // Tables of processes that have ended are looked for only when as many again were created: 64 may be held at first.
  ['tables of processes that end without dropping them', 'interface/abandon', ['100', '100'], 128],
  ['a million calls that are emulated', 'emulation/burst', ['many', '66667'], 0],
] as const) {
  test(`${what} leave nothing in the supervisor`, async () => {
    const binary = compileProgram(`${program}.c`, { flags: ['-std=gnu11', '-pthread'] });
    const found = await holdingsAfterParts([binary, ...words], PARTS);
    const before = found.slice(FIRST - 1, FIRST + 2);
    const after = found.slice(-3);
    const said = JSON.stringify(found);
    assert.ok(least(after, 'descriptors') <= most(before, 'descriptors') + slack, said);
    assert.ok(least(after, 'mappings') <= most(before, 'mappings') + slack + 16, said);
    assert.ok(least(after, 'memory') <= most(before, 'memory') + 2048, said);
  });
}
