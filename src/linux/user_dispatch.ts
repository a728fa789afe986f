/**
 * Syscall user dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH): the kernel turns a thread's system calls into SIGSYS, but
 * for those from one range of addresses. Wine has it for programs of Windows. A tracer may turn it off for a call of its
 * own, from Linux 6.4 on.
 *
 * @module
 */
import { PR_SYS_DISPATCH } from '../abi/process.js';
import { SUD_CONFIG } from '../abi/ptrace.js';
import { allocate } from './libc.js';
import { ptrace } from './ptrace_request.js';

const config = allocate(SUD_CONFIG.size);
const SIZE = BigInt(SUD_CONFIG.size);
const OFF = new Uint8Array(SUD_CONFIG.size);

function set(threadId: number, bytes: Uint8Array): boolean {
  config.bytes.set(bytes);
  return ptrace('PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG', threadId, SIZE, config.address) === 0;
}

/**
 * The same, as the kernel takes it: of a range whose calls are the ones that are turned into SIGSYS it tells all that is
 * outside of it (kernel/entry/syscall_user_dispatch.c), and that it takes from nobody.
 */
export function settable(told: Uint8Array): Uint8Array {
  const bytes = told.slice();
  const view = new DataView(bytes.buffer);
  const offset = view.getBigUint64(SUD_CONFIG.offset, true);
  const length = view.getBigUint64(SUD_CONFIG.len, true);
  const end = BigInt.asUintN(64, offset + length);
  if (offset === 0n || end > offset) return bytes;
  view.setBigUint64(SUD_CONFIG.mode, BigInt(PR_SYS_DISPATCH.inclusive), true);
  view.setBigUint64(SUD_CONFIG.offset, end, true);
  view.setBigUint64(SUD_CONFIG.len, BigInt.asUintN(64, -length), true);
  return bytes;
}

/**
 * Turns it off for a stopped thread.
 *
 * @returns what {@link restoreDispatch} turns on again; undefined where it is not on, or the kernel does not tell
 */
export function suspendDispatch(threadId: number): Uint8Array | undefined {
  if (ptrace('PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG', threadId, SIZE, config.address) !== 0) return undefined;
  if (config.view.getBigUint64(SUD_CONFIG.mode, true) === BigInt(PR_SYS_DISPATCH.off)) return undefined;
  const told = config.bytes.slice();
  return set(threadId, OFF) ? settable(told) : undefined;
}

/** Turns it on again; whether it is. */
export function restoreDispatch(threadId: number, before: Uint8Array): boolean {
  return set(threadId, before);
}
