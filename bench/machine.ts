/**
 * What figures depend on, and is written down beside them.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { output, TRAMPFD } from './command.js';

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
  /** Why the policy `strict` looks at each execution here, which costs; absent where files are permitted beforehand. */
  readonly looking?: string;
}

function firstLine(command: readonly string[]): string {
  return output(command).split('\n', 1)[0] ?? '';
}

/** What a run under `strict` notes in its log on why it looks at each execution. */
function whyLooking(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-bench-'));
  try {
    const log = join(folder, 'log');
    // Where it cannot be had, nothing is looked at; the benchmarks that need it say what is missing.
    const { status } = spawnSync(TRAMPFD, ['run', '--policy', 'strict', '--log', log, '--', 'true']);
    if (status !== 0) return undefined;
    const events = readFileSync(log, 'utf8').trim().split('\n');
    const notes = events.map((line) => JSON.parse(line) as { readonly event: string; readonly reason?: string });
    return notes.find(({ event }) => event === 'looking')?.reason;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** This machine. */
export function machine(): Machine {
  const looking = whyLooking();
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    kernel: release(),
    node: process.version,
    gcc: firstLine(['gcc', '--version']),
    strace: firstLine(['strace', '--version']),
    ...(looking !== undefined && { looking }),
  };
}
