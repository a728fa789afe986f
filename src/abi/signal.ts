/**
 * Layouts of sigaction(2).
 *
 * @module
 */

/** Bytes of the kernel's struct sigaction on x86-64 (asm/signal.h): handler, flags, restorer, mask. All zero: SIG_DFL. */
export const SIGACTION = { size: 32 } as const;
