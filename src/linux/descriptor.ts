/**
 * Descriptors: close(2), fcntl(2), pidfd_open(2), pidfd_getfd(2), kcmp(2), and what /proc says of the descriptors of
 * others.
 *
 * @module
 */
import { AT, AT_FDCWD, FILE_KIND, STATX, STATX_FLAGS } from '../abi/fcntl.js';
import { KCMP } from '../abi/process.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { allocate, native, negatedErrno } from './libc.js';

const libcClose = native('int close(int)');
const libcFcntl = native('int fcntl(int, int, long)');
const libcStatx = native('int statx(int, const char *, int, unsigned int, uint64_t)');
const libcOpen = native('int open(const char *, int, int)');
const libcRead = native('long read(int, uint64_t, size_t)');
const libcPread = native('long pread64(int, uint64_t, size_t, int64_t)');
const libcOpenat = native('int openat(int, const void *, int, int)');
const libcUnlinkat = native('int unlinkat(int, const void *, int)');
const libcLseek = native('int64_t lseek64(int, int64_t, int)');
const libcPwrite = native('long pwrite64(int, const void *, size_t, int64_t)');
const libcFchmod = native('int fchmod(int, unsigned int)');
const libcFchown = native('int fchown(int, int, int)');
const libcIsatty = native('int isatty(int)');
const libcSyscall = native('long syscall(long, long, long, long)');
const libcKcmp = native('long syscall(long, long, long, long, long, long)');

/** Whence of lseek(2) (linux/fs.h). */
const SEEK_SET = 0;
const SEEK_CUR = 1;

const statxBuffer = allocate(STATX.size);
const textBuffer = allocate(4096);
/** What is read of a file at once. */
const readBuffer = allocate(65_536);
/** Closes a descriptor of ours: 0 or a negated error number. */
export function close(descriptor: number): number {
  return negatedErrno(libcClose(descriptor));
}

/** fcntl(2) with a number as its argument. */
export function fcntl(descriptor: number, command: number, argument: number): number {
  return negatedErrno(libcFcntl(descriptor, command, argument));
}

/** Opens a file: a descriptor or a negated error number. */
export function open(path: string, flags: number): number {
  return negatedErrno(libcOpen(path, flags, 0));
}

/** Creates a file in a folder of ours: a descriptor or a negated error number (openat(2)). */
export function createAt(folder: number, name: string | Uint8Array, flags: number, mode: number): number {
  return negatedErrno(libcOpenat(folder, cString(name), flags, mode));
}

/** Removes a name from a folder of ours: 0 or a negated error number (unlinkat(2)). */
export function unlinkAt(folder: number, name: string | Uint8Array): number {
  return negatedErrno(libcUnlinkat(folder, cString(name), 0));
}

/** Bytes of a C string, with the zero behind them. */
function cString(name: string | Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
}

/** The position of an open file of ours (lseek(2)), or a negated error number where it has none. */
export function position(descriptor: number): bigint {
  return seek(descriptor, 0n, SEEK_CUR);
}

/** Sets the position of an open file of ours; where it has none, nothing happens. */
export function setPosition(descriptor: number, offset: bigint): void {
  if (offset >= 0n) seek(descriptor, offset, SEEK_SET);
}

function seek(descriptor: number, offset: bigint, whence: number): bigint {
  const result = BigInt(libcLseek(descriptor, offset, whence));
  return result === -1n ? BigInt(negatedErrno(-1)) : result;
}

/** Writes all bytes at the start of a file of ours (pwrite(2)); gives whether it could. */
export function writeStart(descriptor: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const written = Number(libcPwrite(descriptor, bytes.subarray(at), bytes.length - at, at));
    if (written <= 0) return false;
    at += written;
  }
  return true;
}

/** fchmod(2): 0 or a negated error number. */
export function changeMode(descriptor: number, mode: number): number {
  return negatedErrno(libcFchmod(descriptor, mode));
}

/** fchown(2): 0 or a negated error number. */
export function changeOwner(descriptor: number, user: number, group: number): number {
  return negatedErrno(libcFchown(descriptor, user, group));
}

/** read(2) into memory outside of the JavaScript heap: a count, or a negated error number. */
export function readInto(descriptor: number, address: bigint, length: number): number {
  return negatedErrno(libcRead(descriptor, address, length));
}

/**
 * Bytes of a file of ours, whatever its position is (pread(2)).
 *
 * @returns all `length` of them, or undefined where they cannot be read
 */
export function readAt(descriptor: number, offset: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += readBuffer.bytes.length) {
    const wanted = Math.min(readBuffer.bytes.length, length - at);
    if (Number(libcPread(descriptor, readBuffer.address, wanted, offset + at)) !== wanted) return undefined;
    bytes.set(readBuffer.bytes.subarray(0, wanted), at);
  }
  return bytes;
}

/** The first bytes of a file of ours, as {@link readAt} gives them. */
export function readStart(descriptor: number, length: number): Uint8Array | undefined {
  return readAt(descriptor, 0, length);
}

/** What tells one file from all others while it exists. */
export interface FileIdentity {
  /** Inode number. */
  readonly inode: bigint;
  /** Device, as major * 2^32 + minor. */
  readonly device: number;
}

function readIdentity(directory: number, path: string, flags: number): FileIdentity | number {
  // No file server is asked: one that does not answer, of a target's own making perhaps, would hold up all others here.
  const result = libcStatx(directory, path, flags | AT.AT_STATX_DONT_SYNC, STATX_FLAGS.STATX_INO, statxBuffer.address);
  if (result !== 0) return negatedErrno(result);
  const { view } = statxBuffer;
  return {
    inode: view.getBigUint64(STATX.stx_ino, true),
    device: view.getUint32(STATX.stx_dev_major, true) * 2 ** 32 + view.getUint32(STATX.stx_dev_minor, true),
  };
}

/** Whether there is a regular file behind a path, links followed. No file server is asked. */
export function isRegularFile(path: string): boolean {
  const flags = AT.AT_STATX_DONT_SYNC;
  const result = libcStatx(AT_FDCWD, path, flags, STATX_FLAGS.STATX_TYPE, statxBuffer.address);
  return result === 0 && (statxBuffer.view.getUint16(STATX.stx_mode, true) & FILE_KIND.S_IFMT) === FILE_KIND.S_IFREG;
}

/** Identity of the file behind a path, links followed, or a negated error number (statx(2)). */
export function fileIdentity(path: string): FileIdentity | number {
  return readIdentity(AT_FDCWD, path, 0);
}

/** Identity of the file behind a descriptor of ours, or a negated error number. */
export function fileIdentityOf(descriptor: number): FileIdentity | number {
  return readIdentity(descriptor, '', AT.AT_EMPTY_PATH);
}

/** What a descriptor is of. */
export interface DescriptorFacts extends FileIdentity {
  /** The major number of a character device. */
  readonly characterMajor: number | undefined;
}

/** The arguments of statx(2) that have it say so, of a descriptor: no file server is asked. */
export const FACTS: { readonly flags: number; readonly mask: number } = {
  flags: AT.AT_EMPTY_PATH | AT.AT_STATX_DONT_SYNC,
  mask: STATX_FLAGS.STATX_TYPE | STATX_FLAGS.STATX_INO,
};

/** What a structure of statx(2) says. */
export function factsOf(view: DataView): DescriptorFacts {
  const isCharacterDevice = (view.getUint16(STATX.stx_mode, true) & FILE_KIND.S_IFMT) === FILE_KIND.S_IFCHR;
  return {
    inode: view.getBigUint64(STATX.stx_ino, true),
    device: view.getUint32(STATX.stx_dev_major, true) * 2 ** 32 + view.getUint32(STATX.stx_dev_minor, true),
    characterMajor: isCharacterDevice ? view.getUint32(STATX.stx_rdev_major, true) : undefined,
  };
}

/** What a descriptor of ours is of, or a negated error number. */
export function descriptorFacts(descriptor: number): DescriptorFacts | number {
  const result = libcStatx(descriptor, '', FACTS.flags, FACTS.mask, statxBuffer.address);
  return result === 0 ? factsOf(statxBuffer.view) : negatedErrno(result);
}

/** Bytes of the file behind a descriptor of ours, or a negated error number. */
export function fileSizeOf(descriptor: number): number {
  const result = libcStatx(descriptor, '', AT.AT_EMPTY_PATH, STATX_FLAGS.STATX_SIZE, statxBuffer.address);
  return result === 0 ? Number(statxBuffer.view.getBigUint64(STATX.stx_size, true)) : negatedErrno(result);
}

/** Whether a descriptor is a terminal's (isatty(3)). Node.js's own module for that loads those of sockets and streams. */
export function isTerminal(descriptor: number): boolean {
  return Number(libcIsatty(descriptor)) === 1;
}

/** Path in /proc of a thread's descriptor (proc(5)); a thread may have a descriptor table of its own. */
export function descriptorPath(threadId: number, descriptor: number): string {
  return `/proc/${threadId}/fd/${descriptor}`;
}

/**
 * The file position of another thread's descriptor, from /proc/TID/fdinfo/FD (proc(5)).
 *
 * @returns the position, or a negated error number
 */
export function filePosition(threadId: number, descriptor: number): bigint | number {
  const file = negatedErrno(libcOpen(`/proc/${threadId}/fdinfo/${descriptor}`, 0o2000000, 0));
  if (file < 0) return file;
  const count = negatedErrno(libcRead(file, textBuffer.address, textBuffer.bytes.length));
  libcClose(file);
  if (count < 0) return count;
  const match = /^pos:\s*(\d+)/.exec(Buffer.from(textBuffer.bytes.subarray(0, count)).toString('latin1'));
  return match?.[1] === undefined ? -5 : BigInt(match[1]);
}

/** Flag of pidfd_open(2) for a thread that is not its process's first (linux/pidfd.h, Linux 6.9): O_EXCL. */
export const PIDFD_THREAD = 0o200;

/** pidfd_open(2): a descriptor or a negated error number. */
export function openPidfd(processId: number, flags = 0): number {
  return negatedErrno(libcSyscall(syscallNumbers['x86-64'].pidfd_open, processId, flags, 0));
}

/** pidfd_getfd(2): a copy of another process's descriptor, of the same open file, or a negated error number. */
export function copyDescriptor(pidfd: number, descriptor: number): number {
  return negatedErrno(libcSyscall(syscallNumbers['x86-64'].pidfd_getfd, pidfd, descriptor, 0));
}

/** Whether two descriptors of ours are of one open file (kcmp(2)): they share its position. False where the kernel does not say. */
export function sharesOpenFile(descriptor: number, other: number): boolean {
  const { kcmp } = syscallNumbers['x86-64'];
  return Number(libcKcmp(kcmp, process.pid, process.pid, KCMP.KCMP_FILE, descriptor, other)) === 0;
}

/** Whether two threads are known to share one table of descriptors (kcmp(2)); false where the kernel does not say. */
export function sharesDescriptors(threadId: number, otherThreadId: number): boolean {
  return Number(libcSyscall(syscallNumbers['x86-64'].kcmp, threadId, otherThreadId, KCMP.KCMP_FILES)) === 0;
}
