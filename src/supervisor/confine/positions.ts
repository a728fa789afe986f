/**
 * Positions of inherited files that a confined program has opened again: they are the program's own, and are handed back to
 * whoever has the old ones when the program stops or ends, so that `{ trampfd run ...; echo; } >file` writes one behind the
 * other.
 *
 * @module
 */
import { position, setPosition } from '../../linux/descriptor.js';
import { duplicateOnto } from '../../linux/process.js';

/** Two descriptors of ours: the file as it was inherited, and as the program has it. */
export interface HandedPosition {
  readonly outside: number;
  readonly inside: number;
  /** The numbers that the program has it at. */
  readonly numbers: readonly number[];
}

/** Has this process write to standard error where the program does, at one position. */
export function shareStandardError(positions: readonly HandedPosition[]): void {
  for (const { inside, numbers } of positions) if (numbers.includes(2)) duplicateOnto(inside, 2);
}

/** Hands positions back: what others read or write next goes on where the program has come to. */
export function handBack(positions: readonly HandedPosition[]): void {
  for (const { outside, inside } of positions) setPosition(outside, position(inside));
}
