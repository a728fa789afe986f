/**
 * Looking for addresses in what /proc/PID/maps says, whose lines stand in the order of their addresses: a process may have
 * ten thousands of them.
 *
 * @module
 */
import type { MapsLine } from './maps.js';

/** The index of the first line that ends above an address. */
function indexAbove(lines: readonly MapsLine[], address: bigint): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const line = lines[middle];
    if (line !== undefined && line.end <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The mapping that an address is in. */
export function lineAt(lines: readonly MapsLine[], address: bigint): MapsLine | undefined {
  const line = lines[indexAbove(lines, address)];
  return line !== undefined && line.start <= address ? line : undefined;
}

/** The mappings that have some of a range. */
export function linesWithin(
  lines: readonly MapsLine[],
  { start, end }: { readonly start: bigint; readonly end: bigint },
): readonly MapsLine[] {
  const first = indexAbove(lines, start);
  let last = first;
  for (let line = lines[last]; line !== undefined && line.start < end; line = lines[last]) last += 1;
  return lines.slice(first, last);
}
