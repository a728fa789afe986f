/**
 * `trampfd doctor`: what this kernel has, and what that means for a run. Everything is probed; the version is only named.
 *
 * @module
 */
import { release } from 'node:os';
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { SECCOMP } from '../abi/seccomp.js';
import {
  hasNoNewPrivileges,
  type ListenerFindings,
  type MemoryFileFindings,
  probeChildMemory,
  probeChildTracing,
  probeI386,
  probeListener,
  probeMdwe,
  probeMemoryFile,
  probeTrampfd,
  probeUserNamespace,
  probeWritableExecutable,
  probeX32,
  procText,
  seccompAction,
} from '../linux/probe.js';
import { statusField } from '../linux/status.js';
import { windowFor } from '../supervisor/window.js';
import { strictFindings } from './doctor_strict.js';
import { type Finding, finding, needed, type Report, reportText } from './finding.js';

function platformFindings(): Finding[] {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const refused = probeWritableExecutable();
  return [
    needed(
      'x86-64',
      process.arch === 'x64',
      'programs of this architecture can be supervised, its i386 programs too',
      `programs of ${process.arch} cannot be supervised yet; use an x86-64 machine`,
    ),
    needed(
      'Node.js 20 or later',
      major >= 20,
      `${process.versions.node} is here`,
      `${process.versions.node} is here; install a later one`,
    ),
    needed(
      'writable and executable memory',
      refused === 0,
      'V8, which runs the supervisor, gets the memory that it compiles to; programs under wx do not',
      `V8, which runs the supervisor, ${refused === undefined ? 'gets the memory that it compiles to without X' : `is refused the memory that it compiles to (${errnoName(-refused)})`}; start the run outside of what refuses it`,
    ),
  ];
}

/** The sentence for a listener that could not be installed. */
function listenerRefusal({ refused }: ListenerFindings): string {
  if (refused?.code === 'EBUSY') {
    return (
      'another one is in place (this is inside trampfd, or a container whose profile has one) and the kernel allows one ' +
      'per task; start the run outside of it'
    );
  }
  return refused === undefined
    ? ''
    : `${refused.code}: a kernel from 5.5 on without a sandbox that forbids it is needed`;
}

function seccompFindings(found: ListenerFindings): Finding[] {
  const available = seccompAction(SECCOMP.SECCOMP_RET_USER_NOTIF);
  const known = found.refused === undefined;
  const unprobed = 'not probed, as no listener could be installed';
  const ifKnown = (holds: boolean): boolean | undefined => (known ? holds : undefined);
  const mode = statusField('self', 'Seccomp');
  const filters = statusField('self', 'Seccomp_filters') ?? '0';
  return [
    needed(
      'seccomp(2)',
      available !== -errnoNumbers.ENOSYS,
      'programs can be filtered',
      'the kernel has no filters, or a sandbox hides them; no policy can be put in force',
    ),
    needed(
      'SECCOMP_RET_USER_NOTIF',
      available === 0,
      'a filter can hand calls to the supervisor',
      `no call can be handed to a supervisor (${errnoName(-available)}); Linux 5.0 brought it`,
    ),
    needed(
      'listener',
      known,
      'a filter with a listener was installed on a thread, and dropped',
      listenerRefusal(found),
    ),
    {
      ...finding(
        'SECCOMP_ADDFD_FLAG_SEND',
        ifKnown(found.addsAndSends),
        'a program gets the descriptor of a table and its answer in one step',
        'no descriptor of a table can be handed to a program; Linux 5.14 brought it',
        unprobed,
      ),
      needed: true,
    },
    finding(
      'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
      ifKnown(found.waitsKillable),
      'signals do not interrupt a call that the supervisor works on',
      'a program with many signals sees EINTR from calls on tables now and then, and strict does not start; Linux 5.19 brought it',
      unprobed,
    ),
    finding(
      'SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP',
      ifKnown(found.wakesSynchronously),
      'an answered call takes about half the time that it would without',
      'an answered call takes about twice the time; Linux 6.6 brought it',
      unprobed,
    ),
    finding(
      'end of a listener',
      ifKnown(found.hangsUp && found.receiveEnds),
      'waiting for calls ends when the last program does',
      found.hangsUp
        ? 'waiting for calls does not end of its own; trampfd looks for the end itself, and ends as well'
        : 'the kernel does not tell when the last program has ended; trampfd may outlive it',
      unprobed,
    ),
    finding(
      'seccomp in force here',
      mode === undefined ? undefined : mode !== '0',
      `filters in force for this process, and for what a run starts, beside its own: ${filters}`,
      'no other filter applies to what a run starts',
      'the kernel does not say',
    ),
    finding(
      'setuid programs get their privilege',
      known ? !found.noNewPrivileges && !hasNoNewPrivileges() : !hasNoNewPrivileges(),
      'under a run they do as without',
      'no_new_privs is in force in a run of an ordinary user: sudo and its like have no effect there; run as root where they are needed',
    ),
  ];
}

function memoryFindings(found: MemoryFileFindings): Finding[] {
  const setting = procText('/proc/sys/vm/memfd_noexec');
  const mdwe = probeMdwe();
  return [
    needed(
      'memfd_create(2)',
      found.errno === 0,
      'trampoline tables have files to be in',
      `there is no file for a trampoline table to be in (${errnoName(found.errno)})`,
    ),
    needed(
      'F_SEAL_FUTURE_WRITE',
      found.sealsFutureWrites,
      'the page of a table can be sealed before a program has it',
      'the page of a table cannot be sealed in time; Linux 5.1 brought it',
    ),
    needed(
      'sealed pages stay as they are',
      found.staysReadOnly,
      'a shared mapping of a table can never become writable: mprotect(2) was refused',
      'a mapping of a sealed file could be made writable; do not rely on this kernel',
    ),
    finding(
      'MFD_NOEXEC_SEAL',
      found.hasNoExecSeal,
      'the file of a table cannot be run as a program',
      'the file of a table could be run as a program of its own, which gains nothing; Linux 6.3 brought it',
    ),
    finding(
      'vm.memfd_noexec',
      setting === undefined ? undefined : setting !== '0',
      `it is ${setting}: memory files are not programs unless they ask to be${setting === '2' ? ', and none may' : ''}`,
      'it is 0: memory files may be run as programs, under wx too',
      'the kernel has no such setting: memory files may be run as programs, under wx too',
    ),
    finding(
      'PR_GET_MDWE',
      mdwe !== undefined,
      mdwe === true
        ? "the kernel's own memory-deny-write-execute is in force for this process and all that it starts"
        : "the kernel's own memory-deny-write-execute is there, and not in force for this process",
      'the kernel has no memory-deny-write-execute of its own; no policy needs it',
    ),
  ];
}

/** What Yama allows (the kernel's Documentation/admin-guide/LSM/Yama.rst). */
function yamaFinding(): Finding {
  const scope = procText('/proc/sys/kernel/yama/ptrace_scope');
  const root = process.geteuid?.() === 0;
  const name = 'reading all supervised programs';
  if (scope === undefined || scope === '0') {
    return { name, answer: 'yes', meaning: 'Yama does not restrict it' };
  }
  if (root && scope !== '3') return { name, answer: 'yes', meaning: `Yama's ptrace_scope is ${scope}, and root may` };
  const meaning: Readonly<Record<string, string>> = {
    1: "Yama's ptrace_scope is 1: a daemon that outlives its parent is no descendant of ours, and its calls on tables fail with EFAULT",
    2: "Yama's ptrace_scope is 2: CAP_SYS_PTRACE is needed, and calls on tables fail with EFAULT without it; run as root",
    3: "Yama's ptrace_scope is 3: nobody may, and calls on tables fail with EFAULT until the next boot",
  };
  return { name, answer: 'no', meaning: meaning[scope] ?? `Yama's ptrace_scope is ${scope}` };
}

/** Whether trampolines that programs write themselves can be emulated. */
function emulationFinding(traces: boolean | undefined, waitsKillable: boolean | undefined): Finding {
  const isKnown = traces !== undefined && waitsKillable !== undefined;
  return finding(
    'emulation of trampolines',
    isKnown ? traces && waitsKillable : undefined,
    'trampolines that programs write themselves work; such a program is traced, and no debugger can attach to it meanwhile',
    `wx and strict refuse those that programs write themselves for lack of: ${[
      ...(traces === false ? ['ptrace(2) of a child'] : []),
      ...(waitsKillable === false ? ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] : []),
    ].join(', ')}`,
    'not probed, as no listener could be installed, or no child be started',
  );
}

function processFindings(openFileLimit: bigint, traces: boolean | undefined): Finding[] {
  const i386 = probeI386();
  const x32 = probeX32();
  const trampfd = probeTrampfd();
  const window = windowFor(openFileLimit);
  const limit = openFileLimit === 2n ** 64n - 1n ? 'unlimited' : String(openFileLimit);
  return [
    needed(
      'process_vm_readv(2)',
      probeChildMemory() === true,
      "the memory of a child was read, as a call's structures have to be",
      'the memory of a child cannot be read, so no call on a table can be answered; run as root, or allow ptrace',
    ),
    finding(
      'ptrace(2) of a child',
      traces,
      'forks do not inherit mappings of version 1, the old mmap of i386 is served, and strict can arrange a program',
      'forks inherit mappings of version 1, wx refuses the old mmap of i386, and strict does not start',
      'no child could be started',
    ),
    yamaFinding(),
    finding(
      'trampfd system call',
      trampfd === errnoNumbers.EFAULT,
      'a supervisor answers number 440: this is inside a run',
      `nobody answers number 440 outside of a run (${errnoName(trampfd)}): programs see that there is no trampfd`,
    ),
    finding(
      'i386 programs',
      i386,
      'a 32-bit program was run; they are supervised like 64-bit ones',
      'this kernel runs no 32-bit programs',
      'not probed, as memory files may not be run as programs here',
    ),
    finding(
      'x32 calls',
      x32 === 0 ? true : x32 === errnoNumbers.ENOSYS ? false : undefined,
      'the kernel answers them; wx refuses them all',
      'the kernel does not answer them, and wx refuses them all',
      `a filter refuses them (${errnoName(x32)})`,
    ),
    finding(
      'user namespaces',
      probeUserNamespace(),
      'this user can make one; only strict needs one, where it is not started by root',
      'this user cannot make one; only strict needs one, where it is not started by root',
      'not probed, as unshare(1) is missing; only strict needs one, where it is not started by root',
    ),
    finding(
      'descriptors for tables',
      openFileLimit >= 64n,
      `RLIMIT_NOFILE is ${limit}: ${window.below - window.from} numbers, ${window.from} to ${window.below - 1}`,
      `RLIMIT_NOFILE is ${limit}: ${window.below - window.from} numbers at its top, where a program's own may come to lie; raise it`,
    ),
  ];
}

/**
 * Probes the kernel and says what it found. Nothing of it stays behind, but for libuv's thread pool, which is gone.
 *
 * @param version - of trampfd
 * @param openFileLimit - the soft RLIMIT_NOFILE that a program would get
 */
export async function doctor(version: string, openFileLimit: bigint): Promise<Report> {
  const traces = probeChildTracing();
  const processes = processFindings(openFileLimit, traces);
  const listener = await probeListener();
  const waitsKillable = listener.refused === undefined ? listener.waitsKillable : undefined;
  const findings = [
    ...platformFindings(),
    ...seccompFindings(listener),
    ...memoryFindings(probeMemoryFile()),
    ...processes,
    emulationFinding(traces, waitsKillable),
    ...strictFindings({ waitsKillable, traces }),
  ];
  const head = `trampfd ${version}, Linux ${release()} on ${process.arch}, Node.js ${process.versions.node}`;
  return reportText(head, findings);
}
