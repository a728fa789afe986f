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
  probeListener,
  probeMdwe,
  probeWritableExecutable,
  seccompAction,
} from '../linux/probe.js';
import { probeChildAccess, probeChildTracing } from '../linux/probe_child.js';
import { type MemoryFileFindings, probeMemoryFile } from '../linux/probe_memory_file.js';
import { procText } from '../linux/proc.js';
import { statusField } from '../linux/status.js';
import { showsSettings } from '../supervisor/means.js';
import { policyFindings } from './doctor_policies.js';
import { emulationFinding, programFindings } from './doctor_programs.js';
import { ringFindings } from './doctor_rings.js';
import { startFinding } from './doctor_start.js';
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
    finding(
      'writable and executable memory',
      refused === 0,
      'V8, which runs the supervisor, gets the memory that it compiles to; programs under wx do not',
      `V8, which runs the supervisor, ${refused === undefined ? 'gets the memory that it compiles to without X' : `is refused the memory that it compiles to (${errnoName(-refused)})`}; the supervisor is interpreted (node --jitless), and answers more slowly`,
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
    : `${refused.code}: the kernel does not take a filter with a listener, or a sandbox around this process forbids it`;
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
      `no call can be handed to a supervisor (${errnoName(-available)})`,
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
        'no descriptor of a table can be handed to a program',
        unprobed,
      ),
      needed: true,
    },
    finding(
      'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
      ifKnown(found.waitsKillable),
      'signals do not interrupt a call that the supervisor works on',
      'a program with many signals sees EINTR from calls on tables now and then, and strict does not start',
      unprobed,
    ),
    finding(
      'SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP',
      ifKnown(found.wakesSynchronously),
      'an answered call takes about half the time that it would without',
      'an answered call takes about twice the time',
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
      hasNoNewPrivileges()
        ? 'no_new_privs is in force for this process, and nobody can take it off: sudo and its like have no effect in a run, as outside of one; start trampfd where it is not'
        : 'no_new_privs is in force in a run of an ordinary user: sudo and its like have no effect there; run as root where they are needed',
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
      'the page of a table cannot be sealed in time',
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
      'the file of a table could be run as a program of its own, which gains nothing',
    ),
    finding(
      'vm.memfd_noexec',
      setting === undefined ? undefined : setting !== '0',
      `it is ${setting}: memory files are not programs unless they ask to be${setting === '2' ? ', and none may' : ''}`,
      'it is 0: memory files may be run as programs, under wx too',
      showsSettings()
        ? 'the kernel has no such setting: memory files may be run as programs, under wx too'
        : 'this /proc shows no settings (subset=pid)',
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

/**
 * Probes the kernel and says what it found. Nothing of it stays behind but libuv's thread pool, which is gone, and the
 * listing of executable files that the trial of strict makes, as any run of it does.
 *
 * @param version - of trampfd
 * @param openFileLimit - the soft RLIMIT_NOFILE that a program would get
 * @param environment - what trampfd was started with
 */
export async function doctor(
  version: string,
  openFileLimit: bigint,
  environment: readonly Uint8Array[],
): Promise<Report> {
  const traces = probeChildTracing();
  const programs = programFindings(openFileLimit, probeChildAccess(), traces);
  const policies = policyFindings(environment);
  const listener = await probeListener();
  const waitsKillable = listener.refused === undefined ? listener.waitsKillable : undefined;
  const findings = [
    ...platformFindings(),
    startFinding(),
    ...seccompFindings(listener),
    ...memoryFindings(probeMemoryFile()),
    ...programs,
    emulationFinding(traces, waitsKillable),
    ...strictFindings(),
    ...ringFindings(),
  ];
  // Where something is missing that all need, wx does not work for lack of that.
  const isComplete = findings.every((one) => one.needed !== true || one.answer === 'yes');
  const tried = policies.map((one) => ({ ...one, needed: isComplete && one.name === 'policy wx' }));
  const head = `trampfd ${version}, Linux ${release()} on ${process.arch}, Node.js ${process.versions.node}`;
  return reportText(head, [...findings, ...tried]);
}
