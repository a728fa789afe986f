/**
 * How a job in a guest tells its results: an object of JSON a line, on the guest's second serial line.
 *
 * Outside of a guest, where RESULTS is not in the environment, they go to standard output.
 *
 * @module
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const { RESULTS: line, JOB: job = 'job' } = process.env;

/** Tells one result. The line is opened for it alone: no program of the job inherits a terminal. */
export function tell(result: Readonly<Record<string, unknown>>): void {
  const text = `${JSON.stringify({ job, ...result })}\n`;
  if (line === undefined) {
    writeSync(1, text);
    return;
  }
  const descriptor = openSync(line, 'a');
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Tells that something is as it should be, or how it is not.
 *
 * @param fault - what is wrong; undefined where nothing is
 */
export function point(name: string, fault?: string): void {
  tell(fault === undefined ? { point: name } : { point: name, fault });
}

/** Tries something, and tells whether it went as it should: an error that it throws is the fault. */
export async function attempt(name: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
    point(name);
  } catch (error) {
    point(name, error instanceof Error ? error.message : String(error));
  }
}
