/**
 * Why this process can have no namespace for a confined program, and who can allow it (user_namespaces(7), clone(2),
 * unshare(2)). What the kernel tells is asked; an error number alone has half a dozen causes.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { isWhole, mountTable } from '../../linux/mount_table.js';
import { namespaceCallRefusal } from '../../linux/probe_confinement.js';
import { procText } from '../../linux/proc.js';
import { statusField } from '../../linux/status.js';
import { unlessRoot } from './missing.js';

/** What cannot be had and why, and what helps. */
export interface Forbidden {
  readonly what: string;
  readonly remedy: string;
}

/** A namespace that could not be had. */
export interface Refused {
  /** Whether one of mounts alone was asked for, by CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** The negated error number. */
  readonly result: number;
  /** Whether it could be had, and no user be mapped in it. */
  readonly isUnmapped: boolean;
}

/** Settings of the kernel by which it gives none to an ordinary user, each with the value by which it does not. */
const SETTINGS = [
  ['kernel.unprivileged_userns_clone', '0', '1'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
] as const;

/** The setting that forbids it. */
function settingRemedy(): string | undefined {
  const found = SETTINGS.find(
    ([name, forbidding]) => procText(`/proc/sys/${name.replaceAll('.', '/')}`) === forbidding,
  );
  if (found === undefined) return undefined;
  const [name, forbidding, allowing] = found;
  return `${name} is ${forbidding}: root can set it to ${allowing}${unlessRoot('start as root')}`;
}

const CHROOT = 'the kernel gives none to a process whose root folder was changed by chroot';
const CHROOT_REMEDY =
  'start it as root, which needs none, or enter the folder by unshare --root or bwrap instead of chroot';

/** Why a user namespace cannot be had. */
function userForbidden({ result, isUnmapped }: Refused): Forbidden {
  const what = 'a user namespace cannot be had';
  if (isUnmapped && process.geteuid?.() === 0) {
    return {
      what: 'a user namespace for root cannot be had, as this process lacks CAP_SETFCAP, without which root is not mapped',
      remedy: 'give the container that capability, or start as another user of it',
    };
  }
  if (result === -errnoNumbers.ENOSPC || result === -errnoNumbers.EUSERS) {
    return {
      what,
      remedy: `there are as many as there may be: root can allow more (user.max_user_namespaces, here or in a namespace around)${unlessRoot('start as root')}`,
    };
  }
  if (!isUnmapped && !isWhole(mountTable())) return { what: `${what}, as ${CHROOT}`, remedy: CHROOT_REMEDY };
  const setting = settingRemedy();
  if (setting !== undefined) return { what, remedy: setting };
  if (isUnmapped || result !== -errnoNumbers.EPERM) {
    return {
      what,
      remedy: `a security module or a sandbox forbids it: start outside of it${unlessRoot('start as root')}`,
    };
  }
  // What is left of what the kernel itself says EPERM for; of a root folder that is a mount it does not tell more.
  return { what: `${what}, as ${CHROOT}, or a security module forbids it`, remedy: CHROOT_REMEDY };
}

/** Why a namespace could not be had. */
export function namespaceForbidden(refused: Refused): Forbidden {
  const what = refused.privileged ? 'a mount namespace cannot be had' : 'a user namespace cannot be had';
  const isFiltered = !refused.isUnmapped && namespaceCallRefusal(refused.privileged) !== 0;
  if (isFiltered) {
    return {
      what,
      remedy:
        'a seccomp filter around trampfd refuses clone(2) with new namespaces: allow it, and the calls for mounts, in that profile',
    };
  }
  if (!refused.privileged) return userForbidden(refused);
  if (refused.result === -errnoNumbers.ENOSPC) {
    return { what, remedy: 'there are as many as there may be: allow more (user.max_mnt_namespaces)' };
  }
  const filter =
    statusField('self', 'Seccomp') === '2' ? 'a seccomp filter is in force around this process, and it or a' : 'a';
  return {
    what,
    remedy: `${filter} security module or a sandbox forbids it, for root has CAP_SYS_ADMIN here: start outside of it`,
  };
}
