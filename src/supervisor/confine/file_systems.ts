/**
 * Where the files of a file system come from, by its type: from a disk, from memory, from other folders, from a server or a
 * process. A tree is trusted only as far as a confined program cannot change it from there, whatever mount it is seen by.
 *
 * @module
 */
import type { Mount } from '../../linux/mount_table.js';
import type { Reader } from './reader.js';

/** Why the files of a mount are not trusted. */
export interface Doubt {
  /** A sentence's end: what its files are. */
  readonly reason: string;
  /** Whether --exec with the tree's path says that they are to be trusted all the same. */
  readonly canBeNamed: boolean;
}

/** Where the files of a mount come from. */
export interface Content {
  /** Folders and files that hold them, as the process that mounted it has named them. */
  readonly layers: readonly string[];
  readonly isOnDevice: boolean;
  readonly doubt: Doubt | undefined;
}

/** File systems on block devices or flash memory. A process serves fuseblk, for a device that no run can open. */
const ON_DEVICES: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'bcachefs', 'jfs', 'reiserfs', 'nilfs2', 'zfs', 'gfs2', 'ocfs2'],
  ...['squashfs', 'erofs', 'cramfs', 'romfs', 'iso9660', 'udf', 'jffs2', 'ubifs', 'fuseblk'],
  ...['vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'hfs', 'hfsplus', 'minix', 'ufs', 'befs', 'affs'],
]);
/** File systems in memory, and those that are the kernel. */
const IN_MEMORY: ReadonlySet<string> = new Set([
  ...['tmpfs', 'ramfs', 'rootfs', 'devtmpfs', 'hugetlbfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'autofs', 'nsfs'],
  ...['cgroup', 'cgroup2', 'securityfs', 'debugfs', 'tracefs', 'configfs', 'bpf', 'efivarfs', 'pstore', 'binfmt_misc'],
]);
/** Others that are the kernel's, or are made of what is mounted elsewhere. */
const OF_OTHERS: ReadonlySet<string> = new Set([
  ...['overlay', 'fusectl', 'selinuxfs', 'smackfs', 'rpc_pipefs', 'resctrl', 'nfsd', 'xenfs', 'functionfs', 'pipefs'],
]);
/** Those on devices that other processes or machines have a part in. */
const SHARED: ReadonlySet<string> = new Set(['fuseblk', 'gfs2', 'ocfs2']);

/**
 * Whether the kernel of this machine alone delivers the files of a file system of a type, from its disks or memory. Of one
 * that nobody knows it does not.
 */
export function isDeliveredHere(type: string): boolean {
  return (ON_DEVICES.has(type) && !SHARED.has(type)) || IN_MEMORY.has(type) || OF_OTHERS.has(type);
}

/** File systems that another machine serves, or the host of a virtual one. */
const SERVED: ReadonlySet<string> = new Set([
  ...['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'afs', 'lustre', 'gpfs', 'orangefs', 'beegfs', 'glusterfs'],
  ...['9p', 'virtiofs', 'vboxsf', 'prl_fs', 'vmhgfs', 'hostfs', 'drvfs', 'lxfs', 'wslfs'],
]);

/** Those of them that come over no network of this machine's, but from the host of a virtual one. */
const FROM_HOST: ReadonlySet<string> = new Set([
  ...['virtiofs', 'vboxsf', 'prl_fs', 'vmhgfs', 'hostfs', 'drvfs', 'lxfs', 'wslfs'],
]);

/** The values of an option of a file system, which may stand there several times. */
function values({ fileSystemOptions }: Mount, ...names: readonly string[]): readonly string[] {
  return names.flatMap((name) =>
    fileSystemOptions.filter((one) => one.startsWith(`${name}=`)).map((one) => one.slice(name.length + 1)),
  );
}

/** The paths of overlayfs' lowerdir: a colon parts them, two do before those that have data alone; `\` escapes one. */
export function lowerFolders(value: string): readonly string[] {
  const parts = value.match(/(?:\\[\s\S]|[^:\\])+/g) ?? [];
  return parts.flatMap(escapes);
}

/** A path with its escapes undone, and as it stands, where that is another one: kernels show it in both ways. */
function escapes(path: string): readonly string[] {
  return [...new Set([path.replace(/\\([\s\S])/g, '$1'), path])];
}

/** The folders of an overlay (Documentation/filesystems/overlayfs.rst of the kernel). */
function overlayFolders(mount: Mount): readonly string[] {
  return [
    ...values(mount, 'lowerdir').flatMap(lowerFolders),
    ...values(mount, 'lowerdir+', 'datadir+', 'upperdir', 'workdir').flatMap(escapes),
  ];
}

/** Folders that a file system writes to, when files of its own are written. */
export function writtenFolders(mount: Mount): readonly string[] {
  if (mount.type === 'ecryptfs') return [mount.source];
  return mount.type === 'overlay' ? values(mount, 'upperdir', 'workdir').flatMap(escapes) : [];
}

function isOfThisMachine(address: string, { addresses }: Reader): boolean {
  return /^(?:127\.|::1$|localhost$)/.test(address) || addresses().includes(address);
}

const UNKNOWN: Doubt = {
  reason: 'trampfd does not know who else can change the files of this type of file system',
  canBeNamed: true,
};

/** Why the files of a server are not trusted; undefined where they are as safe as the server. */
function serverDoubt(mount: Mount, reader: Reader): Doubt | undefined {
  const [transport] = values(mount, 'trans');
  const addresses = [...values(mount, 'addr'), ...(transport === 'tcp' ? [mount.source] : [])];
  const isLocal =
    addresses.some((address) => isOfThisMachine(address, reader)) || transport === 'unix' || transport === 'fd';
  if (isLocal) return { reason: 'a process of this machine serves its files, from files of its own', canBeNamed: true };
  const isOverNetwork = mount.type === '9p' ? transport === 'tcp' : !FROM_HOST.has(mount.type);
  return isOverNetwork && reader.changesNetwork && !isSigned(mount)
    ? { reason: 'who may change addresses (CAP_NET_ADMIN) can answer in the place of its server', canBeNamed: true }
    : undefined;
}

/** Whether each answer of a server is signed with a key that nobody else has (nfs(5): sec; mount.cifs(8): sign, seal). */
function isSigned(mount: Mount): boolean {
  if (mount.type.startsWith('nfs')) return values(mount, 'sec').some((one) => one === 'krb5i' || one === 'krb5p');
  const isWindows = mount.type === 'cifs' || mount.type === 'smb3';
  return (
    isWindows && (mount.fileSystemOptions.includes('seal') || values(mount, 'sec').some((one) => one.endsWith('i')))
  );
}

/** Why the files of a FUSE server are not trusted: a process of the run's own user serves what that user can change. */
function processDoubt(mount: Mount, { userId, isPrivileged }: Reader): Doubt | undefined {
  const [server] = values(mount, 'user_id');
  if (!isPrivileged && server !== undefined && Number(server) !== userId) return undefined;
  return {
    reason: 'a process of the same user serves its files (FUSE), from what that user can change',
    canBeNamed: false,
  };
}

/**
 * Where the files of a mount come from.
 *
 * What is mounted at the root folder was there before every process of it: its server is not among them.
 */
export function contentOf(mount: Mount, reader: Reader): Content {
  const { type, source, path } = mount;
  const isAtRoot = path === '/';
  const none = { layers: [], isOnDevice: false, doubt: undefined };
  if (type === 'overlay') return { ...none, layers: overlayFolders(mount) };
  if (type === 'ecryptfs') return { ...none, layers: [source] };
  // One that was mounted from a file without a loop device has no device's number.
  if (type === 'erofs' && mount.device.startsWith('0:')) return { ...none, layers: [source] };
  if (IN_MEMORY.has(type)) return none;
  if (type === 'fuse' || type.startsWith('fuse.'))
    return { ...none, doubt: isAtRoot ? undefined : processDoubt(mount, reader) };
  if (SERVED.has(type)) return { ...none, doubt: isAtRoot ? undefined : serverDoubt(mount, reader) };
  if (ON_DEVICES.has(type)) {
    const isOwn = type === 'fuseblk' && !reader.isPrivileged;
    return { ...none, isOnDevice: true, doubt: isOwn && !isAtRoot ? processDoubt(mount, reader) : undefined };
  }
  return { ...none, doubt: UNKNOWN };
}
