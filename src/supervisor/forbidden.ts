/**
 * Who forbids this process what a supervisor does to its programs, and what helps: reading their memory and tracing them
 * (ptrace(2), "Ptrace access mode checking"). Found out by asking, as far as the kernel answers.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { errnoName } from '../abi/errno.js';
import { TrampfdError } from '../error.js';
import { prepareBounded } from '../linux/bounded_call.js';
import { mayTraceOthers } from '../linux/capabilities.js';
import { commandName, procText, tracerOf } from '../linux/proc.js';
import { ptraceRefusal } from '../linux/ptrace_request.js';
import { statusField } from '../linux/status.js';
import { type Missing, unlessRoot } from './confine/missing.js';
import { printable } from './log.js';

/** What Yama says, where it is the one that forbids. */
function yamaRemedy(): string | undefined {
  const scope = procText('/proc/sys/kernel/yama/ptrace_scope');
  if (scope === '3') {
    return "Yama's kernel.yama.ptrace_scope is 3, which forbids it to everybody until the next boot: boot without it";
  }
  if (scope === '2' && !mayTraceOthers()) {
    return `Yama's kernel.yama.ptrace_scope is 2, which asks for CAP_SYS_PTRACE: set it to 1${unlessRoot('start as root, or use --policy strict')}`;
  }
  return undefined;
}

/** What is said where nothing else is known to be the cause. */
function unknownRemedy(): string {
  return `a security module or a sandbox forbids it: start outside of it${unlessRoot('start as root')}`;
}

/** Who forbids the memory of a child, and who can allow it. */
export function memoryRemedy(): string {
  const yama = yamaRemedy();
  if (yama !== undefined) return yama;
  if (statusField('self', 'Seccomp') === '2') {
    return 'a seccomp filter is in force around this process: allow process_vm_readv, process_vm_writev and ptrace in that profile';
  }
  return unknownRemedy();
}

/** Whether a thread has another user than this process, or is not dumpable: then its files in /proc are not ours. */
function isOfAnother(threadId: number): boolean {
  try {
    return statSync(`/proc/${threadId}/maps`).uid !== process.geteuid?.();
  } catch {
    return false;
  }
}

/** Whether a thread's process descends from this one, as Yama asks at its scope 1. */
function isDescendant(threadId: number): boolean {
  let id: number = threadId;
  while (id > 1) {
    if (id === process.pid) return true;
    id = Number(statusField(id, 'PPid') ?? 0);
  }
  return false;
}

/**
 * Who forbids this process to trace a thread, and who can allow it.
 *
 * @param threadId - undefined for a child that this process has just started
 */
function tracingRemedy(threadId?: number): string {
  const refusal = ptraceRefusal();
  if (refusal !== 0) {
    return `a seccomp filter around trampfd refuses ptrace(2) (${errnoName(-refusal)}): allow it in that profile`;
  }
  if (!prepareBounded()) {
    return (
      'there is no timer left for that, as processes of this user have as many signals queued as they may (RLIMIT_SIGPENDING): ' +
      'end the one that lets them pile up, or raise the limit (ulimit -i)'
    );
  }
  const yama = yamaRemedy();
  if (yama !== undefined) return yama;
  if (threadId !== undefined && !mayTraceOthers()) {
    if (isOfAnother(threadId))
      return 'it has another user, its file cannot be read, or it is not dumpable: run trampfd as root';
    if (procText('/proc/sys/kernel/yama/ptrace_scope') === '1' && !isDescendant(threadId)) {
      return (
        "Yama's kernel.yama.ptrace_scope is 1, and it descends from trampfd no more, as its parent has ended: set it to " +
        '0, or run trampfd as root'
      );
    }
  }
  return unknownRemedy();
}

/** Why a thread cannot be traced by this process, and what helps. */
export function whyUntraceable(threadId: number): string {
  const tracer = tracerOf(threadId);
  return tracer === undefined || tracer === 0
    ? `it cannot be traced: ${tracingRemedy(threadId)}`
    : `it is traced already, by ${commandName(tracer)}[${tracer}], and a program cannot be traced twice`;
}

/** What is missing where the process that is to become the program cannot be traced. */
export function untraceable(error: TrampfdError): Missing {
  const errno = error.errno === undefined ? '' : ` (${errnoName(error.errno)})`;
  const tracer = tracerOf(process.pid);
  return {
    what: `a process that this one has started cannot be traced${errno}`,
    remedy:
      tracer === undefined || tracer === 0
        ? tracingRemedy()
        : `${commandName(tracer)}[${tracer}] traces all that trampfd starts, and a process has one tracer: start trampfd outside of it`,
    open:
      'files that the program can write may be executed, and ask for an executable stack then; /proc/PID/mem may write ' +
      'over code, memory files are refused, trampolines that a program writes itself are not emulated, and programs ' +
      'whose files ask for an executable stack are not executed',
  };
}

/** The refusal of a program that cannot be looked at before it runs, and may ask for what it must not have. */
export function unlooked(file: string): TrampfdError {
  return new TrampfdError(
    'ENOEXEC',
    `${printable(file)}: its file asks for an executable stack, or for other memory that is writable and executable, or ` +
      'cannot be judged, and what it gets cannot be looked at before it runs, as it cannot be traced: build it with ' +
      '-z noexecstack, or allow ptrace(2) here',
  );
}
