/**
 * Where memory has to be looked at, nobody may share it who is not seen: what a policy says of calls that make processes
 * with the memory of the caller.
 *
 * A child of vfork(2) has it until it executes a program, and its parent's thread waits for that in the kernel, which is
 * seen. It may make no thread and no such process itself: those could outlast the wait. A process that shares the memory
 * and runs beside its parent (CLONE_VM alone) is refused.
 *
 * @module
 */
import { CLONE } from '../abi/mount.js';
import type { Entry } from '../abi/syscalls.js';
import { isMixed, type Policy } from './kinds.js';
import { failWith, notify, type Rule } from './rule.js';

const ENTRIES: readonly Entry[] = ['x86-64', 'i386'];

const sharing: readonly Rule[] = ENTRIES.flatMap((entry): readonly Rule[] => [
  {
    entry,
    call: 'clone',
    when: [
      {
        argument: 0,
        is: 'masked-equal',
        mask: CLONE.CLONE_VM | CLONE.CLONE_VFORK | CLONE.CLONE_THREAD,
        value: CLONE.CLONE_VM,
      },
    ],
    verdict: failWith('EPERM'),
  },
  { entry, call: 'clone', when: [{ argument: 0, is: 'any-bit', mask: CLONE.CLONE_VM }], verdict: notify },
  { entry, call: 'vfork', when: [], verdict: notify },
  // Its flags stand in memory. A C library that is told that there is no such call uses clone.
  { entry, call: 'clone3', when: [], verdict: failWith('ENOSYS') },
]);

/** The rules of a policy about memory that is shared: none where no memory is looked at. */
export function sharingRules(policy: Policy): readonly Rule[] {
  return isMixed(policy) ? sharing : [];
}
