/**
 * How much memory of its own the supervisor gives to programs for their trampolines: pages of views (view.ts) and pools
 * (page_pool.ts). Each is a file that is mapped here as long as a process has it; no descriptor stays open for it.
 *
 * @module
 */
import { commandName } from '../../linux/proc.js';
import { Allowance } from '../allowance.js';
import { sayFailure } from '../failure.js';

/** Bytes, and files, that all processes have together, at most; the kernel lets a process have 65,530 mappings. */
const MOST_BYTES = 512 << 20;
const MOST_FILES = 8192;
/** The part of what others have left that one process may have. */
const SHARE = 1 / 4;
/** Bytes of one view, at most: room for some hundred thousand closures of libffi, which maps 64 KiB at once. */
export const LONGEST_VIEW: bigint = 16n << 20n;
/** Processes that are named on standard error, at most. */
const MOST_TOLD = 16;

/** See the module. The tracing thread has one. */
export class OwnMemory {
  readonly #bytes = new Allowance(() => MOST_BYTES, SHARE);
  readonly #files = new Allowance(() => MOST_FILES, SHARE);
  readonly #told = new Set<number>();

  /**
   * Gives a process so many bytes more, of one file.
   *
   * @returns what is to be called when they are gone; undefined where it has all that it may have
   */
  take(processId: number, bytes: number): (() => void) | undefined {
    if (!this.#bytes.hasRoomFor(processId, bytes) || !this.#files.hasRoomFor(processId, 1)) return undefined;
    const gone = [this.#bytes.take(processId, bytes), this.#files.take(processId, 1)];
    return () => {
      for (const one of gone) one();
    };
  }

  /** Why a process gets no more, which is said on standard error too, once for each process. */
  refuse(processId: number, what: string): string {
    const mebibytes = Math.floor(this.#bytes.mostOf(processId) / (1 << 20));
    const reason =
      `${what}: the supervisor keeps at most ${LONGEST_VIEW >> 20n} MiB for one view, and ${mebibytes} MiB and ` +
      `${this.#files.mostOf(processId)} views for this process now; map less at once, and unmap what is not called any more`;
    if (this.#told.size < MOST_TOLD && !this.#told.has(processId)) {
      this.#told.add(processId);
      sayFailure(`${commandName(processId)}[${processId}]: ${reason}`);
    }
    return reason;
  }
}
