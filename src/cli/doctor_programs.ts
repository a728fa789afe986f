/**
 * What `trampfd doctor` finds about the programs that a run starts: what the supervisor may do to them, and which can be run.
 *
 * @module
 */
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { mayTraceOthers } from '../linux/capabilities.js';
import { probeI386, probeTrampfd, probeUserNamespace, probeX32 } from '../linux/probe.js';
import type { Access } from '../linux/probe_child.js';
import { procText } from '../linux/proc.js';
import { memoryMissing, showsSettings } from '../supervisor/means.js';
import { windowFor } from '../supervisor/window.js';
import { type Finding, finding, needed } from './finding.js';

/**
 * Yama forbids what depends on who is whose descendant (the kernel's Documentation/admin-guide/LSM/Yama.rst).
 *
 * @param isShown - whether settings are shown at all
 * @param mayTrace - whether this process has CAP_SYS_PTRACE, which Yama asks for
 */
export function yamaFinding(scope: string | undefined, isShown: boolean, mayTrace: boolean): Finding {
  const isRestricted = scope === '1' && !mayTrace;
  return finding(
    'reading programs that outlive their parents',
    scope === undefined && !isShown ? undefined : !isRestricted,
    scope === undefined || scope === '0' ? 'Yama does not restrict it' : `Yama's ptrace_scope is ${scope}`,
    "Yama's ptrace_scope is 1: a daemon that outlives its parent is no descendant of the supervisor, so that its calls on " +
      'tables fail with EPERM and its own trampolines are refused; start with CAP_SYS_PTRACE, as root mostly has it, or set it to 0',
    'this /proc shows no settings (subset=pid)',
  );
}

/** Whether trampolines that programs write themselves can be emulated. */
export function emulationFinding(traces: boolean | undefined, waitsKillable: boolean | undefined): Finding {
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

/** What this machine lets a run do with the programs that it starts. */
export function programFindings(
  openFileLimit: bigint,
  access: Access | undefined,
  traces: boolean | undefined,
): Finding[] {
  const [unreadable] = memoryMissing(access);
  const i386 = probeI386();
  const x32 = probeX32();
  const trampfd = probeTrampfd();
  const window = windowFor(openFileLimit);
  const limit = openFileLimit === 2n ** 64n - 1n ? 'unlimited' : String(openFileLimit);
  return [
    needed(
      'process_vm_readv(2)',
      access !== undefined && unreadable === undefined,
      "the memory of a child was read and written, as a call's structures have to be",
      unreadable === undefined ? 'no child could be started' : `${unreadable.what}: ${unreadable.remedy}`,
    ),
    finding(
      'ptrace(2) of a child',
      traces,
      'forks do not inherit mappings of version 1, the old mmap of i386 is served, and strict can arrange a program',
      'forks inherit mappings of version 1, wx refuses the old mmap of i386, and strict does not start',
      'no child could be started',
    ),
    yamaFinding(procText('/proc/sys/kernel/yama/ptrace_scope'), showsSettings(), mayTraceOthers()),
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
      'not probed, as unshare(1) is missing, or a filter refuses its call alone; only strict needs one, where it is not started by root',
    ),
    finding(
      'descriptors for tables',
      openFileLimit >= 64n,
      `RLIMIT_NOFILE is ${limit}: ${window.below - window.from} numbers, ${window.from} to ${window.below - 1}`,
      `RLIMIT_NOFILE is ${limit}: ${window.below - window.from} numbers at its top, where a program's own may come to lie; raise it`,
    ),
  ];
}
