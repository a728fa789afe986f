/**
 * What the stops on the way through an injected call say (ptrace(2), PTRACE_GET_SYSCALL_INFO): whether it is that call, and
 * why it was not made.
 *
 * @module
 */
import { SYS_SECCOMP, SYS_USER_DISPATCH } from '../abi/process.js';
import { SYSCALL_INFO } from '../abi/ptrace.js';
import { AUDIT_ARCH } from '../abi/seccomp.js';
import type { Entry } from '../abi/syscalls.js';
import { asRegister, type CallPlan } from './call_registers.js';
import { INSTRUCTION_LENGTH } from './kernel_entry.js';
import { signalName, signalNumbers } from './signal.js';
import { lastStop } from './stops.js';

const { SIGSYS = 31 } = signalNumbers;
/** What the kernel calls the entries. */
export const ARCHITECTURE: Readonly<Record<Entry, number>> = {
  'x86-64': AUDIT_ARCH.AUDIT_ARCH_X86_64,
  i386: AUDIT_ARCH.AUDIT_ARCH_I386,
};

/** Whether the entry that a thread stands at is that of a call: nothing of it can change any more. */
export function isEntryOf({ entry, number, values, instruction }: CallPlan): boolean {
  const stop = lastStop();
  return (
    stop.getUint32(SYSCALL_INFO.arch, true) === ARCHITECTURE[entry] &&
    stop.getBigUint64(SYSCALL_INFO.instruction_pointer, true) === instruction + INSTRUCTION_LENGTH &&
    BigInt.asUintN(32, stop.getBigUint64(SYSCALL_INFO.nr, true)) === BigInt.asUintN(32, BigInt(number)) &&
    values.every(
      (value, index) =>
        asRegister(entry, stop.getBigUint64(SYSCALL_INFO.args + 8 * index, true)) === asRegister(entry, value),
    )
  );
}

/** Why a signal that a thread's own doing has raised keeps it from a call. */
export function describeFault(signal: number, code: number): string {
  if (signal !== SIGSYS) return `${signalName(signal)} at the instruction that enters the kernel`;
  switch (code) {
    case SYS_SECCOMP:
      return 'SIGSYS by a filter of its own';
    case SYS_USER_DISPATCH:
      return 'SIGSYS by syscall user dispatch, which a tracer can turn off from Linux 6.4 on';
    default:
      return 'SIGSYS';
  }
}
