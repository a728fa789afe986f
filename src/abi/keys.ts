/**
 * Operations of keyctl(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Those that reach beyond the caller, or have the kernel look for an algorithm (linux/keyctl.h). */
export const KEYCTL = {
  KEYCTL_SESSION_TO_PARENT: 18,
  KEYCTL_DH_COMPUTE: 23,
  KEYCTL_PKEY_QUERY: 24,
  KEYCTL_PKEY_ENCRYPT: 25,
  KEYCTL_PKEY_DECRYPT: 26,
  KEYCTL_PKEY_SIGN: 27,
  KEYCTL_PKEY_VERIFY: 28,
} as const;

/** Every constant above, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/keyctl.h', KEYCTL);
