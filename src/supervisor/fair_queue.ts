/**
 * What several processes wait for, each in its turn: one that asks for much at once waits behind itself alone.
 *
 * @module
 */

/** See the module. */
export class FairQueue<Item> {
  /** What each process waits for; the process whose turn it is stands first. */
  readonly #byProcess = new Map<number, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes in what a process waits for. */
  add(processId: number, item: Item): void {
    const items = this.#byProcess.get(processId);
    if (items === undefined) this.#byProcess.set(processId, [item]);
    else items.push(item);
    this.#size += 1;
  }

  /** Gives out what is next. */
  take(): Item | undefined {
    for (const [processId, items] of this.#byProcess) {
      const item = items.shift();
      this.#byProcess.delete(processId);
      if (items.length > 0) this.#byProcess.set(processId, items);
      if (item === undefined) continue;
      this.#size -= 1;
      return item;
    }
    return undefined;
  }
}
