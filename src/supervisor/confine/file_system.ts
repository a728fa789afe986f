/**
 * File systems that a held process makes for itself: fsopen(2), fsconfig(2), fsmount(2). And the attributes of mounts in
 * memory: mount_setattr(2).
 *
 * @module
 */
import { MOUNT, MOUNT_ATTR } from '../../abi/mount.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocate, allocateString, type NativeMemory } from '../../linux/libc.js';

/** A file system's type, its options and the attributes of its mount, at addresses that a held process finds too. */
export interface PreparedFileSystem {
  readonly type: NativeMemory;
  readonly options: readonly { readonly name: NativeMemory; readonly value: NativeMemory }[];
  readonly attributes: number;
}

/** Writes what a file system is made of to memory; before the process is started that makes it. */
export function prepareFileSystem(
  type: string,
  options: Readonly<Record<string, string>>,
  attributes: number,
): PreparedFileSystem {
  return {
    type: allocateString(type),
    options: Object.entries(options).map(([name, value]) => ({
      name: allocateString(name),
      value: allocateString(value),
    })),
    attributes,
  };
}

/**
 * Makes a file system, mounted nowhere.
 *
 * @returns the held process's descriptor of its mount, which is also its folder's, or a negated error number
 */
export function makeFileSystem(held: HeldProcess, { type, options, attributes }: PreparedFileSystem): number {
  const system = Number(held.call('fsopen', type.address, MOUNT.FSOPEN_CLOEXEC));
  if (system < 0) return system;
  const configured = options.map(
    ({ name, value }): HeldCall => ({
      call: 'fsconfig',
      arguments: [system, MOUNT.FSCONFIG_SET_STRING, name.address, value.address, 0],
    }),
  );
  const results = held.callAll([
    ...configured,
    { call: 'fsconfig', arguments: [system, MOUNT.FSCONFIG_CMD_CREATE, 0, 0, 0] },
    { call: 'fsmount', arguments: [system, MOUNT.FSMOUNT_CLOEXEC, attributes] },
    { call: 'close', arguments: [system] },
  ]);
  return Number(results[configured.length + 1] ?? -1n);
}

/** A struct mount_attr that sets attributes, and a propagation where one is given. */
export function mountAttributes(set: number, propagation = 0): NativeMemory {
  const memory = allocate(MOUNT_ATTR.size);
  memory.view.setBigUint64(MOUNT_ATTR.attr_set, BigInt(set), true);
  memory.view.setBigUint64(MOUNT_ATTR.propagation, BigInt(propagation), true);
  return memory;
}

/** mount_setattr(2) of a path, or of a descriptor with an empty one. */
export function setAttributes(descriptor: number, path: NativeMemory, flags: number, set: NativeMemory): HeldCall {
  return { call: 'mount_setattr', arguments: [descriptor, path.address, flags, set.address, MOUNT_ATTR.size] };
}
