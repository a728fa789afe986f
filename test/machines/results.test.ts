/** What guests write is read, and whatever went wrong is a fault. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptFaults, keepAttempts, kernelResults } from './matrix_results.js';
import { faultsOf, type JobResults, readResults } from './results.js';

const attempt = {
  width: 'i386',
  program: 'row-01-a',
  variant: 'v',
  outcome: 'EACCES',
  user: 'root',
  column: 'strict',
} as const;

const TEXT = `{"release":"6.1.0-1-amd64","version":"#1 SMP Debian 6.1.9-1 (2026-01-01)","lsm":"yama"}
{"job":"one","began":7.5}\r
{"job":"one","point":"this"}
{"job":"one","point":"that","fault":"is not so"}
{"job":"one","status":0,"ended":9.5}
{"job":"two","began":10}
{"job":"two","attempt":${JSON.stringify(attempt)}}
{"job":"two","attempt":{"wid`;

test('jobs, points, attempts, and how long they took; a line that was cut off says nothing', () => {
  const { release, jobs } = readResults(TEXT);
  assert.equal(release, '6.1.0-1-amd64');
  assert.deepEqual([...jobs.keys()], ['one', 'two']);
  assert.equal(jobs.get('one')?.seconds, 2);
  assert.deepEqual(jobs.get('two')?.attempts, [attempt]);
  assert.deepEqual(kernelResults(readResults(TEXT)).root.strict, [attempt]);
  assert.deepEqual(kernelResults(readResults(TEXT)).ordinary.strict, []);
});

test('a point that is not so is a fault, and a job that never ended', () => {
  const { jobs } = readResults(TEXT);
  assert.deepEqual(faultsOf(jobs.get('one')), ['that: is not so']);
  assert.deepEqual(faultsOf(jobs.get('two')), ['it never ended']);
});

test('so is a job that was not begun, failed, took too long, or looked at nothing', () => {
  const job = (status: number, names: readonly string[]): JobResults => ({
    points: names.map((name) => ({ name, fault: undefined })),
    attempts: [],
    status,
    seconds: 1,
  });
  assert.deepEqual(faultsOf(undefined), ['it was never begun']);
  assert.deepEqual(faultsOf(job(0, ['a'])), []);
  assert.deepEqual(faultsOf(job(1, ['a'])), ['it ended with status 1']);
  assert.deepEqual(faultsOf(job(124, ['a'])), ['it took too long, and was ended']);
  assert.deepEqual(faultsOf(job(0, [])), ['it looked at nothing']);
});

test('bytes that ran under strict are a fault, as root and as a user; under wx they are what the docs say', () => {
  for (const outcome of ['EXEC', 'OPENED', 'TAKEN']) {
    assert.equal(attemptFaults([{ ...attempt, outcome }]).length, 1);
    assert.equal(attemptFaults([{ ...attempt, user: 'ordinary', outcome }]).length, 1);
    assert.deepEqual(attemptFaults([{ ...attempt, column: 'wx', outcome }]), []);
  }
  assert.deepEqual(attemptFaults([attempt]), []);
});

test('an attempt that could not be made is a fault under every level', () => {
  for (const column of ['bare', 'wx', 'strict'] as const) {
    for (const outcome of ['hangs', 'status 3'])
      assert.equal(attemptFaults([{ ...attempt, column, outcome }]).length, 1);
  }
});

test('what is kept of the matrix is renewed row by row, and only for the same package of the kernel', () => {
  const text = (version: string, ...attempts: readonly object[]): string =>
    [{ release: 'r', version }, ...attempts.map((each) => ({ job: 'm', attempt: each }))]
      .map((each) => JSON.stringify(each))
      .join('\n');
  const other = { ...attempt, program: 'row-02-b' };
  const kept = keepAttempts('', readResults(text('1', attempt, { ...attempt, variant: 'w' }, other)));
  const renewed = readResults(keepAttempts(kept, readResults(text('1', { ...attempt, outcome: 'EPERM' }))));
  assert.deepEqual(kernelResults(renewed).root.strict, [other, { ...attempt, outcome: 'EPERM' }]);
  assert.deepEqual(kernelResults(readResults(keepAttempts(kept, readResults(text('2', other))))).root.strict, [other]);
});
