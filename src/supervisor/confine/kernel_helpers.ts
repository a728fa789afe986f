/**
 * Programs that the kernel starts by itself, outside of every run and with all capabilities (call_usermodehelper of the
 * kernel): modprobe(8) for a socket family, request-key(8), the handler of core dumps, and few more; and those that udev(7) starts when a device comes. Root must be able to
 * write neither these programs nor what they, their loader and their interpreters read.
 *
 * The root of a user namespace, as of a container without privilege, has no programs that the kernel starts. But the next supervisor
 * is started in that container, and its shell and Node.js read the same files of /etc by their loader; and it may have a systemd and
 * a udev of its own.
 *
 * Files directly in /etc, and those that could be made there, are read-only: most of what these programs read are such
 * (ld.so(8), ld.so.preload above all, which is seldom there). So are folders of /etc that configure them. The other folders of
 * /etc, which belong to services, stay as they are.
 *
 * @module
 */
import { type Dirent, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { MOUNT } from '../../abi/mount.js';
import type { Mount } from '../../linux/mount_table.js';
import type { Missing } from './missing.js';
import { isWithin, type OwnMount, UNUSABLE } from './mount_plan.js';
import { asBytes } from './paths.js';
import type { Reader } from './reader.js';

/** Folders of /etc that the kernel's programs read, by the program that does. */
const HELPER_FOLDERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:modprobe|depmod|modules-load)\.d$/, 'modprobe.d(5)'],
  [/^(?:request-key\.d|keyutils|krb5\.conf\.d|gss|cifs-utils|nfs\.conf\.d)$/, 'request-key(8) and what it starts'],
  [/^ld\.so\.conf\.d$/, 'ldconfig(8)'],
  [/^(?:systemd|apport|abrt|libreport)$/, 'handlers of core dumps, and what they start by socket'],
  [/^(?:drbd\.d|hotplug|hotplug\.d|udev)$/, 'drbdadm(8), uevent_helper, udev(7)'],
  // A network interface, which root's run can make, is told to udev, and that starts what configures it.
  [/^(?:network|NetworkManager|netplan|dhcp|dhcpcd|wpa_supplicant)$/, 'ifup(8), NetworkManager(8) and their scripts'],
  [/^(?:default|sysconfig)$/, 'settings that scripts of udev and of services read as commands'],
  [/^(?:alternatives|perl|python[\d.]*)$/, 'scripts, by the names of programs and by what interpreters read first'],
];
/** Other files that libraries of theirs read code's names from, wherever links lead to. */
const HELPER_FILES: readonly string[] = ['/etc/ssl/openssl.cnf', '/etc/pki/tls/openssl.cnf'];
/** Folders that they lie in, where one could be made; and the one folder in these that they are put together from. */
const FOLDERS_OF_FILES: readonly string[] = ['/etc/ssl', '/etc/pki/tls'];
const PART_FOLDER = 'openssl.d';
/** Folders of /run that such programs read. They are made where they are not there, for a run could make them. */
const RUN_FOLDERS: readonly string[] = ['/run/modprobe.d'];

/** Folders of /run with rules and units by which a device that comes has a program started; where they are there. */
const DEVICE_FOLDERS: readonly string[] = ['/run/udev', '/run/systemd', '/run/network', '/run/NetworkManager'];

/** Where the kernel has the names of programs that it starts. */
const PROGRAM_SETTINGS: readonly string[] = [
  ...['core_pattern', 'modprobe', 'hotplug', 'poweroff_cmd'].map((name) => `/proc/sys/kernel/${name}`),
  '/proc/sys/fs/ocfs2/nm/hb_ctl_path',
  '/sys/kernel/uevent_helper',
  '/sys/module/drbd/parameters/usermode_helper',
  '/sys/module/nfs/parameters/cache_getent',
  '/sys/module/nfsd/parameters/cltrack_prog',
];

/** What is done about the kernel's programs. */
export interface KernelHelpers {
  readonly own: readonly OwnMount[];
  readonly missing: readonly Missing[];
}

function text(path: string): string | undefined {
  // Most are not there, and an error takes longer than a look.
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'latin1').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync.native(asBytes(path), 'latin1');
  } catch {
    return undefined;
  }
}

/** The program that a setting names; undefined where it names none: a pattern of core dumps is a file's name but behind `|`. */
export function namedProgram(setting: string, value: string): string | undefined {
  const words = setting.endsWith('/core_pattern') ? (value.startsWith('|') ? value.slice(1) : '') : value;
  return /^\/[^\s]*/.exec(words)?.[0];
}

/** Whether a program, or one that would come to its place, cannot be written: it and its folder lie in trusted trees. */
function isSafe(program: string, trees: readonly string[]): boolean {
  const isTrusted = (path: string | undefined): boolean =>
    path !== undefined && trees.some((tree) => isWithin(path, tree));
  let folder = dirname(program);
  while (folder !== '/' && resolved(folder) === undefined) folder = dirname(folder);
  const there = resolved(program);
  return isTrusted(resolved(folder)) && (there === undefined || isTrusted(there));
}

/** Whether this is the first user namespace, whose root the kernel's programs have (user_namespaces(7)). */
function isInitialUserNamespace(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(text('/proc/self/uid_map') ?? '0 0 4294967295');
}

/** The first process namespace (linux/proc_ns.h: PROC_PID_INIT_INO). */
const INITIAL_PROCESSES = 'pid:[4026531836]';

function isInitialProcessNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === INITIAL_PROCESSES;
  } catch {
    return true;
  }
}

/** Programs that the kernel starts and that root could write. */
function unsafePrograms(visible: readonly Mount[], trees: readonly string[]): readonly Missing[] {
  const agents = visible.filter(({ type }) => type === 'cgroup').map(({ path }) => `${path}/release_agent`);
  return [...PROGRAM_SETTINGS, ...agents].flatMap((setting) => {
    const program = namedProgram(setting, text(setting) ?? '');
    if (program === undefined || isSafe(program, trees)) return [];
    // In a container, the kernel's programs are those of the machine.
    if (resolved(program) === undefined && !isInitialProcessNamespace()) return [];
    return [
      {
        what: `the kernel starts ${program} outside of the run (${setting}), and root can write that file`,
        remedy: 'have it lie in /usr or /opt, or start as an ordinary user',
        open: 'what is written to it is executed, outside and with all capabilities',
      },
    ];
  });
}

function foldersOf(path: string): readonly string[] {
  let entries: readonly Dirent[] = [];
  try {
    entries = readdirSync(path, { withFileTypes: true, encoding: 'latin1' });
  } catch {
    // None is known: all of it is read-only.
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** /etc, with the folders in it that stay as they are. */
function configuration(): readonly OwnMount[] {
  const etc = resolved('/etc');
  if (etc === undefined) return [];
  const writable = MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV;
  return [
    { path: etc, attributes: UNUSABLE },
    ...foldersOf(etc)
      .filter((name) => !HELPER_FOLDERS.some(([folder]) => folder.test(name)))
      .map((name) => ({ path: `${etc}/${name}`, attributes: writable })),
    ...[...FOLDERS_OF_FILES, ...HELPER_FILES]
      .map(resolved)
      .filter((path) => path !== undefined)
      .map((path) => ({ path, attributes: UNUSABLE })),
    ...FOLDERS_OF_FILES.map(resolved)
      .filter((path) => path !== undefined)
      .flatMap((path) => foldersOf(path).map((name) => ({ name, path: `${path}/${name}` })))
      .filter(({ name }) => name !== PART_FOLDER)
      .map(({ path }) => ({ path, attributes: writable })),
  ];
}

/** Folders of /run that the kernel's modprobe(8) reads, where it has one. */
function moduleFolders(): readonly string[] {
  const modprobe = text('/proc/sys/kernel/modprobe');
  if (modprobe === undefined || modprobe === '' || resolved(modprobe) === undefined) return [];
  for (const folder of RUN_FOLDERS) {
    try {
      mkdirSync(folder, { mode: 0o755 });
    } catch {
      // It is there, or cannot be made: then it cannot by the run.
    }
  }
  return RUN_FOLDERS;
}

/** Folders of /run, and /run itself, so that it cannot be moved away. */
function runtime(visible: readonly Mount[], trees: readonly string[], more: readonly string[]): readonly OwnMount[] {
  const run = resolved('/run');
  if (run === undefined) return [];
  const folders = [...more, ...DEVICE_FOLDERS]
    .map(resolved)
    .filter((path) => path !== undefined && !trees.some((tree) => isWithin(path, tree)));
  if (folders.length === 0) return [];
  const isMount = visible.some(({ path }) => path === run);
  return [
    ...(isMount ? [] : [{ path: run, attributes: MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV }]),
    ...folders.map((path) => ({ path: path ?? run, attributes: UNUSABLE })),
  ];
}

/**
 * What is to be put over the files of the kernel's programs, and over those of /etc that the next supervisor's are read with,
 * in a run of root; nothing in one of another user, who cannot write them.
 *
 * @param visible - the mounts that can be seen
 * @param trees - what is trusted, and read-only
 */
export function kernelHelpers(visible: readonly Mount[], trees: readonly string[], reader: Reader): KernelHelpers {
  if (!reader.isPrivileged) return { own: [], missing: [] };
  const isInitial = isInitialUserNamespace();
  return {
    own: [...configuration(), ...runtime(visible, trees, isInitial ? moduleFolders() : [])],
    missing: isInitial ? unsafePrograms(visible, trees) : [],
  };
}
