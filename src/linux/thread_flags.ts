/**
 * The flags of a thread, which the kernel alone sets (proc(5): the ninth field of /proc/ID/stat).
 *
 * @module
 */
import { promptly } from './late_call.js';
import { readProcText } from './proc_text.js';

/** See the module; undefined where they cannot be read, or not in time. */
export function flagsOf(threadId: number): number | undefined {
  const text = promptly(() => readProcText(threadId, 'stat', 'latin1'), undefined);
  const fields = text?.replace(/^.*\) /s, '').split(' ');
  return fields === undefined ? undefined : Number(fields[6]);
}
