/**
 * What figures depend on, and is written down beside them.
 *
 * @module
 */
import { availableParallelism, cpus, release } from 'node:os';
import { output } from './command.js';

/** The facts of a machine that figures depend on. */
export interface Machine {
  /** The processor's name, as the kernel gives it. */
  readonly processor: string;
  readonly processors: number;
  readonly kernel: string;
  readonly node: string;
  /** The first line of what each says about its version. */
  readonly gcc: string;
  readonly strace: string;
}

function firstLine(command: readonly string[]): string {
  return output(command).split('\n', 1)[0] ?? '';
}

/** This machine. */
export function machine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    kernel: release(),
    node: process.version,
    gcc: firstLine(['gcc', '--version']),
    strace: firstLine(['strace', '--version']),
  };
}
