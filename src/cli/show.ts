/**
 * `trampfd show`: the listing of a trampoline.
 *
 * @module
 */
import type { ShowOptions } from './arguments.js';

export function show(options: ShowOptions): string {
  return JSON.stringify(options);
}
