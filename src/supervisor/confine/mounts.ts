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
  enterWorld,
  missingMounts,
  moveTree,
  type PreparedRoot,
  prepareRoot,
  type Step,
  succeed,
  takeWorld,
} from './new_root.js';
import { asBytes } from './trees.js';

/** A plan in memory, at addresses that a held process finds too. */
export interface PreparedMounts {
  readonly root: PreparedRoot;
  readonly own: readonly {
    readonly path: NativeMemory;
    readonly attributes: NativeMemory;
    readonly text: string;
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

/** What the held process may not come to, the program may not either, which has fewer rights. */
const OUT_OF_REACH = BigInt(-errnoNumbers.EACCES);

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
        canBeLeft: isUseless(mount),
      })),
    readOnly: plan.readOnly.filter(isThere).map((text) => ({ path: pathMemory(text), text })),
    readOnlyAttributes: mountAttributes(MOUNT.MOUNT_ATTR_RDONLY),
    devices: devices === undefined ? undefined : prepareDevices(devices),
  };
}

/** Puts the plan in force. The working folder is the root folder then. */
export function arrangeMounts(held: HeldProcess, prepared: PreparedMounts, requirements: Requirements): void {
  const { root, devices } = prepared;
  // Taken before all is made unexecutable and without nodes: they keep what they had.
  const trees = prepared.own.map(
    ({ path }): HeldCall => ({ call: 'open_tree', arguments: [AT_FDCWD, path.address, CLONE_TREE] }),
  );
  const nodes = devices === undefined ? [] : takeDevices(devices);
  const taken = takeWorld(held, root, [...trees, ...nodes], requirements);
  if (taken === undefined) return;
  const { leaving, results } = taken;
  const own = prepared.own
    .map((mount, index) => ({ ...mount, tree: results[index] ?? -1n }))
    .filter(({ canBeLeft, tree }) => !(canBeLeft && tree === OUT_OF_REACH));
  for (const { tree, text } of own) {
    if (!requirements.need(tree, missingMounts(`open_tree of ${text}`))) return;
  }
  if (!enterWorld(held, root, leaving, requirements)) return;
  // A tree may lie in a folder of it.
  if (devices !== undefined) {
    requirements.need(putDevices(held, devices, results.slice(trees.length)), missingMounts('a file system for /dev'));
  }
  const steps: readonly Step[] = [
    ...own.map(({ attributes: set, text, tree }) => ({
      ...setAttributes(Number(tree), root.empty, AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, set),
      of: text,
    })),
    ...own.map(({ path, text, tree }) => ({ ...moveTree(root, tree, path), of: text })),
    ...own.map(({ text, tree }) => ({ call: 'close' as const, arguments: [tree], of: text })),
  ];
  if (!succeed(held, steps, requirements)) return;
  const closed = held.callAll(
    prepared.readOnly.map(({ path }) => setAttributes(AT_FDCWD, path, 0, prepared.readOnlyAttributes)),
  );
  for (const [index, { text }] of prepared.readOnly.entries()) {
    const result = closed[index] ?? -1n;
    if (result === OUT_OF_REACH) continue;
    if (!requirements.need(result, missingMounts(`mount_setattr of ${text}`))) return;
  }
}
