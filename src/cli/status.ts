/**
 * Exit statuses of our own, as env(1) and timeout(1) have them.
 *
 * @module
 */

/** trampfd itself failed. */
export const STATUS_FAILED = 125;
/** The program was found, but cannot be executed. */
export const STATUS_NOT_EXECUTABLE = 126;
/** The program was not found. */
export const STATUS_NOT_FOUND = 127;
