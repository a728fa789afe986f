/**
 * Whether a thread wants a processor, and how long it has had one: /proc/ID/status and /proc/ID/schedstat (proc(5)).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { statusField } from './status.js';

/** See the module. */
export interface RunTime {
  readonly isRunnable: boolean;
  /** The time on a processor, as text: it is only compared. Empty where the kernel does not tell (CONFIG_SCHED_INFO). */
  readonly nanoseconds: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Looks at a thread. One that is gone does not run. */
export function runTime(threadId: number): RunTime {
  const [nanoseconds = ''] = read(`/proc/${threadId}/schedstat`).split(' ', 1);
  return { isRunnable: statusField(threadId, 'State')?.startsWith('R') === true, nanoseconds };
}
