/**
 * The supervisor's side of seccomp user notification: seccomp_unotify(2), and the ioctls of a listener.
 *
 * @module
 */
import { type ErrnoName, errnoName, errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { POLL } from '../abi/process.js';
import {
  AUDIT_ARCH_64BIT,
  SECCOMP,
  SECCOMP_DATA,
  SECCOMP_IOCTL,
  SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR,
  SECCOMP_IOCTL_NOTIF_SET_FLAGS,
  SECCOMP_NOTIF,
  SECCOMP_NOTIF_ADDFD,
  SECCOMP_NOTIF_RESP,
  SECCOMP_NOTIF_SIZES,
  SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP,
} from '../abi/seccomp.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { TrampfdError } from '../error.js';
import { close } from './descriptor.js';
import { allocate, type NativeMemory, native, negatedErrno } from './libc.js';
import { duplicateOnto } from './process.js';

const ioctlPointer = native('int ioctl(int, unsigned long, uint64_t)');
const libcPoll = native('int poll(uint64_t, unsigned long, int)');
const libcPpoll = native('int ppoll(uint64_t, unsigned long, uint64_t, void *)');
const libcSyscall = native('long syscall(long, long, long, uint64_t)');

/** What takes the number of a listener that is given up; it is always open. */
const STANDARD_ERROR = 2;

/** One system call of a target, waiting for its answer. */
export interface Notification {
  /** The kernel's cookie for it. */
  readonly id: bigint;
  /** The calling thread's id, as this process's pid namespace numbers it. */
  readonly threadId: number;
  /** AUDIT_ARCH of the way that it entered the kernel. */
  readonly architecture: number;
  /** System call number. */
  readonly number: number;
  /** Address of the instruction behind the call. */
  readonly instructionPointer: bigint;
  /** The six argument registers, as wide as the way in has them. */
  readonly arguments: readonly [bigint, bigint, bigint, bigint, bigint, bigint];
}

/**
 * The error where notificationSizes tells none: a kernel that has no notifications does not know the question, and a sandbox
 * refuses the call.
 *
 * @param negated - what it returned
 */
export function withoutNotifications(negated: number): TrampfdError {
  const name = errnoName(-negated);
  const isForbidden = negated === -errnoNumbers.EPERM || negated === -errnoNumbers.EACCES;
  return new TrampfdError(
    name,
    isForbidden
      ? `a sandbox around this process refuses seccomp(2) (${name}), by which programs are filtered: allow it in that profile`
      : `this kernel has no seccomp user notification (${name}), or a sandbox hides it: 'trampfd doctor' says what it has`,
  );
}

/** Sizes of the structures as the running kernel has them (SECCOMP_GET_NOTIF_SIZES). */
export interface NotificationSizes {
  readonly notification: number;
  readonly response: number;
}

/** Asks the kernel for its structure sizes; a negated error number where it has no user notification. */
export function notificationSizes(): NotificationSizes | number {
  const sizes = allocate(SECCOMP_NOTIF_SIZES.size);
  const result = negatedErrno(
    libcSyscall(syscallNumbers['x86-64'].seccomp, SECCOMP.SECCOMP_GET_NOTIF_SIZES, 0, sizes.address),
  );
  if (result < 0) return result;
  return {
    notification: sizes.view.getUint16(SECCOMP_NOTIF_SIZES.seccomp_notif, true),
    response: sizes.view.getUint16(SECCOMP_NOTIF_SIZES.seccomp_notif_resp, true),
  };
}

/** How a descriptor is put into a target. */
export interface AddedDescriptor {
  /** Our descriptor of the file. */
  readonly source: number;
  /** The number that it gets there; whatever has that number is closed, as dup2(2) does. Undefined: the lowest free one. */
  readonly number: number | undefined;
  /** Whether it closes on exec there. */
  readonly closeOnExec: boolean;
}

/** The listener of a filter. It is received from in one thread only: its buffers are used anew by each call. */
export class Listener implements Disposable {
  readonly descriptor: number;
  readonly #notification: NativeMemory;
  readonly #response: NativeMemory;
  readonly #added: NativeMemory = allocate(SECCOMP_NOTIF_ADDFD.size);
  readonly #cookie: NativeMemory = allocate(8);
  /** A struct pollfd. */
  readonly #pollRecord: NativeMemory = allocate(8);
  /** A struct timespec. */
  readonly #pollTime: NativeMemory = allocate(16);
  #idValidRequest: number = SECCOMP_IOCTL.SECCOMP_IOCTL_NOTIF_ID_VALID;
  #closed = false;

  constructor(descriptor: number, sizes: NotificationSizes) {
    this.descriptor = descriptor;
    this.#notification = allocate(Math.max(sizes.notification, SECCOMP_NOTIF.size));
    this.#response = allocate(Math.max(sizes.response, SECCOMP_NOTIF_RESP.size));
  }

  /**
   * Asks the kernel to wake the other side of a notification on the processor that it comes from (Linux 6.6), which
   * halves a round trip. Kernels without it do as before.
   *
   * @returns whether the kernel has it
   */
  wakeSynchronously(): boolean {
    const flags = BigInt(SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    return ioctlPointer(this.descriptor, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags) === 0;
  }

  /**
   * Waits for the next notification.
   *
   * @returns it, or undefined where there was none after all: the caller was killed, or a signal came; see
   * {@link Listener.abandoned}
   * @throws RangeError with any other error number: the listener is not one, or memory is short
   */
  receive(): Notification | undefined {
    // The kernel refuses a buffer that is not zeroed (seccomp_unotify(2)).
    this.#notification.bytes.fill(0);
    const result = ioctlPointer(this.descriptor, SECCOMP_IOCTL.SECCOMP_IOCTL_NOTIF_RECV, this.#notification.address);
    if (result !== 0) {
      const errno = -negatedErrno(result);
      if (errno === errnoNumbers.ENOENT || errno === errnoNumbers.EINTR) return undefined;
      throw new RangeError(`listener: SECCOMP_IOCTL_NOTIF_RECV failed with error number ${errno}`);
    }
    const { view } = this.#notification;
    const data = SECCOMP_NOTIF.data;
    const architecture = view.getUint32(data + SECCOMP_DATA.arch, true);
    // A 64-bit program that enters as i386 may have anything in the upper halves: they are shown, but no call sees them.
    const wide = (architecture & AUDIT_ARCH_64BIT) !== 0;
    const argument = (index: number): bigint => {
      const at = data + SECCOMP_DATA.args + index * 8;
      return wide ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    };
    return {
      id: view.getBigUint64(SECCOMP_NOTIF.id, true),
      threadId: view.getUint32(SECCOMP_NOTIF.pid, true),
      architecture,
      number: view.getInt32(data + SECCOMP_DATA.nr, true),
      instructionPointer: view.getBigUint64(data + SECCOMP_DATA.instruction_pointer, true),
      arguments: [argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)],
    };
  }

  /**
   * Whether the last task that the filter applied to is gone: there will be no notification any more.
   *
   * @param timeout - milliseconds to wait for that, at most
   */
  abandoned(timeout = 0): boolean {
    this.#pollRecord.view.setInt32(0, this.descriptor, true);
    // No event is asked for: the hang-up is always told.
    this.#pollRecord.view.setUint32(4, 0, true);
    libcPoll(this.#pollRecord.address, 1, timeout);
    return (this.#pollRecord.view.getUint16(6, true) & POLL.POLLHUP) !== 0;
  }

  /** Whether a notification is there to be received, or comes within some microseconds. */
  isReady(microseconds: number): boolean {
    this.#pollRecord.view.setInt32(0, this.descriptor, true);
    this.#pollRecord.view.setUint32(4, POLL.POLLIN, true);
    this.#pollTime.view.setBigInt64(8, BigInt(microseconds) * 1000n, true);
    libcPpoll(this.#pollRecord.address, 1, this.#pollTime.address, null);
    return this.#pollRecord.view.getUint16(6, true) !== 0;
  }

  /**
   * Whether the call still waits: what was read of the caller's memory or /proc was the caller's (seccomp_unotify(2)).
   *
   * @throws RangeError where the kernel does not tell
   */
  isValid(id: bigint): boolean {
    this.#cookie.view.setBigUint64(0, id, true);
    const result = ioctlPointer(this.descriptor, this.#idValidRequest, this.#cookie.address);
    if (result === 0) return true;
    const errno = -negatedErrno(result);
    const other = this.#idValidRequest !== SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR;
    if (other && (errno === errnoNumbers.ENOTTY || errno === errnoNumbers.EINVAL)) {
      this.#idValidRequest = SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR;
      return this.isValid(id);
    }
    return this.#isWaiting('SECCOMP_IOCTL_NOTIF_ID_VALID', errno, () => this.isValid(id));
  }

  /**
   * What an error number of a request about a call says: that nobody waits for it any more. A signal has the request be
   * made again. After any other one the caller would wait for ever, if it were taken for gone.
   */
  #isWaiting(request: string, errno: number, again: () => boolean): boolean {
    if (errno === errnoNumbers.ENOENT || errno === errnoNumbers.EINPROGRESS) return false;
    if (errno === errnoNumbers.EINTR) return again();
    throw new RangeError(`listener: ${request} failed with error number ${errno}`);
  }

  /**
   * Gives up the listener, in whichever thread holds it: calls that wait, and all notified calls to come, fail with ENOSYS.
   * Its number stays taken, for other threads know it.
   */
  abandon(): void {
    if (duplicateOnto(STANDARD_ERROR, this.descriptor) < 0) close(this.descriptor);
  }

  /**
   * Answers a call with a value.
   *
   * @returns false where the caller is gone
   * @throws RangeError where the kernel does not take the answer, and the caller waits still
   */
  answerValue(id: bigint, value: bigint): boolean {
    return this.#answer(id, value, 0, 0);
  }

  /** Answers a call with an error. @returns false where the caller is gone */
  answerError(id: bigint, errno: ErrnoName): boolean {
    return this.#answer(id, 0n, -errnoNumbers[errno], 0);
  }

  /** Lets the kernel carry out a call. Only for what was judged by values that cannot change any more. */
  letContinue(id: bigint): boolean {
    return this.#answer(id, 0n, 0, SECCOMP.SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  }

  #answer(id: bigint, value: bigint, error: number, flags: number): boolean {
    const { view } = this.#response;
    view.setBigUint64(SECCOMP_NOTIF_RESP.id, id, true);
    view.setBigInt64(SECCOMP_NOTIF_RESP.val, BigInt.asIntN(64, value), true);
    view.setInt32(SECCOMP_NOTIF_RESP.error, error, true);
    view.setUint32(SECCOMP_NOTIF_RESP.flags, flags, true);
    const result = ioctlPointer(this.descriptor, SECCOMP_IOCTL.SECCOMP_IOCTL_NOTIF_SEND, this.#response.address);
    if (result === 0) return true;
    const again = (): boolean => this.#answer(id, value, error, flags);
    return this.#isWaiting('SECCOMP_IOCTL_NOTIF_SEND', -negatedErrno(result), again);
  }

  /**
   * Puts a descriptor into the caller, at the lowest free number; its call still waits.
   *
   * @returns the number, or a negated error number: ENOENT where the caller is gone
   */
  addDescriptor(id: bigint, source: number, closeOnExec = true): number {
    for (;;) {
      const number = this.#add(id, { source, number: undefined, closeOnExec }, 0);
      // It waits for the caller to take it; where a signal comes meanwhile, the kernel takes it back.
      if (number !== -errnoNumbers.EINTR) return number;
    }
  }

  /**
   * Puts a descriptor into the caller and answers its call with the number, as one step (Linux 5.14).
   *
   * @returns the number, or a negated error number: ENOENT where the caller is gone, EBADF where the number is not below
   * its RLIMIT_NOFILE; the call then still waits for an answer
   */
  answerDescriptor(id: bigint, added: AddedDescriptor): number {
    return this.#add(id, added, SECCOMP.SECCOMP_ADDFD_FLAG_SEND);
  }

  #add(id: bigint, added: AddedDescriptor, flags: number): number {
    const { view } = this.#added;
    view.setBigUint64(SECCOMP_NOTIF_ADDFD.id, id, true);
    const chosen = added.number === undefined ? 0 : SECCOMP.SECCOMP_ADDFD_FLAG_SETFD;
    view.setUint32(SECCOMP_NOTIF_ADDFD.flags, chosen | flags, true);
    view.setUint32(SECCOMP_NOTIF_ADDFD.srcfd, added.source, true);
    view.setUint32(SECCOMP_NOTIF_ADDFD.newfd, added.number ?? 0, true);
    view.setUint32(SECCOMP_NOTIF_ADDFD.newfd_flags, added.closeOnExec ? FCNTL.O_CLOEXEC : 0, true);
    return negatedErrno(ioctlPointer(this.descriptor, SECCOMP_IOCTL.SECCOMP_IOCTL_NOTIF_ADDFD, this.#added.address));
  }

  /** Closes the listener: calls that wait, and all notified calls to come, fail with ENOSYS. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    close(this.descriptor);
  }
}
