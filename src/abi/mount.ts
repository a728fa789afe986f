/**
 * Constants and layouts of mount(2), open_tree(2), mount_setattr(2), move_mount(2), fsopen(2), fsconfig(2), fsmount(2),
 * and of the flags of namespaces: clone(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Attributes of mount_setattr(2) and fsmount(2), flags and commands of the calls that build mounts (linux/mount.h). */
export const MOUNT = {
  MOUNT_ATTR_RDONLY: 0x1,
  MOUNT_ATTR_NOSUID: 0x2,
  MOUNT_ATTR_NODEV: 0x4,
  MOUNT_ATTR_NOEXEC: 0x8,
  OPEN_TREE_CLONE: 1,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  FSOPEN_CLOEXEC: 1,
  FSMOUNT_CLOEXEC: 1,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_CMD_CREATE: 6,
  MS_PRIVATE: 0x40000,
} as const;

/** Flags of umount2(2) (sys/mount.h). */
export const UMOUNT = { MNT_DETACH: 2 } as const;

/** Byte offsets in struct mount_attr (linux/mount.h). */
export const MOUNT_ATTR = { attr_set: 0, attr_clr: 8, propagation: 16, userns_fd: 24, size: 32 } as const;

/** Flags of clone(2) (linux/sched.h). */
export const CLONE = {
  CLONE_VM: 0x00000100,
  CLONE_FS: 0x00000200,
  CLONE_FILES: 0x00000400,
  CLONE_SIGHAND: 0x00000800,
  CLONE_VFORK: 0x00004000,
  CLONE_THREAD: 0x00010000,
  CLONE_NEWNS: 0x00020000,
  CLONE_SYSVSEM: 0x00040000,
  CLONE_NEWCGROUP: 0x02000000,
  CLONE_NEWUTS: 0x04000000,
  CLONE_NEWIPC: 0x08000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
} as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/mount.h', MOUNT),
  ...listed('sys/mount.h', UMOUNT),
  ...listed('linux/sched.h', CLONE),
];
