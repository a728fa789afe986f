/**
 * Changes to the program headers of ELF files (elf(5)): what a compiler would not write.
 *
 * @module
 */

/** Types and flags of segments; elf.h. */
const PT_NULL = 0;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;

/** Where a segment's fields are. */
interface Segment {
  readonly type: number;
  /** Offsets in the file of its type and flags. */
  readonly typeAt: number;
  readonly flagsAt: number;
  /** Where its content is. */
  readonly offset: number;
  readonly size: number;
}

function segments(file: Buffer): readonly Segment[] {
  const is64 = file[4] === 2;
  const start = is64 ? Number(file.readBigUInt64LE(32)) : file.readUInt32LE(28);
  const [size, count] = is64
    ? [file.readUInt16LE(54), file.readUInt16LE(56)]
    : [file.readUInt16LE(42), file.readUInt16LE(44)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at),
      typeAt: at,
      flagsAt: at + (is64 ? 4 : 24),
      offset: is64 ? Number(file.readBigUInt64LE(at + 8)) : file.readUInt32LE(at + 4),
      size: is64 ? Number(file.readBigUInt64LE(at + 32)) : file.readUInt32LE(at + 16),
    };
  });
}

/** A copy of the file that says nothing of its stack. */
export function withoutStackHeader(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  for (const { type, typeAt } of segments(file)) if (type === PT_GNU_STACK) changed.writeUInt32LE(PT_NULL, typeAt);
  return changed;
}

/** A copy of the file whose writable segments are executable. */
export function withExecutableData(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  for (const { type, flagsAt } of segments(file)) {
    const flags = file.readUInt32LE(flagsAt);
    if (type === PT_LOAD && (flags & PF_W) !== 0) changed.writeUInt32LE(flags | PF_X, flagsAt);
  }
  return changed;
}

/**
 * A copy of the file that names another interpreter.
 *
 * @throws Error where the name that it has is shorter
 */
export function withInterpreter(file: Buffer, path: string): Buffer {
  const changed = Buffer.from(file);
  const segment = segments(file).find(({ type }) => type === PT_INTERP);
  if (segment === undefined || segment.size <= path.length) throw new Error(`no room for ${path}`);
  changed.fill(0, segment.offset, segment.offset + segment.size).write(path, segment.offset);
  return changed;
}
