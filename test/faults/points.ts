/**
 * What can be made to fail in the supervisor: the functions that it calls into the kernel by, each with how it tells that
 * it has failed. Those that cannot fail are named too, so that a new one is put into one of the lists.
 *
 * @module
 */

/**
 * How one call fails: an error number by name; `short`, which does half of what was asked; or `throw`, an exception that nobody
 * foresaw there, as when JavaScript has no memory left for what it makes.
 */
export type Failure = 'EPERM' | 'EINTR' | 'ENOMEM' | 'EMFILE' | 'EAGAIN' | 'EFAULT' | 'ENOSYS' | 'short' | 'throw';

/** What is to fail: a point, and which of its calls: the first is 1, and 0 stands for each. */
export interface Fault {
  readonly point: string;
  readonly occurrence: number;
  readonly failure: Failure;
}

/** Where calls are recorded, and what is to fail. */
export interface Plan {
  /** The command's main file: what it loads is made to fail. */
  readonly main: string;
  /** A file that a line is written to for each call. */
  readonly record?: string;
  readonly fault?: Fault;
}

/**
 * Native functions that have no way to fail, or none but that the process has no memory left, of which Node.js itself
 * ends; and those that end the process.
 */
export const INFALLIBLE: ReadonlySet<string> = new Set([
  ...['gettid', 'getpagesize', '__errno_location', 'memcpy', 'dlsym', 'sched_yield', '_exit', 'calloc', 'siginterrupt'],
  ...['ualarm', 'posix_spawn_file_actions_init'],
  ...['posix_spawn_file_actions_adddup2', 'posix_spawn_file_actions_addopen'],
]);

/** Native functions that return an error number, where all others return -1 and set errno. */
export const RETURNS_ERRNO: ReadonlySet<string> = new Set(['posix_spawn', 'pthread_sigmask']);

/** Native functions that a signal may end, beside what else may become of them. */
export const INTERRUPTIBLE: ReadonlySet<string> = new Set([
  ...['open', 'openat', 'read', 'waitpid', 'waitid', 'poll', 'ppoll', 'ioctl', 'fallocate', 'flock'],
  'trampfd_bounded_call',
]);

/** Functions that may do less than they were asked for. */
export const MAY_BE_SHORT: ReadonlySet<string> = new Set([
  ...['read', 'pread64', 'pwrite64', 'process_vm_readv', 'process_vm_writev', 'fs.readSync'],
]);

/** The functions of node:fs that the supervisor uses. Those that answer with a truth value instead of failing are not here. */
export const FILE_FUNCTIONS: readonly string[] = [
  ...['accessSync', 'chmodSync', 'fstatSync', 'lstatSync', 'mkdirSync', 'opendirSync', 'openSync', 'readdirSync'],
  ...['readFileSync', 'readlinkSync', 'readSync', 'realpathSync', 'renameSync', 'rmSync', 'statfsSync', 'statSync'],
  ...['unlinkSync', 'writeFileSync', 'writeSync'],
];

/**
 * What else a call may say of a machine that is short of something, or of an address that is wrong: a supervisor may take
 * these for another thing than a refusal.
 */
const SCARCE: ReadonlyMap<string, Failure> = new Map([
  ...['open', 'openat', 'memfd_create', 'pipe2', 'socket', 'socketpair', 'fs.openSync', 'fs.opendirSync'].map(
    (name) => [name, 'EMFILE'] as const,
  ),
  ...['clone', 'posix_spawn', 'timer_create', 'recvmsg', 'sendmsg', 'send', 'flock'].map(
    (name) => [name, 'EAGAIN'] as const,
  ),
  ...['mmap', 'mremap', 'mprotect', 'ftruncate', 'fallocate'].map((name) => [name, 'ENOMEM'] as const),
  ...['process_vm_readv', 'process_vm_writev'].map((name) => [name, 'EFAULT'] as const),
]);

/** How a point's calls are made to fail. */
export function failuresOf(point: string): readonly Failure[] {
  const [what = ''] = point.split(' ');
  const name = what.slice(what.indexOf(':') + 1).replace(/\(.*/, '');
  // A call that another process is made to make gets a number that the kernel does not know.
  if (/^(held|remote|spawned)\./.test(name)) return ['ENOSYS'];
  const failures: Failure[] = [name.startsWith('fs.') ? 'ENOMEM' : 'EPERM'];
  const scarce = SCARCE.get(name.replace(/^listed\./, ''));
  if (scarce !== undefined) failures.push(scarce);
  if (INTERRUPTIBLE.has(name)) failures.push('EINTR');
  if (MAY_BE_SHORT.has(name)) failures.push('short');
  if (!name.startsWith('fs.')) failures.push('throw');
  return failures;
}
