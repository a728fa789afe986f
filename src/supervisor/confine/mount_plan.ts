/**
 * Which mounts a confined program sees, so that what can be executed cannot be written: as data, from the mounts that
 * there are.
 *
 * Every mount gets MS_NOEXEC and MS_NODEV. Trees that are trusted are put over themselves as mounts of their own, read-only
 * and executable; what else must not be written, read-only alone. What is executable is read-only then, whoever asks; the kernel looks at the mount that a file was opened through. A file system that is
 * mounted a second time could show the same files for writing: such mounts become read-only, or, where they show more
 * than that, the part of them that shows the tree. So do those through which the kernel itself is written to, /proc above
 * all: /proc/PID/mem writes over what is mapped, whatever its protection is.
 *
 * @module
 */
import { MOUNT } from '../../abi/mount.js';
import type { Mount } from '../../linux/mount_table.js';

/** Folders whose programs and libraries every program may use, where they exist. */
export const SYSTEM_TREES: readonly string[] = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/libexec',
  '/opt',
  '/nix/store',
  '/gnu/store',
  '/snap',
];

/** Types of file systems that are no files but the kernel. */
const KERNEL_TYPES: ReadonlySet<string> = new Set([
  ...['proc', 'sysfs', 'securityfs', 'debugfs', 'tracefs', 'configfs', 'bpf', 'efivarfs', 'pstore', 'selinuxfs'],
  // The first version of cgroup has release_agent, a program that the kernel starts, outside; the second kills and freezes
  // processes outside. xenfs calls the hypervisor; fusectl ends connections to servers outside.
  ...['binfmt_misc', 'smackfs', 'resctrl', 'nfsd', 'cgroup', 'cgroup2', 'xenfs', 'fusectl'],
]);

/** A part of the tree that is put over itself as a mount of its own. */
export interface OwnMount {
  readonly path: string;
  /** MOUNT_ATTR_* that it and all below it get. */
  readonly attributes: number;
}

/** Attributes of what can neither be executed nor written, nor opened as a device. */
export const UNUSABLE: number = MOUNT.MOUNT_ATTR_RDONLY | MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV;

/** What is to be done. */
export interface MountPlan {
  readonly own: readonly OwnMount[];
  /** MOUNT_ATTR_* for every mount there was. */
  readonly attributes: number;
  /** Mounts that become read-only. */
  readonly readOnly: readonly string[];
}

/** Whether a path is a folder or lies in it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** A path below `from`, as seen from `to`. */
export function moved(path: string, from: string, to: string): string {
  const rest = from === '/' ? path : path.slice(from.length);
  return to === '/' ? rest || '/' : `${to}${rest === '/' ? '' : rest}`;
}

/** The mount that a path lies on: the last one of those with the longest path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (isWithin(path, mount.path) && (found === undefined || mount.path.length >= found.path.length)) found = mount;
  }
  return found;
}

/** Other ways to files of a tree, for writing. */
export interface OtherViews {
  /** Mounts that show a part of it, or all, and nothing else. */
  readonly whole: readonly string[];
  /** Where it is in mounts that show more. */
  readonly parts: readonly string[];
}

/**
 * Where a place of a file system is seen.
 *
 * @param mounts - those that can be seen
 * @param own - the mount that shows it as it is known already
 * @param place - a path on its file system
 * @param trees - what is read-only already
 */
export function otherViews(
  mounts: readonly Mount[],
  own: Pick<Mount, 'device'>,
  place: string,
  trees: readonly string[],
): OtherViews {
  const isTrusted = (path: string): boolean => trees.some((other) => isWithin(path, other));
  const others = mounts.filter((mount) => mount !== own && mount.device === own.device && !isTrusted(mount.path));
  const holding = others.filter(({ root }) => root !== place && isWithin(place, root));
  return {
    whole: others.filter(({ root }) => isWithin(root, place)).map(({ path }) => path),
    parts: holding
      .map((mount) => ({ mount, path: moved(place, mount.root, mount.path) }))
      // Something else may be mounted over it, and the tree itself may be what is there.
      .filter(({ mount, path }) => mountOf(mounts, path) === mount && !isTrusted(path))
      .map(({ path }) => path),
  };
}

function viewsOfTree(mounts: readonly Mount[], tree: string, trees: readonly string[]): OtherViews {
  const own = mountOf(mounts, tree);
  return own === undefined ? { whole: [], parts: [] } : otherViews(mounts, own, moved(tree, own.path, own.root), trees);
}

/** Own mounts of which none has the path of another: it gets what either of the two was to get. */
function united(mounts: readonly OwnMount[]): readonly OwnMount[] {
  const byPath = new Map<string, number>();
  for (const { path, attributes } of mounts) byPath.set(path, (byPath.get(path) ?? 0) | attributes);
  return [...byPath].map(([path, attributes]) => ({ path, attributes }));
}

/**
 * Makes the plan.
 *
 * @param mounts - those of the namespace that can be seen
 * @param trees - what is trusted: absolute paths that exist, links resolved
 * @param more - what else is put over itself
 */
export function planMounts(
  mounts: readonly Mount[],
  trees: readonly string[],
  more: readonly OwnMount[] = [],
): MountPlan {
  const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODEV } = MOUNT;
  const outermost = trees.filter((tree) => !trees.some((other) => other !== tree && isWithin(tree, other)));
  const kernel = mounts.filter(({ type }) => KERNEL_TYPES.has(type)).map(({ path }) => path);
  // What is mounted within a tree is part of it, and may be shown elsewhere too.
  const inner = mounts.map(({ path }) => path).filter((path) => outermost.some((tree) => isWithin(path, tree)));
  const views = [...outermost, ...inner].map((tree) => viewsOfTree(mounts, tree, outermost));
  const parts = new Set(views.flatMap((view) => view.parts));
  const folders: OwnMount[] = [
    ...[...new Set(outermost)].map((path) => ({ path, attributes: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV })),
    ...[...parts].map((path) => ({ path, attributes: UNUSABLE })),
  ];
  return {
    // A folder comes before what lies in it, which would be hidden else.
    own: united([...folders, ...more]).toSorted((one, other) => one.path.length - other.path.length),
    attributes: MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV,
    readOnly: [...new Set([...kernel, ...views.flatMap((view) => view.whole)])],
  };
}
