/**
 * Has a held process leave all mounts but those that a run sees: setns(2), open_tree(2), move_mount(2), pivot_root(2).
 *
 * The run's world is a copy of what can be seen from the root folder that we have, a chroot's too. The copy is put over the
 * root folder of the namespace, becomes that itself, and what was there before is taken away: no path and no chroot(2) leads
 * to it, for it is not there.
 *
 * @module
 */
import { AT, AT_FDCWD, FCNTL } from '../../abi/fcntl.js';
import { CLONE, MOUNT, UMOUNT } from '../../abi/mount.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocateString, type NativeMemory } from '../../linux/libc.js';
import { mountAttributes, setAttributes } from './file_system.js';
import { type Missing, type Requirements, unlessRoot } from './missing.js';

/** What leaving takes, at addresses that a held process finds too. */
export interface PreparedRoot {
  /** What all mounts of the copy get. */
  readonly all: NativeMemory;
  readonly propagation: NativeMemory;
  /**
   * Whether the process may change its root folder (CAP_SYS_CHROOT). One that may not cannot leave a chroot either, nor can
   * what it becomes; then the root folder that it has is changed for another, which has to be a mount.
   */
  readonly changesRoot: boolean;
  readonly root: NativeMemory;
  readonly here: NativeMemory;
  readonly empty: NativeMemory;
}

/** The calls that take a copy of a tree of mounts. */
export const CLONE_TREE: number = MOUNT.OPEN_TREE_CLONE | FCNTL.O_CLOEXEC | AT.AT_RECURSIVE;

/** Writes to memory what leaving takes. */
export function prepareRoot(attributes: number, changesRoot: boolean): PreparedRoot {
  return {
    all: mountAttributes(attributes),
    propagation: mountAttributes(0, MOUNT.MS_PRIVATE),
    changesRoot,
    root: allocateString('/'),
    here: allocateString('.'),
    empty: allocateString(''),
  };
}

/** What is said of a mount that could not be made so. */
export function missingMounts(what: string): Missing {
  return {
    what: `mounts of the program's own cannot be arranged: ${what}`,
    remedy:
      'a kernel with open_tree(2), move_mount(2) and mount_setattr(2) can, where no sandbox around this process forbids ' +
      `it: start outside of that${unlessRoot('start as root')}; kernel.apparmor_restrict_unprivileged_userns has to be 0`,
    open: 'files that the program can write may be executed, and /proc/PID/mem may write over code',
  };
}

const missingRoot: Missing = {
  ...missingMounts('pivot_root, without CAP_SYS_CHROOT,'),
  remedy: 'who starts the run in a chroot needs CAP_SYS_CHROOT; or start outside of it',
};

/** A step that must succeed, and what of. */
export type Step = HeldCall & { readonly of: string };

/** Whether all steps have succeeded; notes the first that has not. */
export function haveSucceeded(steps: readonly Step[], results: readonly bigint[], requirements: Requirements): boolean {
  return steps.every(({ call, of }, index) =>
    requirements.need(results[index] ?? -1n, missingMounts(`${call} of ${of}`)),
  );
}

/** Has steps made, and gives whether all of them have succeeded. */
export function succeed(held: HeldProcess, steps: readonly Step[], requirements: Requirements): boolean {
  return haveSucceeded(steps, held.callAll(steps), requirements);
}

/** A held process's descriptors while it leaves. */
export interface Leaving {
  /** The root folder of the namespace, which may lie around ours, and ours. */
  readonly top: bigint;
  readonly seen: bigint;
  /** The copy of what is seen from ours. */
  readonly world: bigint;
}

/** The steps that make a folder the root folder, by a descriptor. */
function changeRoot({ changesRoot, here }: PreparedRoot, folder: bigint): readonly Step[] {
  const enter: Step = { call: 'fchdir', arguments: [folder], of: '/' };
  return changesRoot ? [enter, { call: 'chroot', arguments: [here.address], of: '/' }] : [enter];
}

/** Moves a copy of a tree to a path. */
export function moveTree({ empty }: PreparedRoot, tree: bigint, path: NativeMemory): HeldCall {
  return {
    call: 'move_mount',
    arguments: [tree, empty.address, AT_FDCWD, path.address, MOUNT.MOVE_MOUNT_F_EMPTY_PATH],
  };
}

/** Enters the root folder of the namespace, and gives descriptors of it and of ours. */
function enterTop(
  held: HeldProcess,
  { root, changesRoot }: PreparedRoot,
  requirements: Requirements,
): Omit<Leaving, 'world'> | undefined {
  const flags = FCNTL.O_PATH | FCNTL.O_CLOEXEC;
  const open: Step = { call: 'openat', arguments: [AT_FDCWD, root.address, flags], of: '/' };
  const [seen = -1n, itself = -1n] = held.callAll([open, { call: 'pidfd_open', arguments: [held.processId, 0] }]);
  const steps: readonly Step[] = [
    open,
    ...(changesRoot
      ? [{ call: 'setns' as const, arguments: [itself, CLONE.CLONE_NEWNS], of: 'its own mount namespace' }, open]
      : []),
  ];
  const results = held.callAll([...steps, { call: 'close', arguments: [itself] }]);
  return haveSucceeded(steps, results, requirements) ? { top: results[steps.length - 1] ?? -1n, seen } : undefined;
}

/**
 * Takes a copy of all that is seen, and makes other calls at the same time.
 *
 * @param others - that take more copies, of what keeps more than the rest does
 * @returns undefined where something is missing, and the results of the other calls
 */
export function takeWorld(
  held: HeldProcess,
  prepared: PreparedRoot,
  others: readonly HeldCall[],
  requirements: Requirements,
): { readonly leaving: Leaving; readonly results: readonly bigint[] } | undefined {
  const { root, propagation } = prepared;
  const at = enterTop(held, prepared, requirements);
  if (at === undefined) return undefined;
  const steps: readonly Step[] = [
    // Nothing of what follows may reach the namespace that this one is a copy of.
    { ...setAttributes(AT_FDCWD, root, AT.AT_RECURSIVE, propagation), of: '/' },
    ...changeRoot(prepared, at.seen),
    // It comes first, for tables of mounts are sorted by their age.
    { call: 'open_tree', arguments: [AT_FDCWD, root.address, CLONE_TREE], of: '/' },
  ];
  const results = held.callAll([...steps, ...others]);
  if (!haveSucceeded(steps, results, requirements)) {
    held.callAll(changeRoot(prepared, at.seen));
    return undefined;
  }
  const world = results[steps.length - 1] ?? -1n;
  return { leaving: { ...at, world }, results: results.slice(steps.length) };
}

/** A held process whose root folder is the copy, while what was there before can still be reached by a descriptor. */
export interface Entered extends Leaving {
  /** Whether what was there lies over the copy now, or below. */
  readonly isChanged: boolean;
}

/** Makes the copy the root folder of the namespace; undefined where something is missing. */
export function enterWorld(
  held: HeldProcess,
  prepared: PreparedRoot,
  leaving: Leaving,
  requirements: Requirements,
): Entered | undefined {
  const { top, seen, world } = leaving;
  const { root, here, empty, all, changesRoot } = prepared;
  const everything = AT.AT_EMPTY_PATH | AT.AT_RECURSIVE;
  const enter: readonly Step[] = [
    { ...setAttributes(Number(world), empty, everything, all), of: '/' },
    ...changeRoot(prepared, top),
    { ...moveTree(prepared, world, root), of: '/' },
    { call: 'fchdir', arguments: [world], of: '/' },
  ];
  if (!succeed(held, enter, requirements)) {
    held.callAll(changeRoot(prepared, seen));
    return undefined;
  }
  const pivoted = held.call('pivot_root', here.address, here.address);
  if (pivoted < 0n && !changesRoot) {
    requirements.need(pivoted, missingRoot);
    return undefined;
  }
  return succeed(held, changeRoot(prepared, world), requirements)
    ? { ...leaving, isChanged: pivoted >= 0n }
    : undefined;
}

/**
 * Has nothing that was there before the copy be executed any more, nor opened as a device; gives whether that is so. All that
 * has been put over it until then is meant as well.
 */
export function shutWorld(
  held: HeldProcess,
  { empty, all }: PreparedRoot,
  { top }: Entered,
  requirements: Requirements,
): boolean {
  const everything = AT.AT_EMPTY_PATH | AT.AT_RECURSIVE;
  const step: Step = { ...setAttributes(Number(top), empty, everything, all), of: 'what was the root folder' };
  return succeed(held, [step], requirements);
}

/**
 * Takes away what was there before the copy; gives whether that is so.
 *
 * Where a kernel cannot change it for another, as it cannot with the one that it has unpacked itself (initramfs), it lies
 * below, where no path leads to: ".." ends at the uppermost root folder.
 */
export function leaveWorld(
  held: HeldProcess,
  prepared: PreparedRoot,
  { top, seen, world, isChanged }: Entered,
  requirements: Requirements,
): boolean {
  const away: readonly (number | bigint)[] = [prepared.here.address, UMOUNT.MNT_DETACH];
  const leave: readonly Step[] = [
    { call: 'fchdir', arguments: [world], of: '/' },
    // It lies over the copy.
    ...(isChanged ? [{ call: 'umount2' as const, arguments: away, of: 'what was the root folder' }] : []),
    ...changeRoot(prepared, world),
    ...[top, seen, world].map((one): Step => ({ call: 'close', arguments: [one], of: '/' })),
  ];
  return succeed(held, leave, requirements);
}
