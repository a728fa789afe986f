/**
 * Names of functions that addresses of a process are in, from the files that it has mapped.
 *
 * A file is looked for by the name that the process has it under, from its root. It is read where it is the file that is
 * mapped, and can be read; where not, the function has no name.
 *
 * @module
 */

import { isTooMany, Late, promptly } from '../linux/late_call.js';
import type { MapsLine } from '../linux/maps.js';
import { type OpenFile, openProgramFile } from '../linux/program_files.js';
import { type FoundFunction, functionAt } from './elf_symbols.js';

/** A place in a mapping of a process. */
export interface CodePlace {
  readonly line: MapsLine;
  readonly address: bigint;
}

/** Functions that are kept; then all are forgotten. */
const MOST_KEPT = 1024;
const kept = new Map<string, FoundFunction | undefined>();

/** Opens the file of a mapping; undefined where it cannot be had. What is there may be something else by now, and may not stop us. */
function openMapped(processId: number, { name, inode }: MapsLine): OpenFile | undefined {
  if (!name.startsWith('/')) return undefined;
  // Under `strict` the supervisor has mounts of its own, and reaches those of the process through its root.
  for (const path of [`/proc/${processId}/root${name}`, name]) {
    const file = openProgramFile(Buffer.from(path).toString('latin1'), processId);
    // Perhaps by the other path.
    if (typeof file === 'number') continue;
    if (file.status.isFile && file.status.inode === inode) return file;
    file[Symbol.dispose]();
  }
  return undefined;
}

/** The function that code at an address is in; of an address behind a call, that of the call. */
function lookUp(processId: number, { line, address }: CodePlace): FoundFunction | undefined {
  const file = openMapped(processId, line);
  if (file === undefined) return undefined;
  using _ = file;
  try {
    // A call may be the last instruction of a function that the called one never returns to.
    const found = functionAt(
      (offset, length) => {
        const bytes = file.read(offset, length);
        return bytes.length === length ? bytes : undefined;
      },
      Number(address - 1n - line.start + line.offset),
    );
    return found === undefined ? undefined : { name: found.name, offset: found.offset + 1 };
  } catch (error) {
    if (error instanceof Late || isTooMany(error)) throw error;
    return undefined;
  }
}

/** The function that code calls from, by the address behind the call; undefined where that is not known. */
export function functionOf(processId: number, place: CodePlace): FoundFunction | undefined {
  const { line, address } = place;
  const key = `${line.device} ${line.inode} ${line.offset + (address - line.start)} ${line.name}`;
  if (kept.has(key)) return kept.get(key);
  if (kept.size >= MOST_KEPT) kept.clear();
  // What comes late is done without, and looked up the next time.
  const found = promptly<FoundFunction | 'late' | undefined>(() => lookUp(processId, place), 'late');
  if (found === 'late') return undefined;
  kept.set(key, found);
  return found;
}

/** Code by its file and function: `/usr/bin/program(main+0x12)`, or with the address's distance from the file's start. */
export function codePlaceName(processId: number, place: CodePlace, otherwise: string): string {
  const found = functionOf(processId, place);
  return found === undefined ? otherwise : `${place.line.name}(${found.name}+0x${found.offset.toString(16)})`;
}
