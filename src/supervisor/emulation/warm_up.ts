/**
 * A rehearsal, when the tracing thread starts: a call of a closure that no program has made is emulated and promoted, in a
 * view that no program has. What has run once is compiled, and a program's first closure does not wait for that.
 *
 * The part of the program is played by this process: its mappings and its memory are what is read. It is said to have made
 * the calls that it is to make. Nobody traces it, so what is asked of ptrace(2) beside that fails with ESRCH.
 *
 * @module
 */
import { KERNEL_SIGACTION } from '../../abi/process.js';
import { close } from '../../linux/descriptor.js';
import { symbolAddress } from '../../linux/libc.js';
import { pretendTrap, writeRegisters } from '../../linux/told.js';
import type { Log } from '../log.js';
import { OwnFile } from '../own_file.js';
import { Burst } from './burst.js';
import { KnownCodes } from './known_code.js';
import { TracedMemory } from './memory.js';
import { OrderedThreads } from './ordered_threads.js';
import { Tally } from './tally.js';
import { type TracedProcess, Tracees, tracedProcess } from './tracees.js';
import { carriedOut, type TrapContext } from './traps.js';
import { View, ViewPages } from './view.js';

/** A closure of libffi (trampoline/x86-64_legacy.ts), without the address behind it that it jumps to. */
const CLOSURE = Buffer.from('f30f1efa4c8d15f5ffffffff25070000000f1f8000000000', 'hex');

/** Where the view is said to be: no process has memory there (vm.mmap_min_addr). */
const NOWHERE = 0n;

/** The log of what happens to nobody. */
const unwritten: Log = { enabled: true, write: () => undefined };

/**
 * See the module. No program sees anything of it, and nothing is left of it.
 *
 * @returns whether all of it was run; it fails where there is no memory or no descriptor for it now
 */
export function warmUp(pageSize: number): boolean {
  const processId = process.pid;
  const target = symbolAddress('abs');
  const traced = tracedProcess(processId, new TracedMemory());
  traced.entries.assume('x86-64', target);
  traced.disposition = { entry: 'x86-64', bytes: new Uint8Array(KERNEL_SIGACTION.size) };
  try {
    using file = OwnFile.create(pageSize);
    using mapping = file.map(0, pageSize);
    mapping.write(Buffer.concat([CLOSURE, Buffer.from(BigUint64Array.of(target).buffer)]));
    const descriptor = file.handOut();
    try {
      const { inode, device } = file;
      const pages = ViewPages.create(pageSize);
      const view = new View(NOWHERE, BigInt(pageSize), NOWHERE, pages, {
        inode,
        device,
        name: '',
        offset: 0n,
        descriptor,
      });
      traced.memory.addView(view);
      return rehearse(traced, view, target);
    } finally {
      traced.memory.leave(process.pid);
      close(descriptor);
    }
  } catch {
    // The request that needs some will be told.
    return false;
  }
}

function rehearse(traced: TracedProcess, view: View, target: bigint): boolean {
  const { processId } = traced;
  const context: TrapContext = {
    log: unwritten,
    tally: new Tally(),
    known: new KnownCodes(),
    call: (_threadId, _entry, _instruction, calls) => calls.map(() => 0n),
    report: () => undefined,
  };
  pretendTrap(processId, view.start, target);
  const isEmulated = carriedOut(context, processId, traced);
  // What comes before and behind that, for a thread that is traced no more than it.
  new OrderedThreads().has(processId);
  new Burst().trapped(processId);
  writeRegisters(processId);
  new Tracees().proceed(processId);
  return isEmulated && view.pages.isPromoted(0);
}
