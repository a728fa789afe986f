/**
 * Code with labels: instructions whose bytes depend on where they and others stand, and their placing one behind another.
 *
 * Every part says how long it is before it is placed, so that one pass over the lengths gives all labels their offsets.
 *
 * @module
 */
import type { Instruction } from './architecture.js';

/** A name for the offset at which the next part stands. */
export interface Label {
  readonly label: string;
}

/** The offset of a label, from the start of the code. */
export type OffsetOf = (label: string) => number;

/** An instruction that is known only when it is placed. */
export interface Placeable {
  /** Bytes. */
  readonly length: number;
  /** The instruction at offset `at`, `length` bytes long. */
  readonly place: (at: number, offsetOf: OffsetOf) => Instruction;
}

export type Part = Instruction | Label | Placeable;

/** A label before the next part. */
export function label(name: string): Label {
  return { label: name };
}

function lengthOf(part: Part): number {
  if ('label' in part) return 0;
  return 'length' in part ? part.length : part.bytes.length;
}

/**
 * Places parts one behind another.
 *
 * @param known offsets of labels that stand outside of these parts
 * @throws RangeError where a label is missing or stands twice, or a part is not as long as it said: an error of ours
 */
export function placed(parts: readonly Part[], known: Readonly<Record<string, number>> = {}): Instruction[] {
  const offsets = new Map<string, number>(Object.entries(known));
  let at = 0;
  for (const part of parts) {
    if ('label' in part) {
      if (offsets.has(part.label)) throw new RangeError(`label ${part.label} stands twice`);
      offsets.set(part.label, at);
    }
    at += lengthOf(part);
  }
  const offsetOf = (name: string): number => {
    const offset = offsets.get(name);
    if (offset === undefined) throw new RangeError(`label ${name} is missing`);
    return offset;
  };

  const instructions: Instruction[] = [];
  at = 0;
  for (const part of parts) {
    if ('label' in part) continue;
    const instruction = 'place' in part ? part.place(at, offsetOf) : part;
    const length = lengthOf(part);
    if (instruction.bytes.length !== length)
      throw new RangeError(`${instruction.mnemonic} is not ${length} bytes long`);
    instructions.push(instruction);
    at += length;
  }
  return instructions;
}
