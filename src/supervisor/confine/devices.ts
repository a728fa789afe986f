/**
 * The /dev of a confined program, as a value: a folder of its own that holds what programs use, and nothing else. What
 * nobody thought of is not there, nor is a node that appears later, and a node that is made anew cannot be opened.
 *
 * Each device node of the list is mounted there by itself, so that its owner, mode and access list stay those outside. The
 * list has what is of use to programs and neither a disk nor memory nor a keyboard (devices.txt of the kernel).
 *
 * @module
 */
import { accessSync, constants, fstatSync, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { isWithin } from './mount_plan.js';
import { asBytes } from './trees.js';

/** Majors of character devices that may be opened. */
const OPEN_MAJORS: ReadonlySet<number> = new Set([
  // Serial lines, pseudo terminals, consoles of virtual machines: ttyUSB, ttyACM, ttyAMA, hvc.
  ...[136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229],
  // What shows and sounds: frame buffers, video, sound, NVIDIA. DRM exports buffers that can be mapped writable and
  // executable, by a command of which it looks at the lowest byte alone: one of terminals (TCSETSF2) has the same, so that no
  // filter can refuse it. Who can read input reads passwords.
  ...[29, 81, 116, 195],
]);
/** Major and minors of null, zero, full, random and urandom; those of mem, kmem, port and kmsg are not among them. */
const MEMORY_MAJOR = 1;
const OPEN_MEMORY_MINORS: ReadonlySet<number> = new Set([3, 5, 7, 8, 9]);
/** Virtual consoles have the minors below 64, serial lines those above; 0 is the console that is in front. */
const TERMINAL_MAJOR = 4;
const FIRST_SERIAL_MINOR = 64;
/** tty, console and ptmx, which a mount of the node alone cannot be opened through. */
const CONSOLE_MAJOR = 5;
const MULTIPLEXER_MINOR = 2;
/** Other nodes that programs use, by name, as their numbers are shared with others. */
const OPEN_NAMES: ReadonlySet<string> = new Set([
  ...['fuse', 'net/tun', 'hwrng', 'rtc0', 'rtc', 'vsock', 'nvidia-uvm', 'ppp'],
]);
/** Folders that are file systems of their own, or are used as such; they hold no nodes but for terminals. */
const TREES: ReadonlySet<string> = new Set(['pts', 'shm', 'mqueue', 'hugepages']);
/** Where pseudo terminals are, and the node that makes them (pts(4)). */
export const TERMINALS = 'pts';
export const MULTIPLEXER = 'ptmx';

/** What can be mounted by itself. */
export type NodeKind = 'character' | 'socket' | 'pipe';

/** An entry of /dev. Paths are relative to it, a character for each byte. */
export interface DeviceEntry {
  readonly path: string;
  readonly kind: 'folder' | 'link' | NodeKind;
  /** Of a node, and of a link to one: of the device. */
  readonly major?: number;
  readonly minor?: number;
  /** Of a link. */
  readonly target?: string;
  /** Whether this process may open it. */
  readonly accessible?: boolean;
}

/** How pseudo terminals are made. */
export type Multiplexer =
  /** By pts/ptmx, which everybody may open. */
  | 'link'
  /** By a node beside the folder: it is made, for a mount of the one that there is would not find the folder. */
  | 'node'
  /** By a file system of terminals of the run's own: who can make no node has no other way. */
  | 'instance'
  | 'none';

/** What /dev holds. Paths are relative to it. */
export interface DevicePlan {
  /** Folders, each before what is in it. */
  readonly folders: readonly string[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Device nodes, sockets and named pipes, each mounted by itself. */
  readonly nodes: readonly { readonly path: string; readonly kind: NodeKind }[];
  /** Folders that are mounted with all that is mounted in them. */
  readonly trees: readonly string[];
  readonly multiplexer: Multiplexer;
  /** Numbers of pseudo terminals of outside that the program inherits and finds by their names. */
  readonly inherited: readonly number[];
}

/** Where the folder is. */
export const DEVICES = '/dev';

/** Whether a path that there was is there in a /dev of a plan too, or lies elsewhere. */
export function isShown({ trees }: DevicePlan, path: string): boolean {
  return !isWithin(path, DEVICES) || trees.some((tree) => isWithin(path, `${DEVICES}/${tree}`));
}

/** Major and minor of a device number as stat(2) gives it (makedev(3)). */
export function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  return { major: ((low >>> 8) & 0xfff) | (high & ~0xfff), minor: (low & 0xff) | ((low >>> 12) & 0xfff00) };
}

/**
 * Whether a program may open a node.
 *
 * @param inherited - paths of terminals that it has open from the start
 */
export function isAllowed(entry: DeviceEntry, inherited: ReadonlySet<string>): boolean {
  const { path, kind, major = 0, minor = 0 } = entry;
  if (kind !== 'character') return false;
  switch (major) {
    case MEMORY_MAJOR:
      return OPEN_MEMORY_MINORS.has(minor);
    case TERMINAL_MAJOR:
      // Other consoles are other people's screens and keyboards.
      return minor === 0 || minor >= FIRST_SERIAL_MINOR || inherited.has(path);
    case CONSOLE_MAJOR:
      return minor !== MULTIPLEXER_MINOR;
    default:
      return OPEN_MAJORS.has(major) || OPEN_NAMES.has(path);
  }
}

function parentOf(path: string): string | undefined {
  const end = path.lastIndexOf('/');
  return end < 0 ? undefined : path.slice(0, end);
}

/** A path's folders, the outermost first. */
function foldersOf(path: string): readonly string[] {
  const parent = parentOf(path);
  return parent === undefined ? [] : [...foldersOf(parent), parent];
}

/** The numbers of pseudo terminals among paths. */
function terminalNumbers(paths: ReadonlySet<string>): readonly number[] {
  return [...paths].flatMap((path) => {
    const number = /^pts\/(\d+)$/.exec(path)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/**
 * Makes the plan.
 *
 * @param entries - what /dev has
 * @param inherited - paths of terminals that the program has open from the start
 * @param multiplexer - how pseudo terminals can be made, where there is a folder of them
 */
export function planDevices(
  entries: readonly DeviceEntry[],
  inherited: ReadonlySet<string>,
  multiplexer: Exclude<Multiplexer, 'none'>,
): DevicePlan {
  const trees = entries.filter(({ path, kind }) => kind === 'folder' && TREES.has(path)).map(({ path }) => path);
  const isIn = (path: string): boolean => trees.some((tree) => path.startsWith(`${tree}/`));
  const outer = entries.filter(({ path }) => !isIn(path));
  const isNode = (entry: DeviceEntry): entry is DeviceEntry & { readonly kind: NodeKind } =>
    entry.accessible === true && (entry.kind === 'socket' || entry.kind === 'pipe' || isAllowed(entry, inherited));
  const nodes = outer.filter(isNode);
  const links = outer.flatMap(({ path, kind, target, major, minor }) => {
    if (kind !== 'link' || target === undefined || path === MULTIPLEXER) return [];
    // One to a node that is not there would only lead nowhere.
    if (major !== undefined && !nodes.some((node) => node.major === major && node.minor === minor)) return [];
    return [{ path, target }];
  });
  const hasTerminals = trees.includes(TERMINALS);
  const isLinked = hasTerminals && multiplexer !== 'node';
  return {
    folders: [...new Set([...nodes, ...links].flatMap(({ path }) => foldersOf(path)))],
    links: [...links, ...(isLinked ? [{ path: MULTIPLEXER, target: `${TERMINALS}/${MULTIPLEXER}` }] : [])],
    nodes: nodes.map(({ path, kind }) => ({ path, kind })),
    trees: multiplexer === 'instance' ? trees.filter((tree) => tree !== TERMINALS) : trees,
    multiplexer: hasTerminals ? multiplexer : 'none',
    inherited: hasTerminals && multiplexer === 'instance' ? terminalNumbers(inherited) : [],
  };
}

function isAccessible(path: string): boolean {
  return [constants.R_OK, constants.W_OK].some((mode) => {
    try {
      accessSync(asBytes(path), mode);
      return true;
    } catch {
      return false;
    }
  });
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function numbersOf(status: Stats): { readonly major: number; readonly minor: number } | undefined {
  return status.isCharacterDevice() || status.isBlockDevice() ? deviceNumbers(status.rdev) : undefined;
}

function kindOf(status: Stats): NodeKind | undefined {
  if (status.isCharacterDevice()) return 'character';
  if (status.isSocket()) return 'socket';
  return status.isFIFO() ? 'pipe' : undefined;
}

/**
 * What a folder and those in it have that can be of use, folders before what is in them.
 *
 * @param inherited - paths of terminals that the program has open from the start
 */
export function deviceEntries(
  inherited: ReadonlySet<string>,
  folder: string = DEVICES,
  below: string = '',
): readonly DeviceEntry[] {
  const found =
    ifThere(() => readdirSync(asBytes(`${folder}/${below}`), { encoding: 'latin1', withFileTypes: true })) ?? [];
  return found.flatMap((one): readonly DeviceEntry[] => {
    const path = `${below}${one.name}`;
    const whole = `${folder}/${path}`;
    if (one.isBlockDevice()) return [];
    const status = ifThere(() => lstatSync(asBytes(whole)));
    if (status === undefined) return [];
    if (status.isDirectory()) {
      return [{ path, kind: 'folder' }, ...(TREES.has(path) ? [] : deviceEntries(inherited, folder, `${path}/`))];
    }
    if (status.isSymbolicLink()) {
      const there = ifThere(() => statSync(asBytes(whole)));
      const target = ifThere(() => readlinkSync(asBytes(whole), 'latin1'));
      return target === undefined
        ? []
        : [{ path, kind: 'link', target, ...(there === undefined ? {} : numbersOf(there)) }];
    }
    const kind = kindOf(status);
    if (kind === undefined) return [];
    const entry: DeviceEntry = { path, kind, ...numbersOf(status) };
    // A refusal takes time: only of what could be there it is asked.
    return [{ ...entry, accessible: (kind !== 'character' || isAllowed(entry, inherited)) && isAccessible(whole) }];
  });
}

/** Paths below a folder of the terminals, and other devices, among descriptors of ours. */
export function inheritedTerminals(descriptors: readonly number[], folder: string = DEVICES): ReadonlySet<string> {
  const paths = descriptors.flatMap((descriptor) => {
    const path = ifThere(() =>
      fstatSync(descriptor).isCharacterDevice() ? readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1') : undefined,
    );
    return path?.startsWith(`${folder}/`) === true ? [path.slice(folder.length + 1)] : [];
  });
  return new Set(paths);
}

/** Whether everybody may open the multiplexer that a folder's file system of terminals has itself (pts(4): ptmxmode). */
export function isMultiplexerOpen(folder: string = DEVICES): boolean {
  const everybody = 0o006;
  const status = ifThere(() => statSync(asBytes(`${folder}/${TERMINALS}/${MULTIPLEXER}`)));
  return status !== undefined && (status.mode & everybody) === everybody;
}
