/**
 * What a confined program may not have, whoever it is: capabilities with which the kernel itself could be made to write
 * over code, privilege by execution, a look into processes outside of the run.
 *
 * @module
 */
import { CAPABILITY, CAPSET, CAPSET_LAYOUT } from '../../abi/capability.js';
import { errnoNumbers } from '../../abi/errno.js';
import { PR_MDWE_REFUSE_EXEC_GAIN, PR_SET_MDWE, PRCTL } from '../../abi/process.js';
import { capabilitySets } from '../../linux/capabilities.js';
import type { HeldProcess } from '../../linux/held_process.js';
import type { NativeMemory } from '../../linux/libc.js';
import { DOMAIN_REMEDY, type Requirements } from './missing.js';

/** Every other capability, those that a later kernel adds among them, is given up (capabilities(7)). */
const KEPT_CAPABILITIES: ReadonlySet<number> = new Set(
  Object.values(CAPABILITY).filter((one) => one !== CAPABILITY.CAP_SYS_ADMIN),
);
/** More than any kernel has: capability sets have 64 bits. */
const CAPABILITIES = 64;

/**
 * Takes from a held process what the program may not have.
 *
 * @param sets - {@link CAPSET_LAYOUT}.size bytes that were allocated before the process was started
 */
export function giveUpPrivileges(held: HeldProcess, requirements: Requirements, sets: NativeMemory): void {
  requirements.need(held.call('prctl', PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), {
    what: 'no_new_privs',
    remedy: 'a sandbox around this process may forbid it',
    open: 'a setuid program runs with its privilege, and who attacks it has that',
  });
  const given = Array.from({ length: CAPABILITIES }, (_, number) => number).filter(
    (number) => !KEPT_CAPABILITIES.has(number),
  );
  // EINVAL behind the last one that the kernel knows; EPERM where none are there to be given up.
  held.callAll(given.map((number) => ({ call: 'prctl', arguments: [PRCTL.PR_CAPBSET_DROP, number, 0, 0, 0] })));
  // What is inheritable or ambient passes an execve whatever the bounding set is; the ambient set follows the others.
  const before = capabilitySets(held.processId);
  held.write(sets.address, encodeSets([before.effective, before.permitted, before.inheritable].map(kept)));
  held.call('capset', sets.address, sets.address + BigInt(CAPSET_LAYOUT.data));
  const after = capabilitySets(held.processId);
  const left = [after.permitted, after.inheritable, process.geteuid?.() === 0 ? after.bounding : 0n];
  requirements.need(left.every((set) => set === kept(set)) ? 0 : -errnoNumbers.EPERM, {
    what: 'capabilities cannot be given up',
    remedy:
      'who starts the run needs CAP_SETPCAP for that, or none of those that are dangerous; or start as an ordinary user',
    open: 'the program keeps capabilities that reach devices, mounts or the memory of the kernel',
  });
}

/** The capabilities of a set that a program may have. */
function kept(set: bigint): bigint {
  return [...KEPT_CAPABILITIES].reduce((sum, number) => sum | (set & (1n << BigInt(number))), 0n);
}

/** The structures of capset(2) for the calling process, with effective, permitted and inheritable capabilities. */
function encodeSets(values: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(CAPSET_LAYOUT.size));
  view.setUint32(0, CAPSET._LINUX_CAPABILITY_VERSION_3, true);
  for (const [index, value] of values.entries()) {
    const at = CAPSET_LAYOUT.data + 4 * index;
    view.setUint32(at, Number(value & 0xffffffffn), true);
    view.setUint32(at + CAPSET_LAYOUT.half, Number(value >> 32n), true);
  }
  return new Uint8Array(view.buffer);
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
 * @param hasOwnUsers - whether it is in a user namespace of its own
 * @returns whether it is in it
 */
export function enterDomain(
  held: HeldProcess,
  requirements: Requirements,
  ruleset: number,
  hasOwnUsers: boolean,
): boolean {
  const entered = ruleset < 0 ? ruleset : Number(held.call('landlock_restrict_self', ruleset, 0));
  // In a user namespace of its own a program is kept out of other processes by that alone.
  if (!hasOwnUsers) {
    requirements.need(entered, {
      what: 'a Landlock domain cannot be had',
      remedy:
        entered === -errnoNumbers.E2BIG || entered === -errnoNumbers.EPERM
          ? DOMAIN_REMEDY
          : "a kernel that lists 'landlock' in its boot option lsm= has it; or start as an ordinary user",
      open:
        'root can become the user of a process outside of the run, and reach files through its /proc/PID/root, where ' +
        'they can be executed',
    });
  }
  return entered >= 0;
}
