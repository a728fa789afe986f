/**
 * The window: the numbers that descriptors of trampoline tables get in a target.
 *
 * write(2) and its like are hot, and a filter sees a descriptor's number only. So tables get numbers from the top of the
 * target's RLIMIT_NOFILE downwards, and the filter notifies calls on these numbers alone. The kernel gives the lowest
 * free number to everything else, so that nothing but a program that nearly fills its limit comes near.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { descriptorPath, fileIdentity } from '../linux/descriptor.js';

/** A range of descriptor numbers. */
export interface Window {
  /** The lowest. */
  readonly from: number;
  /** The first one above. */
  readonly below: number;
}

/**
 * Numbers above this are not used, however high the limit: the kernel's table of a process grows to its highest
 * descriptor, 8 bytes each, and every fork copies it.
 */
const HIGHEST = 65_536;
/** Tables that one process can hold open at once; they need not be open while they are mapped. */
const MOST = 1024;

/**
 * The window for a target's soft RLIMIT_NOFILE: a quarter of the limit, at most 1024 numbers, at most up to 65536.
 */
export function windowFor(softLimit: bigint): Window {
  const below = softLimit > BigInt(HIGHEST) ? HIGHEST : Math.max(Number(softLimit), 1);
  return { from: below - Math.max(1, Math.min(MOST, below >> 2)), below };
}

/**
 * A window without some numbers at its lower end: those that this process has for itself, where a program starts with so
 * many descriptors that they reach it. The thread that takes the filter makes calls on them, which would be notified before
 * there is anybody to answer. Where none is left, the window is one number that the program cannot have.
 */
export function windowAbove({ from, below }: Window, highest: number): Window {
  const lowest = Math.max(from, highest + 1);
  return { from: lowest, below: Math.max(below, lowest + 1) };
}

/** Whether a number lies in the window. */
export function isInside({ from, below }: Window, number: number): boolean {
  return number >= from && number < below;
}

/** Chooses numbers in a window. It remembers where it was, so that a free number is mostly found at the first look. */
export class NumberChooser {
  readonly #window: Window;
  #next: number;

  constructor(window: Window) {
    this.#window = window;
    this.#next = window.below - 1;
  }

  /**
   * A number that a thread has no descriptor at.
   *
   * @param threadId - the thread; its descriptor table may be its own
   * @param atLeast - the lowest number that will do, as fcntl(2) F_DUPFD demands it
   * @returns the number, or the name of the error: EMFILE where there is none, EACCES where it cannot be looked at
   */
  choose(threadId: number, atLeast = 0): number | 'EMFILE' | 'EACCES' {
    const { from, below } = this.#window;
    for (let tried = from; tried < below; tried++) {
      const number = this.#next;
      this.#next = number === from ? below - 1 : number - 1;
      if (number < atLeast) continue;
      const found = fileIdentity(descriptorPath(threadId, number));
      if (found === -errnoNumbers.ENOENT) return number;
      if (typeof found === 'number') return 'EACCES';
    }
    return 'EMFILE';
  }
}
