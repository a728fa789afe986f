/**
 * The one error type of this project, in the form of Node.js's own system errors.
 *
 * @module
 */

/** What an error says beside its message. */
export interface TrampfdErrorDetails {
  /** The system call that failed, by its name in section 2 of the manual. */
  readonly syscall?: string;
  /** The file that was concerned. */
  readonly path?: string;
  /** The error number, positive, where the kernel gave one. */
  readonly errno?: number;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * An error of trampfd. `code` is the kernel's name of an error number (`EACCES`) or one of our own, which begin with
 * `ERR_TRAMPFD_`; so `error.code === 'EACCES'` works as with Node.js's own errors.
 */
export class TrampfdError extends Error {
  override readonly name = 'TrampfdError';
  readonly code: string;
  declare readonly syscall?: string;
  declare readonly path?: string;
  declare readonly errno?: number;

  constructor(code: string, message: string, details: TrampfdErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.syscall !== undefined) this.syscall = details.syscall;
    if (details.path !== undefined) this.path = details.path;
    if (details.errno !== undefined) this.errno = details.errno;
  }
}
