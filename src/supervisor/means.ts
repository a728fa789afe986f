/**
 * What a run of any policy cannot do without: files for trampolines, the memory of supervised programs, a kernel that hands
 * descriptors to them. `trampfd run` asks before it starts anything, and `trampfd doctor` reports what `run` finds.
 *
 * Each is found out by doing it. The policy `strict` asks for more while it arranges the program (confine/arrange.ts).
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { errnoName, errnoNumbers } from '../abi/errno.js';
import type { Listener } from '../linux/listener.js';
import { type Access, probeChildAccess } from '../linux/probe_child.js';
import { probeMemoryFile } from '../linux/probe_memory_file.js';
import type { Missing } from './confine/missing.js';
import { memoryRemedy } from './forbidden.js';

/** What is open where the supervisor cannot serve programs; the filter needs none of it. */
const UNSERVED = 'the program gets no trampoline tables, and trampolines that a program writes itself are refused';

/** What is missing where the memory of a program cannot be read and written. */
export function memoryMissing(access: Access | undefined): readonly Missing[] {
  // Where no child can be started, the program cannot either; its own start says why.
  if (access === undefined || (access.reads === 0 && access.writes === 0)) return [];
  const [what, errno] = access.reads < 0 ? ['read', access.reads] : ['written', access.writes];
  return [
    {
      what: `the memory of a supervised program cannot be ${what} (${errnoName(-errno)})`,
      remedy: memoryRemedy(),
      open: UNSERVED,
    },
  ];
}

function fileMissing(): readonly Missing[] {
  const found = probeMemoryFile();
  const remedy = 'a kernel with memfd_create(2) and F_SEAL_FUTURE_WRITE is needed, and a sandbox that allows both';
  if (found.errno !== 0) {
    const what = `no memory file for trampolines can be made (${errnoName(found.errno)})`;
    return [{ what, remedy, open: UNSERVED }];
  }
  if (found.sealsFutureWrites && found.staysReadOnly) return [];
  return [{ what: 'the memory files of trampolines cannot be sealed against writing', remedy, open: UNSERVED }];
}

/** What a run of any policy misses on this machine, as far as that shows before a filter is installed. */
export function missingMeans(): readonly Missing[] {
  return [...fileMissing(), ...memoryMissing(probeChildAccess())];
}

/** What the listener of an installed filter cannot do. */
export function missingOfListener(listener: Listener): readonly Missing[] {
  // No call waits, so that no id is valid: a kernel that knows the flag goes on to say so (ENOENT), another refuses the flag.
  const added = listener.answerDescriptor(0n, { source: listener.descriptor, number: 0, closeOnExec: false });
  if (added === -errnoNumbers.ENOENT) return [];
  return [
    {
      what: `the kernel cannot hand a descriptor to a supervised program in one step (SECCOMP_ADDFD_FLAG_SEND: ${errnoName(-added)})`,
      remedy: 'a later kernel is needed (docs/policy.md names those that were tried)',
      open: UNSERVED,
    },
  ];
}

/** Whether /proc shows the settings of the kernel: with the option subset=pid it does not. */
export function showsSettings(): boolean {
  return existsSync('/proc/sys/kernel');
}
