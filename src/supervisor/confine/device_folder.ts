/**
 * Builds the /dev of a confined program in a held process, from its plan: a file system of its own, which is read-only when
 * it is complete. open_tree(2), move_mount(2), mknod(2), pts(4).
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { AT, AT_FDCWD, FCNTL, FILE_KIND } from '../../abi/fcntl.js';
import { MOUNT } from '../../abi/mount.js';
import { close, copyDescriptor, openPidfd } from '../../linux/descriptor.js';
import type { HeldCall, HeldProcess } from '../../linux/held_process.js';
import { allocateString, type NativeMemory } from '../../linux/libc.js';
import { DEVICES, type DevicePlan, MULTIPLEXER, type NodeKind, TERMINALS } from './devices.js';
import {
  makeFileSystem,
  mountAttributes,
  type PreparedFileSystem,
  prepareFileSystem,
  setAttributes,
} from './file_system.js';
import { asBytes } from './trees.js';

/** A place in /dev, by its path from there and from the root. */
interface Place {
  readonly relative: NativeMemory;
  readonly absolute: NativeMemory;
}

/** What of the old /dev is mounted in the new one. */
interface Part {
  readonly place: Place;
  readonly kind: NodeKind | 'folder';
  readonly attributes: NativeMemory;
}

/** A file system of pseudo terminals of the run's own. */
interface OwnTerminals {
  readonly system: PreparedFileSystem;
  readonly place: Place;
  /** Terminals of outside that are found in it by the numbers that they have there. */
  readonly inherited: readonly { readonly number: number; readonly part: Part }[];
}

/** A plan in memory, at addresses that a held process finds too. */
export interface PreparedDevices {
  readonly folder: NativeMemory;
  readonly system: PreparedFileSystem;
  readonly folders: readonly Place[];
  readonly links: readonly { readonly place: Place; readonly target: NativeMemory }[];
  readonly parts: readonly Part[];
  readonly own: OwnTerminals | undefined;
  /** The name of the node that makes terminals, and of the one in their folder, where the plan has it made. */
  readonly multiplexer: Readonly<Record<'name' | 'other', NativeMemory>> | undefined;
  readonly multiplexerName: NativeMemory;
  readonly readOnly: NativeMemory;
  /** Of the folder as it was, with all its nodes: where no other can be made. */
  readonly old: Part;
  readonly empty: NativeMemory;
}

/**
 * What is put where a node is mounted over it: of its kind, for readdir(3) tells that. A device with the number 0 opens
 * nothing, and everybody may make it.
 */
const MODES: Readonly<Record<NodeKind, number>> = {
  character: FILE_KIND.S_IFCHR,
  socket: FILE_KIND.S_IFSOCK,
  pipe: FILE_KIND.S_IFIFO,
};
/** Device 5:2 (pts(4)). */
const MULTIPLEXER_DEVICE = 0x502;
/** Pseudo terminals with greater numbers are not found by their names: as many would have to be made for it. */
const MOST_RESERVED = 255;

function place(path: string): Place {
  return { relative: allocateString(asBytes(path)), absolute: allocateString(asBytes(`${DEVICES}/${path}`)) };
}

/** Writes a plan to memory; before the process is started that it is for. */
export function prepareDevices(plan: DevicePlan): PreparedDevices {
  const { MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, MS_PRIVATE } = MOUNT;
  const without = mountAttributes(MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, MS_PRIVATE);
  const withNodes = mountAttributes(MOUNT_ATTR_NOEXEC, MS_PRIVATE);
  const node = (path: string, kind: NodeKind): Part => ({ place: place(path), kind, attributes: withNodes });
  const tree = (path: string): Part => ({
    place: place(path),
    kind: 'folder',
    attributes: path === TERMINALS ? withNodes : without,
  });
  const attributes = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID;
  const makesNode = plan.multiplexer === 'node';
  return {
    folder: allocateString(DEVICES),
    system: prepareFileSystem('tmpfs', { mode: '0755' }, makesNode ? attributes : attributes | MOUNT_ATTR_NODEV),
    folders: plan.folders.map(place),
    links: plan.links.map(({ path, target }) => ({ place: place(path), target: allocateString(asBytes(target)) })),
    parts: [...plan.nodes.map(({ path, kind }) => node(path, kind)), ...plan.trees.map(tree)],
    own:
      plan.multiplexer === 'instance'
        ? {
            system: prepareFileSystem('devpts', { mode: '0620', ptmxmode: '0666' }, attributes),
            place: place(TERMINALS),
            inherited: plan.inherited
              .filter((number) => number <= MOST_RESERVED)
              .map((number) => ({ number, part: node(`${TERMINALS}/${number}`, 'character') })),
          }
        : undefined,
    multiplexer: makesNode
      ? { name: allocateString(MULTIPLEXER), other: allocateString(`${TERMINALS}/${MULTIPLEXER}`) }
      : undefined,
    multiplexerName: allocateString(MULTIPLEXER),
    readOnly: mountAttributes(MOUNT_ATTR_RDONLY),
    old: {
      place: { relative: allocateString('.'), absolute: allocateString(DEVICES) },
      kind: 'folder',
      attributes: withNodes,
    },
    empty: allocateString(''),
  };
}

function allParts({ old, parts, own }: PreparedDevices): readonly Part[] {
  return [old, ...parts, ...(own?.inherited ?? []).map(({ part }) => part)];
}

/** The calls that take what is to be in the new /dev, while its nodes can be opened; {@link putDevices} needs their results. */
export function takeDevices(prepared: PreparedDevices): readonly HeldCall[] {
  return allParts(prepared).map(({ place: { absolute }, kind }) => {
    const flags = MOUNT.OPEN_TREE_CLONE | FCNTL.O_CLOEXEC;
    return {
      call: 'open_tree',
      arguments: [AT_FDCWD, absolute.address, kind === 'folder' ? flags | AT.AT_RECURSIVE : flags],
    };
  });
}

/** A part that was taken, and the held process's descriptor of it. */
interface Taken {
  readonly part: Part;
  readonly mount: number;
}

function moveCall({ empty }: PreparedDevices, mount: number, to: NativeMemory): HeldCall {
  const flags = MOUNT.MOVE_MOUNT_F_EMPTY_PATH;
  return { call: 'move_mount', arguments: [mount, empty.address, AT_FDCWD, to.address, flags] };
}

/** Has terminals made with the numbers that those of outside have, which are then put over them. */
function reserve(held: HeldProcess, prepared: PreparedDevices, system: number, numbers: readonly number[]): void {
  const flags = FCNTL.O_RDWR | FCNTL.O_NOCTTY | FCNTL.O_CLOEXEC;
  const opened = held.callAll(
    // The kernel gives the lowest number that is free.
    Array.from({ length: Math.max(-1, ...numbers) + 1 }, () => ({
      call: 'openat' as const,
      arguments: [system, prepared.multiplexerName.address, flags],
    })),
  );
  const pidfd = openPidfd(held.processId);
  // A terminal is there for as long as somebody has its master: for us, that is as long as the run.
  for (const number of numbers) copyDescriptor(pidfd, Number(opened[number] ?? -1n));
  close(pidfd);
  held.callAll(opened.filter((one) => one >= 0n).map((one) => ({ call: 'close', arguments: [one] })));
}

/** Makes the run's own pseudo terminals; 0 or a negated error number. */
function buildTerminals(
  held: HeldProcess,
  prepared: PreparedDevices,
  own: OwnTerminals,
  taken: readonly Taken[],
): number {
  const system = makeFileSystem(held, own.system);
  if (system < 0) return system;
  const inherited = own.inherited.flatMap(({ number, part }) => {
    const found = taken.find((one) => one.part === part);
    return found === undefined ? [] : [{ number, mount: found.mount, to: part.place.absolute }];
  });
  reserve(
    held,
    prepared,
    system,
    inherited.map(({ number }) => number),
  );
  const [moved = -1n] = held.callAll([
    moveCall(prepared, system, own.place.absolute),
    ...inherited.map(({ mount, to }) => moveCall(prepared, mount, to)),
    { call: 'close', arguments: [system] },
  ]);
  return Number(moved);
}

/**
 * Puts a /dev of its own in the place of the one that is there; where that cannot be, the one that there was, for without
 * any no program runs.
 *
 * @param held - whose other mounts cannot be executed, and whose nodes cannot be opened
 * @param results - of the calls of {@link takeDevices}; what could not be taken is not there
 * @returns 0, or the negated error number of the step that failed
 */
export function putDevices(held: HeldProcess, prepared: PreparedDevices, results: readonly bigint[]): number {
  const taken: readonly Taken[] = allParts(prepared).flatMap((part, index) => {
    const mount = Number(results[index] ?? -1n);
    return mount < 0 ? [] : [{ part, mount }];
  });
  const mask = held.call('umask', 0);
  const built = buildDevices(held, prepared, taken);
  const old = built < 0 ? taken.filter(({ part }) => part === prepared.old) : [];
  held.callAll([
    ...old.flatMap(({ part, mount }) => [
      setAttributes(mount, prepared.empty, AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, part.attributes),
      moveCall(prepared, mount, part.place.absolute),
    ]),
    ...taken.map(({ mount }): HeldCall => ({ call: 'close', arguments: [mount] })),
    { call: 'umask', arguments: [mask] },
  ]);
  return built;
}

/** Builds the folder; 0 or a negated error number. */
function buildDevices(held: HeldProcess, prepared: PreparedDevices, taken: readonly Taken[]): number {
  const { folder, folders, links, own, multiplexer } = prepared;
  const fixed = taken.filter(({ part }) => prepared.parts.includes(part));
  const system = makeFileSystem(held, prepared.system);
  if (system < 0) return system;
  const makeFolder = ({ relative }: Place): HeldCall => ({
    call: 'mkdirat',
    arguments: [system, relative.address, 0o755],
  });
  const needed: readonly HeldCall[] = [
    ...taken.map(({ part, mount }) =>
      setAttributes(mount, prepared.empty, AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, part.attributes),
    ),
    ...folders.map(makeFolder),
    ...links.map(
      ({ place: { relative }, target }): HeldCall => ({
        call: 'symlinkat',
        arguments: [target.address, system, relative.address],
      }),
    ),
    ...fixed.map(
      ({ part: { place: there, kind } }): HeldCall =>
        kind === 'folder'
          ? makeFolder(there)
          : { call: 'mknodat', arguments: [system, there.relative.address, MODES[kind], 0] },
    ),
    ...(own === undefined ? [] : [makeFolder(own.place)]),
    moveCall(prepared, system, folder),
    ...fixed.map(({ part, mount }) => moveCall(prepared, mount, part.place.absolute)),
  ];
  const failed = held.callAll(needed).find((result) => result < 0n);
  if (failed !== undefined) return Number(failed);
  const terminals = own === undefined ? 0 : buildTerminals(held, prepared, own, taken);
  if (terminals < 0) return terminals;
  if (multiplexer !== undefined) makeMultiplexer(held, system, multiplexer);
  const [complete = BigInt(-errnoNumbers.EIO)] = held.callAll([
    setAttributes(AT_FDCWD, folder, 0, prepared.readOnly),
    { call: 'close', arguments: [system] },
  ]);
  return Number(complete);
}

/** Makes the node that makes pseudo terminals; who may make none is led to the one in their folder. */
function makeMultiplexer(
  held: HeldProcess,
  system: number,
  { name, other }: Readonly<Record<'name' | 'other', NativeMemory>>,
): void {
  const made = held.call('mknodat', system, name.address, FILE_KIND.S_IFCHR | 0o666, MULTIPLEXER_DEVICE);
  if (made < 0n) held.call('symlinkat', other.address, system, name.address);
}
