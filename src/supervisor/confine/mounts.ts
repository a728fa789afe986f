/**
 * Puts a mount plan in force in a held process that has a mount namespace of its own: mount_setattr(2), open_tree(2),
 * move_mount(2).
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { AT, AT_FDCWD } from '../../abi/fcntl.js';
import { MOUNT } from '../../abi/mount.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocateString, type NativeMemory } from '../../linux/libc.js';
import { type PreparedDevices, prepareDevices, putDevices, takeDevices } from './device_folder.js';
import { type DevicePlan, isShown } from './devices.js';
import { mountAttributes, setAttributes } from './file_system.js';
import type { Requirements } from './missing.js';
import type { MountPlan, OwnMount } from './mount_plan.js';
import {
  CLONE_TREE,
  type Entered,
  enterWorld,
  haveSucceeded,
  leaveWorld,
  missingMounts,
  moveTree,
  type PreparedRoot,
  prepareRoot,
  type Step,
  shutWorld,
  takeWorld,
} from './new_root.js';
import { asBytes } from './trees.js';

/** A plan in memory, at addresses that a held process finds too. */
export interface PreparedMounts {
  readonly root: PreparedRoot;
  readonly own: readonly {
    readonly path: NativeMemory;
    /** The same from the root folder on. */
    readonly below: NativeMemory;
    readonly attributes: NativeMemory;
    readonly text: string;
    /** Whether nothing is lost where it is gone. */
    readonly canBeLeft: boolean;
  }[];
  readonly readOnly: readonly { readonly path: NativeMemory; readonly text: string }[];
  readonly readOnlyAttributes: NativeMemory;
  readonly devices: PreparedDevices | undefined;
}

/** Whether nothing can be executed or written there: such a mount only takes something away. */
function isUseless({ attributes: set }: OwnMount): boolean {
  const both = MOUNT.MOUNT_ATTR_RDONLY | MOUNT.MOUNT_ATTR_NOEXEC;
  return (set & both) === both;
}

/** Whether it gives writing back within a mount that takes it away, and never execution. */
function isWritable({ attributes: set }: OwnMount): boolean {
  return (set & MOUNT.MOUNT_ATTR_RDONLY) === 0 && (set & MOUNT.MOUNT_ATTR_NOEXEC) !== 0;
}

/** What the held process may not come to, the program may not either, which has fewer rights; and what has gone meanwhile. */
const LEFT: ReadonlySet<bigint> = new Set(
  [errnoNumbers.EACCES, errnoNumbers.ENOENT, errnoNumbers.ENOTDIR].map((errno) => BigInt(-errno)),
);

function pathMemory(text: string): NativeMemory {
  return allocateString(asBytes(text));
}

/**
 * Writes a plan to memory; before the process is started that it is for.
 *
 * @param devices - what /dev is to hold; undefined where there is none
 * @param changesRoot - whether the process will have CAP_SYS_CHROOT
 */
export function prepareMounts(plan: MountPlan, devices: DevicePlan | undefined, changesRoot: boolean): PreparedMounts {
  // What another /dev does not show need not be taken from it.
  const isThere = (path: string): boolean => devices === undefined || isShown(devices, path);
  return {
    root: prepareRoot(plan.attributes, changesRoot),
    own: plan.own
      .filter((mount) => !isUseless(mount) || isThere(mount.path))
      .map((mount) => ({
        path: pathMemory(mount.path),
        attributes: mountAttributes(mount.attributes, MOUNT.MS_PRIVATE),
        text: mount.path,
        below: pathMemory(mount.path.slice(1) || '.'),
        canBeLeft: isUseless(mount) || isWritable(mount),
      })),
    readOnly: plan.readOnly.filter(isThere).map((text) => ({ path: pathMemory(text), text })),
    readOnlyAttributes: mountAttributes(MOUNT.MOUNT_ATTR_RDONLY),
    devices: devices === undefined ? undefined : prepareDevices(devices),
  };
}

/** How many mounts are taken at once: each holds a descriptor meanwhile, of which a program may have few (RLIMIT_NOFILE). */
const AT_ONCE = 8;

/** Takes copies of trees from the old world, where they keep more than the rest. */
function takeOwn(held: HeldProcess, { seen }: Entered, some: PreparedMounts['own']): readonly bigint[] {
  return held.callAll(some.map(({ below }) => ({ call: 'open_tree', arguments: [seen, below.address, CLONE_TREE] })));
}

/** Puts some of the program's own mounts in place; gives whether they are. */
function putOwn(
  held: HeldProcess,
  root: PreparedRoot,
  some: PreparedMounts['own'],
  taken: readonly bigint[],
  requirements: Requirements,
): boolean {
  const own = some
    .map((mount, index) => ({ ...mount, tree: taken[index] ?? -1n }))
    .filter(({ canBeLeft, tree }) => !(canBeLeft && LEFT.has(tree)));
  for (const { tree, text } of own) {
    if (!requirements.need(tree, missingMounts(`open_tree of ${text}`))) return false;
  }
  const steps: readonly Step[] = own.map(({ attributes: set, text, tree }) => ({
    ...setAttributes(Number(tree), root.empty, AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, set),
    of: text,
  }));
  const results = held.callAll([
    ...steps,
    ...own.map(({ path, tree }) => moveTree(root, tree, path)),
    ...own.map(({ tree }): HeldCall => ({ call: 'close', arguments: [tree] })),
  ]);
  if (!haveSucceeded(steps, results, requirements)) return false;
  return own.every(({ canBeLeft, text }, index) => {
    const moved = results[own.length + index] ?? -1n;
    return (canBeLeft && LEFT.has(moved)) || requirements.need(moved, missingMounts(`move_mount of ${text}`));
  });
}

/** Puts the plan in force. The working folder is the root folder then. */
export function arrangeMounts(held: HeldProcess, prepared: PreparedMounts, requirements: Requirements): void {
  const { root, devices, own } = prepared;
  const taken = takeWorld(held, root, devices === undefined ? [] : takeDevices(devices), requirements);
  if (taken === undefined) return;
  const entered = enterWorld(held, root, taken.leaving, requirements);
  if (entered === undefined) return;
  // Where the old world stays, below, it is to be of no use before anything else is put over it.
  const all = entered.isChanged ? undefined : takeOwn(held, entered, own);
  if (!entered.isChanged && !shutWorld(held, root, entered, requirements)) return;
  // A tree may lie in a folder of it.
  if (devices !== undefined) {
    requirements.need(putDevices(held, devices, taken.results), missingMounts('a file system for /dev'));
  }
  let complete = true;
  for (let from = 0; complete && from < own.length; from += AT_ONCE) {
    const some = own.slice(from, from + AT_ONCE);
    complete = putOwn(held, root, some, all?.slice(from) ?? takeOwn(held, entered, some), requirements);
  }
  if (!leaveWorld(held, root, entered, requirements) || !complete) return;
  const closed = held.callAll(
    prepared.readOnly.map(({ path }) => setAttributes(AT_FDCWD, path, 0, prepared.readOnlyAttributes)),
  );
  for (const [index, { text }] of prepared.readOnly.entries()) {
    const result = closed[index] ?? -1n;
    if (LEFT.has(result)) continue;
    if (!requirements.need(result, missingMounts(`mount_setattr of ${text}`))) return;
  }
}
