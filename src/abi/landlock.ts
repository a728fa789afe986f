/**
 * Constants and layouts of landlock(7).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Flags, rights and rule types (linux/landlock.h). */
export const LANDLOCK = {
  LANDLOCK_CREATE_RULESET_VERSION: 1,
  LANDLOCK_RULE_PATH_BENEATH: 1,
  LANDLOCK_ACCESS_FS_EXECUTE: 1,
  LANDLOCK_ACCESS_FS_REFER: 0x2000,
} as const;

/** A scope, from Linux 6.12 (linux/landlock.h there; older headers do not have it): signals for other domains. */
export const LANDLOCK_SCOPE_SIGNAL = 2;

/**
 * Byte offsets in struct landlock_ruleset_attr. The first versions have its first field alone, and take a longer one where
 * the rest is zero.
 */
export const LANDLOCK_RULESET_ATTR = { handled_access_fs: 0, handled_access_net: 8, scoped: 16, size: 24 } as const;

/** Byte offsets in struct landlock_path_beneath_attr, which is packed. */
export const LANDLOCK_PATH_BENEATH = { allowed_access: 0, parent_fd: 8, size: 12 } as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/landlock.h', LANDLOCK);
