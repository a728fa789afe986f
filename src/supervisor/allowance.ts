/**
 * What processes make the supervisor hold of one kind: descriptors, memory. All of them together may have it hold so much,
 * and one may take no more than a share of what the others have left. So one that takes all it can get leaves room for
 * those that come later.
 *
 * @module
 */

/** See the module. */
export class Allowance {
  readonly #most: () => number;
  readonly #share: number;
  readonly #held = new Map<number, number>();
  #all = 0;

  /**
   * @param most what is held of it at most; it may change, as a limit of the system does
   * @param share the part of what others have left that one process may have
   */
  constructor(most: () => number, share: number) {
    this.#most = most;
    this.#share = share;
  }

  /** How much is held altogether. */
  get all(): number {
    return this.#all;
  }

  /** How much a process may have held for it, as things are. */
  mostOf(processId: number): number {
    const own = this.#held.get(processId) ?? 0;
    return Math.max(0, Math.floor((this.#most() - (this.#all - own)) * this.#share));
  }

  /** Whether more may be held for a process. */
  hasRoomFor(processId: number, amount: number): boolean {
    return (this.#held.get(processId) ?? 0) + amount <= this.mostOf(processId);
  }

  /**
   * More is held for a process.
   *
   * @returns what says that it is not any more: once, whatever became of the process
   */
  take(processId: number, amount: number): () => void {
    this.#add(processId, amount);
    let isHeld = true;
    return () => {
      if (isHeld) this.#add(processId, -amount);
      isHeld = false;
    };
  }

  #add(processId: number, amount: number): void {
    this.#all += amount;
    const own = (this.#held.get(processId) ?? 0) + amount;
    if (own > 0) this.#held.set(processId, own);
    else this.#held.delete(processId);
  }
}
