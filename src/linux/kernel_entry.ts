/**
 * Where a process has an instruction that enters the kernel: in the page that the kernel maps into each (vdso(7)).
 *
 * @module
 */
import type { Entry } from '../abi/syscalls.js';
import { promptly } from './late_call.js';
import { mappings } from './maps.js';
import { readMemory } from './memory.js';

/** `syscall` and `int $0x80`. */
const INSTRUCTIONS: Readonly<Record<Entry, Uint8Array>> = {
  'x86-64': Uint8Array.of(0x0f, 0x05),
  i386: Uint8Array.of(0xcd, 0x80),
};

/** Bytes of each of these instructions. */
export const INSTRUCTION_LENGTH = 2n;
const PAGE = 4096n;

function find(threadId: number, entry: Entry): bigint | undefined {
  // By its text, and from the end: a process may have ten thousands of mappings.
  const page = promptly(() => mappings(threadId), undefined)?.findLast(({ text }) => text.endsWith(' [vdso]'));
  if (page === undefined) return undefined;
  for (let at = page.start; at < page.end; at += PAGE) {
    // The kernel's own page is always there; what a program has put in its place may come late.
    const bytes = promptly(() => readMemory(threadId, at, Number(PAGE)), undefined);
    const index = bytes === undefined ? -1 : Buffer.from(bytes).indexOf(INSTRUCTIONS[entry]);
    if (index >= 0) return at + BigInt(index);
  }
  return undefined;
}

/** The instructions of one process's memory, each looked for once. */
export class KernelEntries {
  readonly #known = new Map<Entry, bigint | undefined>();

  /** The address of one; undefined where there is none. */
  of(threadId: number, entry: Entry): bigint | undefined {
    if (!this.#known.has(entry)) this.#known.set(entry, find(threadId, entry));
    return this.#known.get(entry);
  }

  /** Takes an address for that of one. */
  assume(entry: Entry, address: bigint): void {
    this.#known.set(entry, address);
  }

  /** Looks for it anew: the process has moved its page, or has executed a program. */
  forget(): void {
    this.#known.clear();
  }
}
