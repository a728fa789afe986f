/**
 * System call numbers, by the architecture that a call enters the kernel with.
 *
 * Source: asm/unistd_64.h and asm/unistd_32.h of the kernel's user-space headers; a test holds every entry against the
 * headers of the system with the C compiler.
 *
 * @module
 */

/** Ways to enter the kernel that a filter tells apart by AUDIT_ARCH. x32 shares the value of x86-64 and sets bit 30. */
export type Entry = 'x86-64' | 'i386';

/** Numbers that a 64-bit entry uses (asm/unistd_64.h). */
const x86_64 = {
  read: 0,
  write: 1,
  lseek: 8,
  mmap: 9,
  mprotect: 10,
  pread64: 17,
  pwrite64: 18,
  madvise: 28,
  shmat: 30,
  dup: 32,
  dup2: 33,
  exit: 60,
  fcntl: 72,
  personality: 135,
  dup3: 292,
  process_vm_readv: 310,
  process_vm_writev: 311,
  kcmp: 312,
  seccomp: 317,
  memfd_create: 319,
  pkey_mprotect: 329,
  statx: 332,
  pidfd_open: 434,
  pidfd_getfd: 438,
  process_madvise: 440,
} as const;

/** Numbers that an i386 entry uses (asm/unistd_32.h), also by `int 0x80` from a 64-bit program. */
const i386 = {
  read: 3,
  write: 4,
  lseek: 19,
  dup: 41,
  fcntl: 55,
  dup2: 63,
  mmap: 90,
  ipc: 117,
  mprotect: 125,
  personality: 136,
  _llseek: 140,
  pread64: 180,
  pwrite64: 181,
  mmap2: 192,
  madvise: 219,
  fcntl64: 221,
  dup3: 330,
  pkey_mprotect: 380,
  shmat: 397,
  process_madvise: 440,
} as const;

/** Number of each system call that trampfd names, by entry and name. */
export const syscallNumbers: { readonly 'x86-64': typeof x86_64; readonly i386: typeof i386 } = {
  'x86-64': x86_64,
  i386,
};

/** Name of a system call that trampfd names. */
export type SyscallName = keyof typeof x86_64 | keyof typeof i386;

/** The number of a system call for an entry, or undefined where that entry has none of this name. */
export function syscallNumber(entry: Entry, name: SyscallName): number | undefined {
  return (syscallNumbers[entry] as Partial<Record<SyscallName, number>>)[name];
}

/** The name of a numbered system call for an entry, or undefined where trampfd does not name it. */
export function syscallName(entry: Entry, number: number): SyscallName | undefined {
  for (const [name, value] of Object.entries(syscallNumbers[entry])) {
    if (value === number) return name as SyscallName;
  }
  return undefined;
}
