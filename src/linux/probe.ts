/**
 * Probes: what the running kernel has, found out by asking for it and undoing that again. Never by its version, which
 * says nothing of what a distribution took over, switched off or put behind a sandbox.
 *
 * Follows seccomp(2), seccomp_unotify(2), memfd_create(2), fcntl(2), process_vm_readv(2), prctl(2) and syscall(2).
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoName, errnoNumbers } from '../abi/errno.js';
import { MEMFD, MFD_EXEC } from '../abi/fcntl.js';
import { BPF, SOCK_FILTER_SIZE } from '../abi/filter.js';
import { MAP, PROT } from '../abi/mman.js';
import { PR_GET_MDWE, PRCTL } from '../abi/process.js';
import { SECCOMP, X32_SYSCALL_BIT } from '../abi/seccomp.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { TRAMPFD } from '../abi/trampfd.js';
import { TrampfdError } from '../error.js';
import { close } from './descriptor.js';
import { FilteredThread } from './filtered_thread.js';
import { allocate, native, negatedErrno } from './libc.js';
import { Listener, notificationSizes } from './listener.js';
import { mappings } from './maps.js';
import { isUnshareAloneRefused } from './probe_confinement.js';
import { systemPath } from './search_path.js';

const libcSyscall = native('long syscall(long, long, long, uint64_t)');
const libcPrctl = native('int prctl(int, ulong, ulong, ulong, ulong)');
const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMunmap = native('int munmap(int64_t, size_t)');
const libcMemfdCreate = native('int memfd_create(const char *, unsigned int)');
const libcSiginterrupt = native('int siginterrupt(int, int)');
const libcUalarm = native('unsigned int ualarm(unsigned int, unsigned int)');

const PAGE = 4096;

/** Whether seccomp(2) is there and a filter may give an action (SECCOMP_GET_ACTION_AVAIL): 0 or a negated error number. */
export function seccompAction(action: number): number {
  const wanted = allocate(4);
  wanted.view.setUint32(0, action, true);
  return negatedErrno(
    libcSyscall(syscallNumbers['x86-64'].seccomp, SECCOMP.SECCOMP_GET_ACTION_AVAIL, 0, wanted.address),
  );
}

/** What a filter with a listener was found to do. */
export interface ListenerFindings {
  /** Why none could be installed, or undefined where one could. */
  readonly refused: TrampfdError | undefined;
  /** Whether no_new_privs had to be set for it. */
  readonly noNewPrivileges: boolean;
  readonly waitsKillable: boolean;
  /** Whether SECCOMP_ADDFD_FLAG_SEND is known. */
  readonly addsAndSends: boolean;
  readonly wakesSynchronously: boolean;
  /** Whether poll(2) tells that the last user of the filter is gone, and whether waiting for a notification ends then. */
  readonly hangsUp: boolean;
  readonly receiveEnds: boolean;
}

const noListener: ListenerFindings = {
  refused: undefined,
  noNewPrivileges: false,
  waitsKillable: false,
  addsAndSends: false,
  wakesSynchronously: false,
  hangsUp: false,
  receiveEnds: false,
};

/** A filter that allows every call: one instruction. */
function allowAll(): Uint8Array {
  const program = new DataView(new ArrayBuffer(SOCK_FILTER_SIZE));
  program.setUint16(0, BPF.BPF_RET | BPF.BPF_K, true);
  program.setUint32(4, SECCOMP.SECCOMP_RET_ALLOW, true);
  return new Uint8Array(program.buffer);
}

/** How long the end of a thread, and the end of a wait after it, may take: milliseconds. */
const ENDING = 1000;
const RECEIVING = 100;

/** Whether a receive from an abandoned listener comes back of its own. An alarm ends it where it does not. */
function receiveEnds(listener: Listener): boolean {
  let alarmed = false;
  const noteAlarm = (): void => {
    alarmed = true;
  };
  process.on('SIGALRM', noteAlarm);
  libcSiginterrupt(constants.signals.SIGALRM, 1);
  const began = process.hrtime.bigint();
  libcUalarm(RECEIVING * 1000, 0);
  listener.receive();
  libcUalarm(0, 0);
  process.off('SIGALRM', noteAlarm);
  return !alarmed && process.hrtime.bigint() - began < BigInt(RECEIVING) * 1_000_000n;
}

/**
 * Installs a filter that allows everything on a thread that ends right after, and looks at what its listener does. The
 * thread is libuv's: afterwards Node.js cannot use its pool, and the process is to end by
 * {@link module:linux/process.exitNow}.
 */
export async function probeListener(): Promise<ListenerFindings> {
  const sizes = notificationSizes();
  if (typeof sizes === 'number') {
    const refused = new TrampfdError(errnoName(-sizes), 'the kernel has no seccomp user notification');
    return { ...noListener, refused };
  }
  const thread = await FilteredThread.start();
  try {
    const { listener: descriptor, noNewPrivileges, waitsKillable } = await thread.install(allowAll());
    const listener = new Listener(descriptor, sizes);
    // Nothing waits, so no cookie is valid: a kernel that knows the flag goes on to say so, another refuses the flag.
    const added = listener.answerDescriptor(0n, { source: descriptor, number: 0, closeOnExec: false });
    const wakesSynchronously = listener.wakeSynchronously();
    thread[Symbol.dispose]();
    const hangsUp = listener.abandoned(ENDING);
    return {
      refused: undefined,
      noNewPrivileges,
      waitsKillable,
      addsAndSends: added === -errnoNumbers.ENOENT,
      wakesSynchronously,
      hangsUp,
      receiveEnds: hangsUp && receiveEnds(listener),
    };
  } catch (error) {
    if (error instanceof TrampfdError) return { ...noListener, refused: error };
    throw error;
  }
}

/**
 * Whether this process may have memory that is writable and executable, as V8 wants it.
 *
 * @returns 0, a negated error number, or undefined where the memory was granted and is not executable
 */
export function probeWritableExecutable(): number | undefined {
  const protection = PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC;
  const address = BigInt(libcMmap(null, PAGE, protection, MAP.MAP_PRIVATE | MAP.MAP_ANONYMOUS, -1, 0));
  if (address === -1n) return negatedErrno(-1);
  const line = mappings(process.pid)?.find(({ start, end }) => start <= address && address < end);
  libcMunmap(address, PAGE);
  return line === undefined || line.permissions.includes('x') ? 0 : undefined;
}

/**
 * A static i386 program (ELF header, two program headers, code) that ends by `int 0x80` with status 0. It asks for a stack
 * that is not executable: of one that says nothing of its stack the kernel complains in its log.
 */
function i386Program(): Uint8Array {
  const base = 0x08048000;
  const code = [0x31, 0xc0, 0x31, 0xdb, 0x40, 0xcd, 0x80]; // xor eax, eax; xor ebx, ebx; inc eax; int 0x80
  const headers = 52 + 2 * 32;
  const size = headers + code.length;
  const program = new DataView(new ArrayBuffer(size));
  const words = (at: number, ...values: number[]): void =>
    values.forEach((value, index) => {
      program.setUint32(at + 4 * index, value, true);
    });
  words(0, 0x464c457f, 0x00010101); // \x7fELF, ELFCLASS32, ELFDATA2LSB, EV_CURRENT
  words(16, 0x00030002, 1, base + headers, 52, 0, 0); // ET_EXEC, EM_386; version, entry, e_phoff, e_shoff, e_flags
  words(40, 52 | (32 << 16), 2); // e_ehsize, e_phentsize, e_phnum
  words(52, 1, 0, base, base, size, size, 5, PAGE); // PT_LOAD, read and execute
  words(84, 0x6474e551, 0, 0, 0, 0, 0, 6, 16); // PT_GNU_STACK, read and write
  const bytes = new Uint8Array(program.buffer);
  bytes.set(code, headers);
  return bytes;
}

/** Whether an i386 program runs here; undefined where memory files may not be executed, so that none could be tried. */
export function probeI386(): boolean | undefined {
  let file = negatedErrno(libcMemfdCreate('trampfd-doctor', MEMFD.MFD_CLOEXEC | MFD_EXEC));
  if (file === -errnoNumbers.EINVAL) file = negatedErrno(libcMemfdCreate('trampfd-doctor', MEMFD.MFD_CLOEXEC));
  if (file < 0) return undefined;
  try {
    writeSync(file, i386Program());
    const { status, error } = spawnSync(`/proc/self/fd/${file}`, { stdio: 'ignore' });
    if (error === undefined) return status === 0;
    return (error as NodeJS.ErrnoException).code === 'ENOEXEC' ? false : undefined;
  } finally {
    close(file);
  }
}

/** Whether calls of the x32 interface are answered: 0, or the error number that they all get. */
export function probeX32(): number {
  const result = negatedErrno(libcSyscall(X32_SYSCALL_BIT | syscallNumbers['x86-64'].dup, -1, 0, 0n));
  return result === -errnoNumbers.EBADF ? 0 : -result;
}

/** The error number of the trampfd system call for an address that nothing is at: EFAULT where somebody serves it. */
export function probeTrampfd(): number {
  return -negatedErrno(libcSyscall(TRAMPFD.SYS_trampfd, 0x11000, 0, 0n));
}

/** PR_GET_MDWE: whether memory-deny-write-execute is in force for this process; undefined where the kernel has none. */
export function probeMdwe(): boolean | undefined {
  const value = negatedErrno(libcPrctl(PR_GET_MDWE, 0, 0, 0, 0));
  return value < 0 ? undefined : (value & 1) === 1;
}

/** Whether no_new_privs is set for this process already. */
export function hasNoNewPrivileges(): boolean {
  return Number(libcPrctl(PRCTL.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) === 1;
}

/** Whether this user may make a user namespace; undefined where unshare(1), which tries it, is missing or refused. */
export function probeUserNamespace(): boolean | undefined {
  const { status, error } = spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore', env: { PATH: systemPath() } });
  if (error !== undefined || (status !== 0 && isUnshareAloneRefused(false))) return undefined;
  return status === 0;
}
