/**
 * mmap(2) of a trampoline of version 1: the kernel maps the file itself, its data are not executable, and a fork does not
 * inherit it.
 *
 * That is mprotect(2), and madvise(2) with MADV_DONTFORK, which only the process itself can ask for. So the caller's thread
 * is traced from before its mmap is carried out until it has made these calls behind it, by the same instruction, before
 * the program goes on: no thread of it ever sees the calls. Until then, and where the thread cannot be traced, the data
 * are executable: what they are as code is harmless (trampoline/x86_harmless.ts). Another thread may fork in between, and
 * then has inherited it. Where the thread cannot be traced (a debugger has it), or where a signal could end the wait for our answer (kernels without SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), the
 * mapping is an ordinary one, which a fork inherits: it does what the context says there too.
 *
 * As with tables, what is let go on may be a mapping of another file by then. The advice then meets that mapping, which is
 * the program's own doing and its own loss.
 *
 * @module
 */
import { PROT } from '../../abi/mman.js';
import { MADV } from '../../abi/ptrace.js';
import { isError } from '../../linux/call_registers.js';
import type { ThreadBehindCall } from '../../linux/ptrace.js';
import { judgeUserMap, mapParametersOf } from '../../object/user_mapping.js';
import { type Answer, type CallContext, int32, loggedCall, refuse, stopBehindCall } from '../call.js';
import type { UserEntry } from '../tables.js';

/** What is wrong with one, or nothing. `offset` is in bytes. */
export function judgeMapping(context: CallContext, entry: UserEntry, offset: bigint): Answer | undefined {
  const { notification, entry: callerArchitecture } = context;
  const [, length, protection, flags] = notification.arguments;
  const refusal = judgeUserMap({ length, protection, flags, offset, callerArchitecture }, entry.object);
  if (refusal !== undefined) return refuse(refusal.errno, refusal.reason);
  // A mapping may come before the first context. The code is there before anybody can call it.
  entry.file.makeCode(undefined);
  return undefined;
}

/** Tells the log of a mapping. It must be told while the program waits: afterwards it may end at any moment. */
export function tellOfMapping(context: CallContext, inherited: boolean): void {
  const { notification, supervision } = context;
  if (!supervision.log.enabled) return;
  const descriptor = int32(notification.arguments[4]);
  supervision.log.write({ event: 'trampoline-mapped', descriptor, inherited, ...loggedCall(context) });
}

/**
 * Has a thread that has stopped ask that the data of the trampoline's mapping at an address are not executable, and that
 * forks do not inherit it.
 */
export function settleMapping(context: CallContext, entry: UserEntry, thread: ThreadBehindCall, address: bigint): void {
  const { size } = mapParametersOf(entry.object);
  const { dataOffset } = entry.file.layout;
  const data = [address + BigInt(dataOffset), BigInt(size - dataOffset), BigInt(PROT.PROT_READ)];
  thread.call(context.entry, 'mprotect', data);
  const result = thread.call(context.entry, 'madvise', [address, BigInt(size), BigInt(MADV.MADV_DONTFORK)]);
  tellOfMapping(context, result !== 0n);
}

/** Answers one. `offset` is in bytes. */
export function answerUserMap(context: CallContext, entry: UserEntry, offset: bigint): Answer {
  const refused = judgeMapping(context, entry, offset);
  if (refused !== undefined) return refused;
  let thread: ThreadBehindCall | undefined;
  return {
    kind: 'continue',
    around: {
      before() {
        thread = stopBehindCall(context.supervision, context.notification.threadId);
        if (thread === undefined) tellOfMapping(context, true);
      },
      after(isTold) {
        const address = isTold ? thread?.stopped() : undefined;
        if (thread !== undefined && address !== undefined && !isError(address)) {
          settleMapping(context, entry, thread, address);
        }
        thread?.release();
      },
    },
  };
}
