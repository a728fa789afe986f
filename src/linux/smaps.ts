/**
 * What /proc/PID/smaps tells of mappings beyond their lines in /proc/PID/maps (proc(5)).
 *
 * @module
 */
import { readProcText } from './proc_text.js';

/** Lines that count pages which are the process's own, and no file's: with a number above 0. */
const OWN_PAGES = /^(?:Anonymous|Swap|Private_Hugetlb): +[1-9]/;

/**
 * The first addresses of mappings that have pages of the process's own: a private mapping of a file has one for each page
 * that was written to. Undefined where they cannot be read.
 */
export function mappingsWithOwnPages(processId: number): ReadonlySet<bigint> | undefined {
  const text = readProcText(processId, 'smaps', 'latin1');
  if (text === undefined) return undefined;
  const starts = new Set<bigint>();
  let start: string | undefined;
  // A file's name, at the end of a mapping's first line, has no newline: the kernel escapes it. What else it has counts for nothing.
  for (const line of text.split('\n')) {
    const first = /^([0-9a-f]+)-[0-9a-f]+ /.exec(line)?.[1];
    if (first !== undefined) start = first;
    else if (start !== undefined && OWN_PAGES.test(line)) starts.add(BigInt(`0x${start}`));
  }
  return starts;
}
