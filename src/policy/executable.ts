/**
 * What a program's file asks of the kernel: memory that is writable and executable, by its headers (elf(5), and
 * fs/binfmt_elf.c and arch/x86/include/asm/elf.h of the kernel).
 *
 * @module
 */
import { ELF, ELF_LAYOUT, ELF_MAGIC } from '../abi/elf.js';

/** How much of a file's start is looked at: headers that go on behind it are not judged. */
export const HEADER_BYTES = 1024;

/** What the headers of a file ask for. */
export type ExecutableKind =
  /** Nothing of the kind: also a file that is no program of x86, such as a script. */
  | 'plain'
  /** A stack that is executable; or, of an i386 file that says nothing, all memory that can be read. */
  | 'executable stack'
  /** A segment that is writable and executable. */
  | 'writable code'
  /** The headers cannot be judged: they are not where they are looked for, or are damaged. */
  | 'unknown';

/**
 * Judges a file.
 *
 * @param start - its first {@link HEADER_BYTES} bytes, or all where it has less
 */
export function judgeExecutable(start: Uint8Array): ExecutableKind {
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
  if (entrySize !== layout.phentsize || from + count * layout.phentsize > start.length) return 'unknown';

  const segments = Array.from({ length: count }, (_, index) => {
    const at = from + index * layout.phentsize;
    return { type: view.getUint32(at + layout.p_type, true), flags: view.getUint32(at + layout.p_flags, true) };
  });
  const writableCode = ELF.PF_W | ELF.PF_X;
  if (segments.some(({ type, flags }) => type === ELF.PT_LOAD && (flags & writableCode) === writableCode)) {
    return 'writable code';
  }
  const stacks = segments.filter(({ type }) => type === ELF.PT_GNU_STACK);
  if (stacks.some(({ flags }) => (flags & ELF.PF_X) !== 0)) return 'executable stack';
  return stacks.length === 0 && machine === ELF.EM_386 ? 'executable stack' : 'plain';
}
