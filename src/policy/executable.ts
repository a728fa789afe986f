/**
 * What a program's file asks of the kernel: memory that is writable and executable, by its headers (elf(5), and
 * fs/binfmt_elf.c and arch/x86/include/asm/elf.h of the kernel).
 *
 * @module
 */

import { ELF, ELF_LAYOUT, ELF_MAGIC } from '../abi/elf.js';
import { allows, allowsAll, memoryKinds, type Policy } from './kinds.js';

/** How much of a file's start is looked at: mostly the headers of all segments are there. */
export const HEADER_BYTES = 1024;

/** What the headers of a file ask for. */
export type ExecutableKind =
  /** Nothing of the kind: also a file that is no program of x86, such as a script. */
  | 'plain'
  /** A stack that is executable. */
  | 'executable stack'
  /** All memory that can be read is executable: of an i386 file that says nothing of its stack. */
  | 'executable memory'
  /** A segment that is writable and executable. */
  | 'writable code'
  /** The headers cannot be judged: they are damaged, or cannot be read. */
  | 'unknown';

/** Bytes of the file, from an offset on; undefined where there are not as many. */
export type ReadMore = (offset: number, length: number) => Uint8Array | undefined;

/**
 * Judges a file.
 *
 * @param start - its first {@link HEADER_BYTES} bytes, or all where it has less
 * @param readMore - for headers that stand behind them
 */
export function judgeExecutable(start: Uint8Array, readMore: ReadMore): ExecutableKind {
  if (!ELF_MAGIC.every((byte, index) => start[index] === byte)) return 'plain';
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const isWide = start[4] === ELF.ELFCLASS64;
  const layout = ELF_LAYOUT[isWide ? 64 : 32];
  if (start.length < layout.size) return 'unknown';
  const machine = view.getUint16(layout.e_machine, true);
  // The kernel starts no other by itself.
  if (machine !== ELF.EM_X86_64 && machine !== ELF.EM_386) return 'plain';
  const from = isWide ? Number(view.getBigUint64(layout.e_phoff, true)) : view.getUint32(layout.e_phoff, true);
  const count = view.getUint16(layout.e_phnum, true);
  const entrySize = view.getUint16(layout.e_phentsize, true);
  const length = count * layout.phentsize;
  const headers = from + length <= start.length ? start.subarray(from, from + length) : readMore(from, length);
  if (entrySize !== layout.phentsize || headers === undefined) return 'unknown';

  const table = new DataView(headers.buffer, headers.byteOffset, headers.length);
  const writableCode = ELF.PF_W | ELF.PF_X;
  let stack: ExecutableKind = machine === ELF.EM_386 ? 'executable memory' : 'plain';
  let isMarked = false;
  for (let at = 0; at < length; at += layout.phentsize) {
    const type = table.getUint32(at + layout.p_type, true);
    const flags = table.getUint32(at + layout.p_flags, true);
    if (type === ELF.PT_LOAD && (flags & writableCode) === writableCode) return 'writable code';
    if (type !== ELF.PT_GNU_STACK) continue;
    if ((flags & ELF.PF_X) !== 0) stack = 'executable stack';
    else if (!isMarked) stack = 'plain';
    isMarked = true;
  }
  return stack;
}

/** Whether a policy lets a program have what its file asks for. */
export function mayHave(policy: Policy, kind: ExecutableKind): boolean {
  switch (kind) {
    case 'plain':
      return true;
    case 'executable stack':
      return allows(policy, 'execstack');
    case 'executable memory':
      return allowsAll(policy, memoryKinds);
    case 'writable code':
      return allows(policy, 'execmem');
    case 'unknown':
      return false;
  }
}
