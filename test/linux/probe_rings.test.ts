/**
 * What is found of buffers that can be mapped is what a program of its own finds.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { probeRings } from '../../src/linux/probe_rings.js';
import { socketsMayExecute } from '../../src/linux/socket.js';
import { compileProgram } from '../programs/compile.js';

/** How the matrix's own program for these buffers fares without us: it shares nothing with the probes. */
function outcome(variant: string): string {
  const program = compileProgram('wx/row-28-rings.c', {});
  return spawnSync(program, [variant], { encoding: 'utf8' }).stdout.trim().replace(/^.*: /, '');
}

function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`).replace(/\d+/g, 'N')];
    } catch {
      return [];
    }
  });
}

const VARIANTS = {
  io_uring: 'io_uring-twice',
  'packet socket': 'packet-twice',
  'performance event': 'perf-twice',
  'secret memory': 'memfd_secret-twice',
} as const;

test('each kind is found executable where bytes written to it run, and only there', () => {
  const found = probeRings();
  for (const [kind, variant] of Object.entries(VARIANTS)) {
    const ran = outcome(variant) === 'EXEC';
    assert.equal(found[kind as keyof typeof VARIANTS] === 'executable', ran, `${kind}: ${outcome(variant)}`);
  }
});

test('what a socket without memory says is what one with a ring says', () => {
  const { 'packet socket': ring } = probeRings();
  if (ring === 'executable') assert.equal(socketsMayExecute(), true);
  if (ring === 'not executable') assert.equal(socketsMayExecute(), false);
});

test('nothing stays open', () => {
  const before = openFiles();
  probeRings();
  socketsMayExecute();
  assert.deepEqual(openFiles(), before);
});
