/**
 * mmap(2) of a trampoline of version 1: the kernel maps the file itself, and a fork does not inherit it.
 *
 * That is madvise(2) with MADV_DONTFORK, which only the process itself can ask for. So the caller's thread is traced from
 * before its mmap is carried out until it has made that call behind it, by the same instruction, before the program goes
 * on: no thread of it ever sees the call. Another thread may fork in between, and then has inherited it. Where the thread
 * cannot be traced (a debugger has it), or where a signal could end the wait for our answer (kernels before 5.19), the
 * mapping is an ordinary one, which a fork inherits: it does what the context says there too.
 *
 * As with tables, what is let go on may be a mapping of another file by then. The advice then meets that mapping, which is
 * the program's own doing and its own loss.
 *
 * @module
 */
import { MADV } from '../../abi/ptrace.js';
import { StoppingThread } from '../../linux/ptrace.js';
import { judgeUserMap, mapParametersOf } from '../../object/user_mapping.js';
import { type Answer, type CallContext, int32, loggedCall, refuse } from '../call.js';
import type { UserEntry } from '../tables.js';

/** Answers one. `offset` is in bytes. */
export function answerUserMap(context: CallContext, entry: UserEntry, offset: bigint): Answer {
  const { notification, supervision, entry: callEntry } = context;
  const { log, waitsKillable } = supervision;
  const [, length, protection, flags, descriptor] = notification.arguments;
  const refusal = judgeUserMap({ length, protection, flags, offset, callerArchitecture: callEntry }, entry.object);
  if (refusal !== undefined) return refuse(refusal.errno, refusal.reason);
  // A mapping may come before the first context. The code is there before anybody can call it.
  entry.file.makeCode(undefined);

  const { size } = mapParametersOf(entry.object);
  let stopping: StoppingThread | undefined;
  // Told while the program waits: it may end right behind its call, and then nothing is told any more.
  const tell = (inherited: boolean): void => {
    if (!log.enabled) return;
    log.write({ event: 'trampoline-mapped', descriptor: int32(descriptor), inherited, ...loggedCall(context) });
  };
  return {
    kind: 'continue',
    around: {
      before() {
        if (waitsKillable) stopping = StoppingThread.seize(notification.threadId);
        if (stopping === undefined) tell(true);
      },
      after() {
        const result = stopping?.followWith(callEntry, (address) =>
          // The highest addresses are error numbers.
          address < 0n && address >= -4095n
            ? undefined
            : { name: 'madvise', arguments: [address, BigInt(size), BigInt(MADV.MADV_DONTFORK)] },
        );
        if (stopping !== undefined) tell(result !== 0n);
        stopping?.release();
      },
    },
  };
}
