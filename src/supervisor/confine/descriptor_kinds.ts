/**
 * What becomes of a descriptor that a confined program would inherit: decided from what the kernel says of it, without a
 * kernel. The lists below name what is allowed; a kind that stands in none of them is refused.
 *
 * A descriptor may be passed on as it is where neither a mapping of it, nor opening it again by its link in /proc, nor a
 * call that takes it gives a file, a folder or memory of the outside. Files and folders are opened again by their names, through the
 * mounts of the run; so are devices, for a device can be mapped as code through the mount that it was opened through.
 *
 * @module
 */
import { FCNTL, FILE_KIND } from '../../abi/fcntl.js';
import { MAGIC, MQUEUE_MAGIC } from '../../abi/magic.js';
import { NETLINK, SOCKET } from '../../abi/socket.js';
import type { SocketKind } from '../../linux/socket.js';
import { deviceNumbers } from './devices.js';

/** What the kernel says of a descriptor. */
export interface DescriptorFacts {
  /** st_mode of fstat(2). */
  readonly mode: number;
  /** st_rdev of fstat(2). */
  readonly device: number;
  /** Where its link in /proc/self/fd leads to. */
  readonly link: string;
  /** Whether its path is that of the root folder, and it is the uppermost of another mount: of one that is attached nowhere here. */
  readonly isOtherRoot: boolean;
  /** Its flags, of F_GETFL. */
  readonly flags: number;
  /** The type of its file system, as statfs(2) has it. */
  readonly fileSystem: number;
  /** Whether it is a terminal (isatty(3)). */
  readonly isTerminal: boolean;
  /** Of a socket: what it is. */
  readonly socket: SocketKind | undefined;
}

/** What becomes of one. */
export type DescriptorKind =
  /** Passed on as it is. */
  | { readonly kind: 'kept' }
  /** Opened again by its name; a file without a name is copied, where it can only be read. */
  | { readonly kind: 'file' | 'folder' | 'link' }
  /** Opened again by one of some names; passed on where that cannot be, if it cannot be mapped. */
  | { readonly kind: 'device'; readonly paths: readonly string[]; readonly canStay: boolean }
  /** A Unix socket, in whose queue descriptors may wait. */
  | { readonly kind: 'queue' }
  /** Not passed on; what it is, as a clause that follows its name. */
  | { readonly kind: 'refused'; readonly reason: string };

const KEPT: DescriptorKind = { kind: 'kept' };

function refused(reason: string): DescriptorKind {
  return { kind: 'refused', reason };
}

/** Objects of the kernel without a file (`anon_inode:NAME` in /proc) that give out nothing. */
const KEPT_OBJECTS: ReadonlySet<string> = new Set([
  ...['eventfd', 'timerfd', 'signalfd', 'eventpoll', 'inotify', 'sync_file', 'landlock-ruleset'],
  // A process outside: its descriptors, its memory and its namespaces are refused by the numbers of the calls.
  'pidfd',
]);

/** What others are, for the sentence: the beginning of the name, and the clause. */
const REFUSED_OBJECTS: readonly (readonly [string, string])[] = [
  ['io_uring', 'whose rings are memory, and which may hold files of the outside'],
  ['userfaultfd', 'with which the memory of a process outside can be written'],
  ['fanotify', 'which gives out files as they were opened outside'],
  ['fscontext', 'from which a file system can be mounted'],
  ['perf_event', 'whose buffer is memory of the kernel'],
  ['bpf', 'an object of BPF, which can be memory or hold others'],
  ['btf', 'an object of BPF, which can be memory or hold others'],
  ['seccomp', 'with which calls of a process outside are answered'],
  ['kvm', 'a part of a virtual machine, whose memory could be code'],
];

const UNKNOWN = 'a kind of descriptor that is not known to be harmless';

function ofObject(link: string): DescriptorKind {
  const name = /^anon_inode:\[?([^\]]*)\]?$/.exec(link)?.[1];
  if (name === undefined) return refused(UNKNOWN);
  if (KEPT_OBJECTS.has(name)) return KEPT;
  return refused(REFUSED_OBJECTS.find(([start]) => name.startsWith(start))?.[1] ?? UNKNOWN);
}

/** Families of sockets that pass bytes alone, and have no memory that can be mapped to be executed. */
const KEPT_FAMILIES: ReadonlySet<number> = new Set([
  ...[SOCKET.AF_INET, SOCKET.AF_INET6, SOCKET.AF_NETLINK, SOCKET.AF_VSOCK],
  ...[SOCKET.AF_BLUETOOTH, SOCKET.AF_CAN, SOCKET.AF_TIPC],
]);

/** What others are, for the sentence. */
const REFUSED_FAMILIES: ReadonlyMap<number, string> = new Map([
  [SOCKET.AF_PACKET, 'a socket of packets, whose ring can be mapped as memory'],
  [SOCKET.AF_XDP, 'a socket of XDP, whose rings can be mapped as memory'],
]);

function ofSocket({ socket, flags }: DescriptorFacts): DescriptorKind {
  // The name of a socket: one can connect to it, as to any other.
  if ((flags & FCNTL.O_PATH) !== 0) return KEPT;
  if (socket === undefined) return refused(UNKNOWN);
  const { family, protocol, isListening } = socket;
  // What comes with a connection is the affair of who connects, before the start as after it.
  if (family === SOCKET.AF_UNIX) return isListening ? KEPT : { kind: 'queue' };
  if (family === SOCKET.AF_NETLINK && protocol === NETLINK.NETLINK_KOBJECT_UEVENT) {
    return refused('with which root speaks in the place of udev');
  }
  if (KEPT_FAMILIES.has(family)) return KEPT;
  return refused(REFUSED_FAMILIES.get(family) ?? 'a socket of a family that is not known to be harmless');
}

/** Majors of terminals (devices.txt of the kernel); one that was hung up is no terminal to isatty(3) any more. */
const TERMINAL_MAJORS: ReadonlySet<number> = new Set([
  4,
  5,
  ...[136, 137, 138, 139, 140, 141, 142, 143],
  166,
  188,
  204,
  229,
]);

/** Major of the devices that are memory, and of those without a major of their own. */
const [MEMORY_MAJOR, MISCELLANEOUS_MAJOR] = [1, 10];
/** Minors of those of memory that every system has, with their names; all but zero cannot be mapped. */
const MEMORY_NAMES: ReadonlyMap<number, string> = new Map([
  [3, '/dev/null'],
  [5, '/dev/zero'],
  [7, '/dev/full'],
  [8, '/dev/random'],
  [9, '/dev/urandom'],
]);
const ZERO_MINOR = 5;
/** Minors of /dev/net/tun, which passes packets and cannot be mapped, and of /dev/fuse (linux/miscdevice.h). */
const [TUN_MINOR, FUSE_MINOR] = [200, 229];

function ofDevice({ device, link, isTerminal }: DescriptorFacts): DescriptorKind {
  const { major, minor } = deviceNumbers(device);
  // As they are: job control is a matter of the open terminal, which may not have a name here.
  if (isTerminal || TERMINAL_MAJORS.has(major)) return KEPT;
  if (major === MISCELLANEOUS_MAJOR && minor === TUN_MINOR) return KEPT;
  if (major === MISCELLANEOUS_MAJOR && minor === FUSE_MINOR) {
    return refused('with which a file system of the outside is served');
  }
  const name = major === MEMORY_MAJOR ? MEMORY_NAMES.get(minor) : undefined;
  if (name !== undefined) return { kind: 'device', paths: [...new Set([name, link])], canStay: minor !== ZERO_MINOR };
  // Opened again it is as new: what was set up through the old one is gone.
  return { kind: 'device', paths: [link], canStay: false };
}

function ofFile({ link, fileSystem }: DescriptorFacts): DescriptorKind {
  // Namespaces: to enter one is refused by the call's number. Message queues cannot be mapped.
  if (fileSystem === MAGIC.NSFS_MAGIC || fileSystem === MQUEUE_MAGIC) return KEPT;
  return link.startsWith('/') ? { kind: 'file' } : refused(UNKNOWN);
}

/** Decides what becomes of a descriptor. */
export function descriptorKind(facts: DescriptorFacts): DescriptorKind {
  // Its path would lead to the run's own root folder, which is another one, though it may show the same.
  if (facts.isOtherRoot) return refused('the uppermost folder or file of a mount that is attached nowhere here');
  switch (facts.mode & FILE_KIND.S_IFMT) {
    case FILE_KIND.S_IFREG:
      return ofFile(facts);
    case FILE_KIND.S_IFDIR:
      return { kind: 'folder' };
    case FILE_KIND.S_IFLNK:
      return { kind: 'link' };
    case FILE_KIND.S_IFCHR:
      return ofDevice(facts);
    case FILE_KIND.S_IFBLK:
      return refused('a disk, and what may be executed could be on it');
    case FILE_KIND.S_IFIFO:
      // Bytes alone go through a pipe, with a name or without.
      return KEPT;
    case FILE_KIND.S_IFSOCK:
      return ofSocket(facts);
    default:
      return ofObject(facts.link);
  }
}
