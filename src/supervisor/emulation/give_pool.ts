/**
 * Gives a process a pool of pages (page_pool.ts) while a request of its for memory is answered: the one moment at which it
 * can be given a file.
 *
 * @module
 */
import { MAP, PROT } from '../../abi/mman.js';
import { isError } from '../../linux/call_registers.js';
import { close } from '../../linux/descriptor.js';
import type { RemoteCall } from '../../linux/injected_calls.js';
import type { Listener } from '../../linux/listener.js';
import type { StoppingThread } from '../../linux/ptrace.js';
import type { Range } from '../../policy/memory.js';
import type { OwnMemory } from './own_memory.js';
import type { OwnPage } from './own_page.js';
import type { OwnPages } from './own_pages.js';
import { PagePool, POOL_LENGTH } from './page_pool.js';

/** A pool whose file the caller has open, and has not mapped yet. */
export interface HandedPool {
  readonly pool: PagePool;
  /** The caller's descriptor. */
  readonly descriptor: number;
}

/**
 * Hands a caller that waits for its answer a new pool.
 *
 * @param id of the notification
 * @param processId of the process that it is for
 * @returns nothing where there is none to be had: its pages stay as they are
 */
export function handPool(
  listener: Listener,
  id: bigint,
  processId: number,
  ownMemory: OwnMemory,
): HandedPool | undefined {
  const gone = ownMemory.take(processId, POOL_LENGTH);
  if (gone === undefined) return undefined;
  let pool: PagePool | undefined;
  try {
    pool = PagePool.create(gone);
    const source = pool.file.handOut();
    const descriptor = listener.addDescriptor(id, source);
    close(source);
    // The mapping holds it from here on.
    pool.file[Symbol.dispose]();
    if (descriptor >= 0) return { pool, descriptor };
  } catch {
    // What it costs is time: calls stay emulated.
  }
  pool?.[Symbol.dispose]();
  gone();
  return undefined;
}

/** Has a caller, stopped behind its call, map a pool that it was handed. */
export function placePool(thread: StoppingThread, { pool, descriptor }: HandedPool, ownPages: OwnPages): void {
  const length = BigInt(POOL_LENGTH);
  // MAP_DENYWRITE, which the kernel ignores, has the filter let it be: who would answer is waiting for it.
  const code = thread.call('x86-64', 'mmap', [
    0n,
    length,
    BigInt(PROT.PROT_READ | PROT.PROT_EXEC),
    BigInt(MAP.MAP_SHARED | MAP.MAP_DENYWRITE),
    BigInt(descriptor),
    0n,
  ]);
  thread.call('x86-64', 'close', [BigInt(descriptor)]);
  if (code !== undefined && !isError(code)) ownPages.addPool({ pool, code });
  else pool[Symbol.dispose]();
}

/** Has a caller put its own pages back in a range that it is about to protect anew, where others stand in their place. */
export function putPagesBack(thread: StoppingThread, ownPages: OwnPages, range: Range): void {
  const make = (page: OwnPage, calls: readonly RemoteCall[]): void => {
    const areMade = calls.every(({ name, values }) => {
      const result = thread.call('x86-64', name, values);
      return result !== undefined && !isError(result);
    });
    if (areMade) page.demoted();
  };
  for (const page of ownPages.within(range)) if (page.isPromoted) make(page, page.demoting());
}
