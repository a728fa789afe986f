/**
 * The one way to write to standard error. The program has it too, so it may be full, closed, or a pipe that nobody reads: that
 * changes nothing about a run, nor its exit status.
 *
 * @module
 */
import { Output } from './output.js';
import { standardErrorMemory } from './output_memory.js';

let output: Output | undefined;

/** Standard error. */
export function standardError(): Output {
  output ??= new Output(2, standardErrorMemory(), (lines) => `trampfd: ${lines} lines before this one were lost`);
  return output;
}

/** Says a sentence to the person who has started the run. */
export function say(sentence: string): void {
  standardError().write(`trampfd: ${sentence}`);
}
