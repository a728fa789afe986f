/**
 * The memory of a program that was executed, before its first instruction: what the kernel has made of the file's headers
 * (elf(5)). A stack that is executable, because the file asks for one, is made one that is not. So is all else where an
 * i386 file says nothing of its stack, for which the kernel makes everything executable that can be read. A segment that
 * is writable and executable is the file's own doing: such a program does not run.
 *
 * Nobody else can change that memory meanwhile: it is new, its one thread is stopped, and no process of the run may write
 * to another.
 *
 * @module
 */
import { readlinkSync } from 'node:fs';
import { PROT } from '../abi/mman.js';
import { PERSONALITY, PERSONALITY_QUERY } from '../abi/process.js';
import { promptly } from '../linux/late_call.js';
import { type MapsLine, mappings } from '../linux/maps.js';
import { readMapsText } from '../linux/maps_text.js';
import type { StoppedImage } from '../linux/stopped_image.js';
import { mayHave } from '../policy/executable.js';
import { allows, type Policy } from '../policy/kinds.js';

/** What was found in a new program. */
export type ImageFinding =
  /** Nothing is writable and executable. */
  | { readonly kind: 'clean' }
  /** Its stack, or all of its memory, was executable; it is not any more. */
  | { readonly kind: 'mended'; readonly file: string; readonly memory: string }
  /** It cannot run: the reason is a sentence. */
  | { readonly kind: 'refused'; readonly file: string; readonly reason: string };

const STACK = '[stack]';

function isWritableCode({ permissions }: MapsLine): boolean {
  return permissions[1] === 'w' && permissions[2] === 'x';
}

function fileOf(processId: number): string {
  try {
    return readlinkSync(`/proc/${processId}/exe`);
  } catch {
    return `process ${processId}`;
  }
}

/**
 * Looks at a program that stands before its first instruction, and mends what can be mended.
 *
 * @param image - the stopped thread, that can be made to call
 */
export function inspectImage(processId: number, image: StoppedImage, policy: Policy): ImageFinding {
  const text = readMapsText(processId);
  // Seen in each line behind the addresses; a file's name may have it too, and then it is looked at closely.
  if (text !== undefined && !text.includes('wx')) return { kind: 'clean' };
  const file = fileOf(processId);
  const found = promptly(() => mappings(processId), undefined);
  if (text === undefined || found === undefined) {
    return {
      kind: 'refused',
      file,
      reason: 'its memory cannot be looked at, as the user may not read its file; run trampfd as root',
    };
  }
  if (!found.some(isWritableCode)) return { kind: 'clean' };
  const current = image.call('personality', [BigInt(PERSONALITY_QUERY)]) ?? 0n;
  const everything = (current & BigInt(PERSONALITY.READ_IMPLIES_EXEC)) !== 0n;
  const isRefused = (line: MapsLine): boolean => {
    const kind = everything ? 'executable memory' : line.name === STACK ? 'executable stack' : 'writable code';
    return isWritableCode(line) && !mayHave(policy, kind);
  };
  // Where files are not judged, a program may be what it wants to be; its stack is taken X from to be emulated.
  const isJudged = (line: MapsLine): boolean =>
    isRefused(line) && (!allows(policy, 'execfile') || everything || line.name === STACK);
  const writable = found.filter(isJudged);
  if (writable.length === 0) return { kind: 'clean' };
  const segment = everything ? undefined : writable.find(({ name }) => name !== STACK);
  if (segment !== undefined) {
    const { name, start, end, permissions } = segment;
    const where = `${start.toString(16)}-${end.toString(16)}`;
    return {
      kind: 'refused',
      file,
      reason: `its segment at ${where} (${name || 'bss'}) is ${permissions}, writable and executable; link it without such a segment`,
    };
  }
  const calls: boolean[] = [];
  if (everything) {
    calls.push(image.call('personality', [current & ~BigInt(PERSONALITY.READ_IMPLIES_EXEC)]) === current);
  }
  for (const { start, end } of writable) {
    const protection = BigInt(PROT.PROT_READ | PROT.PROT_WRITE);
    calls.push(image.call('mprotect', [start, end - start, protection]) === 0n);
  }
  const left = promptly(() => mappings(processId), undefined)?.filter(isJudged);
  if (calls.includes(false) || left === undefined || left.length > 0) {
    return {
      kind: 'refused',
      file,
      reason: 'its stack is executable, and cannot be made one that is not; build it with -z noexecstack',
    };
  }
  return { kind: 'mended', file, memory: everything ? 'all of its memory' : 'its stack' };
}
