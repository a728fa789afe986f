/**
 * Puts a mount plan in force in a held process that has a mount namespace of its own: mount_setattr(2), open_tree(2),
 * move_mount(2); and makes the file system that memory files are on: fsopen(2), fsmount(2).
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { AT, AT_FDCWD, FCNTL } from '../../abi/fcntl.js';
import { MOUNT, MOUNT_ATTR } from '../../abi/mount.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocate, allocateString, type NativeMemory } from '../../linux/libc.js';
import { type Requirements, unlessRoot } from './missing.js';
import type { MountPlan, OwnMount } from './mount_plan.js';
import { asBytes } from './trees.js';

/** A plan in memory, at addresses that a held process finds too. */
export interface PreparedMounts {
  readonly own: readonly {
    readonly path: NativeMemory;
    readonly attributes: NativeMemory;
    readonly text: string;
    readonly canBeLeft: boolean;
  }[];
  readonly all: NativeMemory;
  readonly propagation: NativeMemory;
  readonly readOnly: readonly { readonly path: NativeMemory; readonly text: string }[];
  readonly readOnlyAttributes: NativeMemory;
  readonly root: NativeMemory;
  readonly empty: NativeMemory;
  readonly folder: NativeMemory | undefined;
  readonly words: Readonly<Record<'tmpfs' | 'size' | 'nr_inodes' | 'mode' | 'zero' | 'everybody', NativeMemory>>;
}

function attributes(set: number, propagation = 0): NativeMemory {
  const memory = allocate(MOUNT_ATTR.size);
  memory.view.setBigUint64(MOUNT_ATTR.attr_set, BigInt(set), true);
  memory.view.setBigUint64(MOUNT_ATTR.propagation, BigInt(propagation), true);
  return memory;
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
 * @param folder - the working directory, or undefined where it has no path
 */
export function prepareMounts(plan: MountPlan, folder: string | undefined): PreparedMounts {
  return {
    own: plan.own.map((mount) => ({
      path: pathMemory(mount.path),
      attributes: attributes(mount.attributes, MOUNT.MS_PRIVATE),
      text: mount.path,
      canBeLeft: isUseless(mount),
    })),
    all: attributes(plan.attributes),
    propagation: attributes(0, MOUNT.MS_PRIVATE),
    readOnly: plan.readOnly.map((text) => ({ path: pathMemory(text), text })),
    readOnlyAttributes: attributes(MOUNT.MOUNT_ATTR_RDONLY),
    root: pathMemory('/'),
    empty: pathMemory(''),
    folder: folder === undefined ? undefined : pathMemory(folder),
    words: {
      tmpfs: allocateString('tmpfs'),
      size: allocateString('size'),
      nr_inodes: allocateString('nr_inodes'),
      mode: allocateString('mode'),
      zero: allocateString('0'),
      everybody: allocateString('1777'),
    },
  };
}

/** mount_setattr(2) of a path, or of a descriptor with an empty one. */
function setAttributes(descriptor: number, path: NativeMemory, flags: number, set: NativeMemory): HeldCall {
  return { call: 'mount_setattr', arguments: [descriptor, path.address, flags, set.address, MOUNT_ATTR.size] };
}

/** What is said of a mount that could not be made so. */
function missingMounts(what: string): { readonly what: string; readonly remedy: string; readonly open: string } {
  return {
    what: `mounts of the program's own cannot be arranged: ${what}`,
    remedy:
      'a kernel with open_tree(2), move_mount(2) and mount_setattr(2) can, where no sandbox around this process forbids ' +
      `it: start outside of that${unlessRoot('start as root')}; kernel.apparmor_restrict_unprivileged_userns has to be 0`,
    open: 'files that the program can write may be executed, and /proc/PID/mem may write over code',
  };
}

/** Puts the plan in force, and enters the working directory anew, for it may lie under what was mounted. */
export function arrangeMounts(held: HeldProcess, prepared: PreparedMounts, requirements: Requirements): void {
  const { root, empty } = prepared;
  // Nothing of what follows may reach the namespace that this one is a copy of.
  const [isolated = -1n, ...opened] = held.callAll([
    setAttributes(AT_FDCWD, root, AT.AT_RECURSIVE, prepared.propagation),
    // Taken before all is made unexecutable: they keep what they had.
    ...prepared.own.map(
      ({ path }): HeldCall => ({
        call: 'open_tree',
        arguments: [AT_FDCWD, path.address, MOUNT.OPEN_TREE_CLONE | FCNTL.O_CLOEXEC | AT.AT_RECURSIVE],
      }),
    ),
  ]);
  if (!requirements.need(isolated, missingMounts('mount_setattr of /'))) return;
  const own = prepared.own
    .map((mount, index) => ({ ...mount, tree: opened[index] ?? -1n }))
    .filter(({ canBeLeft, tree }) => !(canBeLeft && tree === OUT_OF_REACH));
  for (const { tree, text } of own) {
    if (!requirements.need(tree, missingMounts(`open_tree of ${text}`))) return;
  }
  const steps: (HeldCall & { readonly of: string })[] = [
    ...own.map(({ attributes: set, text, tree }) => ({
      ...setAttributes(Number(tree), empty, AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, set),
      of: text,
    })),
    { ...setAttributes(AT_FDCWD, root, AT.AT_RECURSIVE, prepared.all), of: '/' },
    ...own.map(({ path, text, tree }) => ({
      call: 'move_mount' as const,
      arguments: [tree, empty.address, AT_FDCWD, path.address, MOUNT.MOVE_MOUNT_F_EMPTY_PATH],
      of: text,
    })),
    ...own.map(({ text, tree }) => ({ call: 'close' as const, arguments: [tree], of: text })),
  ];
  const readOnly = prepared.readOnly.map(({ path, text }) => ({
    ...setAttributes(AT_FDCWD, path, 0, prepared.readOnlyAttributes),
    of: text,
  }));
  const results = held.callAll([...steps, ...readOnly]);
  for (const [index, { call, of }] of [...steps, ...readOnly].entries()) {
    const result = results[index] ?? -1n;
    if (index >= steps.length && result === OUT_OF_REACH) continue;
    if (!requirements.need(result, missingMounts(`${call} of ${of}`))) return;
  }
  if (prepared.folder !== undefined) held.call('chdir', prepared.folder.address);
}

/**
 * Makes a file system for memory files, mounted nowhere, where nothing can be executed. It has no limits of its own, as
 * memfd_create(2) has none.
 *
 * @returns the held process's descriptor of its folder, or a negated error number
 */
export function makeMemoryFolder(held: HeldProcess, { words }: PreparedMounts): number {
  const system = Number(held.call('fsopen', words.tmpfs.address, MOUNT.FSOPEN_CLOEXEC));
  if (system < 0) return system;
  const configure = (name: NativeMemory, value: NativeMemory): HeldCall => ({
    call: 'fsconfig',
    arguments: [system, MOUNT.FSCONFIG_SET_STRING, name.address, value.address, 0],
  });
  const attributesOfAll = MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV | MOUNT.MOUNT_ATTR_NOSUID;
  const results = held.callAll([
    configure(words.size, words.zero),
    configure(words.nr_inodes, words.zero),
    configure(words.mode, words.everybody),
    { call: 'fsconfig', arguments: [system, MOUNT.FSCONFIG_CMD_CREATE, 0, 0, 0] },
    { call: 'fsmount', arguments: [system, MOUNT.FSMOUNT_CLOEXEC, attributesOfAll] },
    { call: 'close', arguments: [system] },
  ]);
  return Number(results[4] ?? -1n);
}
