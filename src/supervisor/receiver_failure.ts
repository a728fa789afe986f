/**
 * A receiving thread that fails while a program is started: whoever waits for it goes on, and says why.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import { childrenOf } from '../linux/proc.js';
import { kill, signalNumbers } from '../linux/signal.js';

/** Fails when the receiver has ended: before the program's start, that is no end but a failure. */
export async function ended(served: Promise<void>): Promise<never> {
  await served;
  throw new TrampfdError(
    'ERR_TRAMPFD_RECEIVER',
    'the thread that answers calls has ended before the program was started',
  );
}

/** How long a thread that has failed may take to say so, in milliseconds. */
const SAYING = 500;

/**
 * Fails where a program was not executed because nobody answered its call: the thread that should have has given up its
 * listener, and says why.
 *
 * @param result - the negated error number of execve(2)
 */
export async function failedReceiver(result: number, served: Promise<void>): Promise<void> {
  if (result !== -errnoNumbers.ENOSYS) return;
  const waiting = new Promise<void>((resolve) => setTimeout(resolve, SAYING));
  try {
    await Promise.race([served, waiting]);
  } catch (error) {
    throw receiverFailed(error);
  }
}

/** Fails as the receiver has, where that is why a program was not executed; else with the error that came of it. */
export async function failedStart(error: unknown, served: Promise<void>): Promise<never> {
  await failedReceiver(-errnoNumbers.ENOSYS, served);
  throw error;
}

function receiverFailed(error: unknown): TrampfdError {
  const reason = error instanceof Error ? error.message : String(error);
  return new TrampfdError('ERR_TRAMPFD_RECEIVER', `the thread that answers calls has failed: ${reason}`, {
    cause: error,
  });
}

/**
 * Waits for a program to be executed by a thread of ours. Where the thread that answers has failed, the process that is to
 * become the program waits for it, with a listener of its own that it inherited: it is ended.
 *
 * @throws TrampfdError ERR_TRAMPFD_RECEIVER
 */
export async function executed(spawned: Promise<number>, served: Promise<void>): Promise<number> {
  let failure: TrampfdError | undefined;
  let isOver = false;
  served.catch((error) => {
    if (isOver) return;
    failure = receiverFailed(error);
    for (const child of childrenOf(process.pid)) kill(child, signalNumbers['SIGKILL'] ?? 9);
  });
  const processId = await spawned;
  isOver = true;
  if (failure !== undefined) throw failure;
  return processId;
}
