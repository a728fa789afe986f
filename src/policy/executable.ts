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

/** The classes of headers that the kernel may read of a file of a machine: it looks at the machine, and at no class. */
function classesOf(machine: number): readonly (32 | 64)[] {
  switch (machine) {
    case ELF.EM_X86_64:
      // The narrow one for x32, where the kernel has that.
      return [64, 32];
    case ELF.EM_386:
    case ELF.EM_486:
      return [32];
    default:
      // The kernel starts no other by itself.
      return [];
  }
}

/** From the worst on. */
const WORST_FIRST: readonly ExecutableKind[] = [
  ...(['unknown', 'writable code', 'executable memory', 'executable stack', 'plain'] as const),
];

/**
 * Judges a file.
 *
 * @param start - its first {@link HEADER_BYTES} bytes, or all where it has less
 * @param readMore - for headers that stand behind them
 */
export function judgeExecutable(start: Uint8Array, readMore: ReadMore): ExecutableKind {
  if (!ELF_MAGIC.every((byte, index) => start[index] === byte)) return 'plain';
  if (start.length < ELF_LAYOUT[32].size) return 'unknown';
  const machine = new DataView(start.buffer, start.byteOffset).getUint16(ELF_LAYOUT[32].e_machine, true);
  const classes = classesOf(machine);
  if (classes.length === 0) return 'plain';
  const found = classes.map((bits) => judgeHeaders(start, bits, readMore)).filter((kind) => kind !== undefined);
  return WORST_FIRST.find((kind) => found.includes(kind)) ?? 'unknown';
}

/** Bytes of program headers, at most (load_elf_phdrs in fs/binfmt_elf.c). */
const MOST_HEADER_BYTES = 65_536;

/** Judges a file whose headers are of a class; undefined where they cannot be, as their size is another one. */
function judgeHeaders(start: Uint8Array, bits: 32 | 64, readMore: ReadMore): ExecutableKind | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const layout = ELF_LAYOUT[bits];
  if (start.length < layout.size || view.getUint16(layout.e_phentsize, true) !== layout.phentsize) return undefined;
  const count = view.getUint16(layout.e_phnum, true);
  // The kernel does not start a file by none, or by so many, and goes on to the next class (load_elf_phdrs in
  // fs/binfmt_elf.c). Where the narrow class has its count, a wide one has a part of the place of its sections.
  if (count < 1 || count * layout.phentsize > MOST_HEADER_BYTES) return 'plain';
  const from = bits === 64 ? Number(view.getBigUint64(layout.e_phoff, true)) : view.getUint32(layout.e_phoff, true);
  const length = count * layout.phentsize;
  const headers = from + length <= start.length ? start.subarray(from, from + length) : readMore(from, length);
  if (headers === undefined) return 'unknown';

  const table = new DataView(headers.buffer, headers.byteOffset, headers.length);
  let stack: ExecutableKind = bits === 32 ? 'executable memory' : 'plain';
  let isMarked = false;
  for (let at = 0; at < length; at += layout.phentsize) {
    const type = table.getUint32(at + layout.p_type, true);
    const flags = table.getUint32(at + layout.p_flags, true);
    if (type === ELF.PT_LOAD && isWritableCode(table, at, bits)) return 'writable code';
    if (type !== ELF.PT_GNU_STACK) continue;
    if ((flags & ELF.PF_X) !== 0) stack = 'executable stack';
    else if (!isMarked) stack = 'plain';
    isMarked = true;
  }
  return stack;
}

const PAGE = 4096n;

/**
 * Whether the kernel makes memory of a segment that is writable and executable. What a segment has behind the file's bytes
 * is memory as of brk(2), which is writable whatever the flags say, and executable where they do (elf_load and vm_brk_flags of
 * the kernel).
 */
function isWritableCode(table: DataView, at: number, bits: 32 | 64): boolean {
  const { p_flags, p_vaddr, p_filesz, p_memsz } = ELF_LAYOUT[bits];
  const flags = table.getUint32(at + p_flags, true);
  if ((flags & ELF.PF_X) === 0) return false;
  if ((flags & ELF.PF_W) !== 0) return true;
  const word = (field: number): bigint =>
    bits === 64 ? table.getBigUint64(at + field, true) : BigInt(table.getUint32(at + field, true));
  const [address, inFile, inMemory] = [word(p_vaddr), word(p_filesz), word(p_memsz)];
  const upTo = (end: bigint): bigint => (end + PAGE - 1n) / PAGE;
  const first = inFile === 0n ? address / PAGE : upTo(address + inFile);
  return inMemory > inFile && upTo(address + inMemory) > first;
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
