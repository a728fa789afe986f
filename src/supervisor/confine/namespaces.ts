/**
 * Starts the process that is to become the program, in namespaces of its own: with CAP_SYS_ADMIN one of mounts, without
 * also one of users. clone(2), user_namespaces(7).
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { errnoNumbers } from '../../abi/errno.js';
import { CLONE } from '../../abi/mount.js';
import { mayArrangeMounts } from '../../linux/capabilities.js';
import { HeldProcess } from '../../linux/held_process.js';
import { cannotConfine, type Requirements } from './missing.js';
import { namespaceForbidden } from './namespace_forbidden.js';

/** Starts a held process in a folder that has no name any more, where one is given. */
function startIn(folder: number | undefined, flags: number): HeldProcess | number {
  if (folder === undefined) return HeldProcess.start(flags);
  process.chdir(`/proc/self/fd/${folder}`);
  try {
    return HeldProcess.start(flags);
  } finally {
    process.chdir('/');
  }
}

/** What is open where no namespace can be had. */
const OPEN = 'files that the program can write may be executed, and /proc/PID/mem may write over code';

/** Starts the process, in namespaces of its own where they can be had. */
export function startHeld(
  requirements: Requirements,
  folder: number | undefined,
): { readonly held: HeldProcess; readonly isolated: boolean } {
  const privileged = mayArrangeMounts();
  const held = startIn(folder, privileged ? CLONE.CLONE_NEWNS : CLONE.CLONE_NEWNS | CLONE.CLONE_NEWUSER);
  const mapped = typeof held === 'number' || privileged ? 0 : mapOwnUser(held.processId);
  if (typeof held !== 'number' && mapped === 0) return { held, isolated: true };
  if (typeof held !== 'number') held[Symbol.dispose]();
  const result = typeof held === 'number' ? held : mapped;
  const isUnmapped = typeof held !== 'number';
  requirements.need(result, { ...namespaceForbidden({ privileged, result, isUnmapped }), open: OPEN });
  const without = startIn(folder, 0);
  if (typeof without === 'number') throw cannotConfine(requirements.missing);
  return { held: without, isolated: false };
}

/**
 * Maps our user and group into the user namespace of a process: one of each, for more needs privilege. Groups that we have
 * besides count on there, without a name.
 *
 * @returns 0 or a negated error number
 */
function mapOwnUser(processId: number): number {
  const [user, group] = [process.geteuid?.(), process.getegid?.()];
  try {
    writeFileSync(`/proc/${processId}/setgroups`, 'deny');
    writeFileSync(`/proc/${processId}/uid_map`, `${user} ${user} 1`);
    writeFileSync(`/proc/${processId}/gid_map`, `${group} ${group} 1`);
    return 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? -errnoNumbers.EPERM;
  }
}
