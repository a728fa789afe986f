/**
 * Rules for calls on descriptors in the window, which are the same for most of them.
 *
 * @module
 */
import type { Entry, SyscallName } from '../../abi/syscalls.js';
import { type ArgumentIndex, type Condition, notify, type Rule } from '../../policy/rule.js';
import type { Window } from '../window.js';

/** The names of a call, by entry. */
export type CallNames = Readonly<Record<Entry, readonly SyscallName[]>>;

/** Notifies the named calls where an argument is a descriptor in the window, and further conditions hold. */
export function descriptorRules(
  names: CallNames,
  argument: ArgumentIndex,
  further: readonly Condition[] = [],
): (window: Window) => readonly Rule[] {
  return (window) =>
    (['x86-64', 'i386'] as const).flatMap((entry) =>
      names[entry].map(
        (call): Rule => ({
          entry,
          call,
          when: [...further, { argument, is: 'within', from: window.from, below: window.below }],
          verdict: notify,
        }),
      ),
    );
}
