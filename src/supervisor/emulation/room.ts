/**
 * Where in a process's memory there is room for what promoted code loads: at one of the distances that no byte of is of the
 * program's choice (trampoline/distances.ts).
 *
 * @module
 */
import type { MapsLine } from '../../linux/maps.js';
import { DISTANCES } from '../../trampoline/distances.js';

/** No room is taken below this address, nor above the highest that programs have (4-level page tables). */
const LOWEST = 1n << 20n;
const HIGHEST = (1n << 47n) - 4096n;
/** What a stack below itself, and a heap above, is left to grow. */
const GROWTH = 1n << 30n;

/**
 * The nearest room.
 *
 * @param start what the distances are counted from
 * @param length bytes of the room
 * @param lines the mappings, as they are now
 * @returns nothing where none of the places is free
 */
export function roomFor(start: bigint, length: bigint, lines: readonly MapsLine[]): bigint | undefined {
  const isFree = (room: bigint): boolean =>
    lines.every((line) => {
      const from = line.name === '[stack]' ? line.start - GROWTH : line.start;
      const to = line.name === '[heap]' ? line.end + GROWTH : line.end;
      return room + length <= from || room >= to;
    });
  return DISTANCES.map((distance) => start + BigInt(distance)).find(
    (room) => room >= LOWEST && room + length <= HIGHEST && isFree(room),
  );
}
