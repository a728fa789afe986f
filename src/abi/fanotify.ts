/**
 * Flags of fanotify_init(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** What has events name files in the place of opening them (linux/fanotify.h). */
export const FANOTIFY = { FAN_REPORT_FID: 0x200, FAN_REPORT_DIR_FID: 0x400 } as const;

/** Every constant above, for the test against the headers. */
export const constants: readonly KernelConstant[] = listed('linux/fanotify.h', FANOTIFY);
