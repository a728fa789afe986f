/** Jobs are well formed, and jobs that boot alike are done in one boot. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../programs/compile.js';
import { asDebianBoots, bootOf, byBoot, type Job, readJobs } from './job.js';
import { kernels } from './kernels.js';

const jobs = await readJobs();

test('every job has a name of its own, a script, a kernel and a limit', () => {
  assert.ok(jobs.length > 0);
  assert.equal(new Set(jobs.map(({ name }) => name)).size, jobs.length);
  for (const { name, words, patience, isFor } of jobs) {
    const script = join(root, 'test', 'machines', 'guest', `${words[0]}.ts`);
    assert.ok(existsSync(script), script);
    assert.ok(kernels.some(isFor), name);
    assert.ok(patience > 0, name);
    assert.match(name, /^[a-z0-9-]+$/);
  }
});

test('every kernel has a job, with --quick too', () => {
  for (const kernel of kernels) {
    assert.ok(
      jobs.some((job) => job.isFor(kernel) && job.quick !== undefined),
      kernel.name,
    );
  }
});

test('a boot has the jobs with its options', () => {
  const job = (name: string, boot: Job['boot'], isAlone = false): Job => ({
    name,
    isAlone,
    summary: '',
    words: ['doctor'],
    patience: 1,
    boot,
    isFor: () => true,
  });
  const yama = { commandLine: '', settings: { 'kernel/yama/ptrace_scope': '2' } };
  const some = [
    job('a', asDebianBoots),
    job('b', yama),
    job('c', { ...asDebianBoots }),
    job('d', asDebianBoots, true),
    job('e', { ...asDebianBoots, modules: ['vivid'] }, true),
    job('f', { ...asDebianBoots, modules: ['vivid'] }),
  ];
  const names = (isQuick: boolean): readonly (readonly string[])[] =>
    byBoot(some, isQuick).map((group) => group.map(({ name }) => name));
  assert.deepEqual(names(false), [['a', 'c'], ['b'], ['d'], ['e'], ['f']]);
  assert.deepEqual(names(true), [['a', 'c', 'f'], ['b'], ['d', 'e']]);
  assert.deepEqual(bootOf(some.slice(3)), { ...asDebianBoots, modules: ['vivid'] });
});
