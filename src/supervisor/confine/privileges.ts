/**
 * What a confined program may not have, whoever it is: capabilities with which the kernel itself could be made to write
 * over code, privilege by execution, a look into processes outside of the run.
 *
 * @module
 */
import { CAPABILITY } from '../../abi/capability.js';
import { PR_MDWE_REFUSE_EXEC_GAIN, PR_SET_MDWE, PRCTL } from '../../abi/process.js';
import type { HeldProcess } from '../../linux/held_process.js';
import type { Requirements } from './missing.js';

/** Every other capability, those that a later kernel adds among them, is given up (capabilities(7)). */
const KEPT_CAPABILITIES: ReadonlySet<number> = new Set(
  Object.values(CAPABILITY).filter((one) => one !== CAPABILITY.CAP_SYS_ADMIN),
);
/** More than any kernel has: capability sets have 64 bits. */
const CAPABILITIES = 64;

/** Takes from a held process what the program may not have. */
export function giveUpPrivileges(held: HeldProcess, requirements: Requirements): void {
  requirements.need(held.call('prctl', PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), {
    what: 'no_new_privs',
    remedy: 'a kernel from 3.5 on has it',
    open: 'a setuid program runs with its privilege, and who attacks it has that',
  });
  const given = Array.from({ length: CAPABILITIES }, (_, number) => number).filter(
    (number) => !KEPT_CAPABILITIES.has(number),
  );
  // EINVAL behind the last one that the kernel knows; EPERM where none are there to be given up.
  held.callAll(given.map((number) => ({ call: 'prctl', arguments: [PRCTL.PR_CAPBSET_DROP, number, 0, 0, 0] })));
}

/**
 * Puts the kernel's own refusal of executable memory behind the filter, as deep as that goes, where it has one (Linux 6.3).
 * A program whose file asks for such memory gets no word of it then: it is killed on its way into the program.
 */
export function refuseExecGain(held: HeldProcess): void {
  held.call('prctl', PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
}

/**
 * Puts a held process into a Landlock domain.
 *
 * @param ruleset - its descriptor of one, or a negated error number where none could be made
 * @returns whether it is in it
 */
export function enterDomain(held: HeldProcess, requirements: Requirements, ruleset: number): boolean {
  const entered = ruleset < 0 ? ruleset : Number(held.call('landlock_restrict_self', ruleset, 0));
  // In a user namespace of its own a program is kept out of other processes by that alone.
  if (process.geteuid?.() === 0) {
    requirements.need(entered, {
      what: 'a Landlock domain cannot be had',
      remedy:
        "a kernel from 5.19 on that lists 'landlock' in its boot option lsm= has it; or start as an ordinary user",
      open:
        'root can become the user of a process outside of the run, and reach files through its /proc/PID/root, where ' +
        'they can be executed',
    });
  }
  return entered >= 0;
}
