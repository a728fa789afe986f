/**
 * System call numbers, by the architecture that a call enters the kernel with.
 *
 * Those that the project names. Every call of both tables is in syscalls_x86_64.ts and syscalls_i386.ts, which no run needs.
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
  open: 2,
  close: 3,
  lseek: 8,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  mremap: 25,
  madvise: 28,
  shmat: 30,
  dup: 32,
  dup2: 33,
  socket: 41,
  sendmsg: 46,
  recvmsg: 47,
  socketpair: 53,
  clone: 56,
  vfork: 58,
  execve: 59,
  exit: 60,
  wait4: 61,
  fcntl: 72,
  chdir: 80,
  fchdir: 81,
  umask: 95,
  ptrace: 101,
  setsid: 112,
  capset: 126,
  uselib: 134,
  personality: 135,
  restart_syscall: 219,
  rt_tgsigqueueinfo: 297,
  pivot_root: 155,
  prctl: 157,
  setrlimit: 160,
  chroot: 161,
  acct: 163,
  mount: 165,
  umount2: 166,
  swapon: 167,
  swapoff: 168,
  reboot: 169,
  iopl: 172,
  ioperm: 173,
  create_module: 174,
  init_module: 175,
  delete_module: 176,
  get_kernel_syms: 177,
  query_module: 178,
  sched_setaffinity: 203,
  sched_getaffinity: 204,
  remap_file_pages: 216,
  exit_group: 231,
  kexec_load: 246,
  request_key: 249,
  keyctl: 250,
  openat: 257,
  mkdirat: 258,
  mknodat: 259,
  unlinkat: 263,
  symlinkat: 266,
  unshare: 272,
  dup3: 292,
  perf_event_open: 298,
  fanotify_init: 300,
  prlimit64: 302,
  open_by_handle_at: 304,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  kcmp: 312,
  finit_module: 313,
  seccomp: 317,
  memfd_create: 319,
  kexec_file_load: 320,
  bpf: 321,
  execveat: 322,
  userfaultfd: 323,
  pkey_mprotect: 329,
  statx: 332,
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_open: 434,
  clone3: 435,
  close_range: 436,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  landlock_create_ruleset: 444,
  landlock_add_rule: 445,
  landlock_restrict_self: 446,
  memfd_secret: 447,
} as const;

/** Numbers that an i386 entry uses (asm/unistd_32.h), also by `int 0x80` from a 64-bit program. */
const i386 = {
  read: 3,
  write: 4,
  execve: 11,
  lseek: 19,
  mount: 21,
  umount: 22,
  ptrace: 26,
  dup: 41,
  acct: 51,
  umount2: 52,
  ioctl: 54,
  fcntl: 55,
  dup2: 63,
  setrlimit: 75,
  uselib: 86,
  swapon: 87,
  reboot: 88,
  mmap: 90,
  munmap: 91,
  ioperm: 101,
  socketcall: 102,
  iopl: 110,
  vm86old: 113,
  swapoff: 115,
  ipc: 117,
  clone: 120,
  mprotect: 125,
  create_module: 127,
  init_module: 128,
  delete_module: 129,
  get_kernel_syms: 130,
  personality: 136,
  restart_syscall: 0,
  _llseek: 140,
  mremap: 163,
  vm86: 166,
  query_module: 167,
  prctl: 172,
  rt_sigaction: 174,
  pread64: 180,
  pwrite64: 181,
  vfork: 190,
  mmap2: 192,
  pivot_root: 217,
  madvise: 219,
  fcntl64: 221,
  sched_setaffinity: 241,
  sched_getaffinity: 242,
  remap_file_pages: 257,
  kexec_load: 283,
  request_key: 287,
  keyctl: 288,
  unshare: 310,
  dup3: 330,
  perf_event_open: 336,
  fanotify_init: 338,
  prlimit64: 340,
  open_by_handle_at: 342,
  setns: 346,
  seccomp: 354,
  process_vm_writev: 348,
  finit_module: 350,
  memfd_create: 356,
  bpf: 357,
  execveat: 358,
  socket: 359,
  socketpair: 360,
  userfaultfd: 374,
  pkey_mprotect: 380,
  shmat: 397,
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  clone3: 435,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
} as const;

/** Calls that came after the headers of Debian 12: since number 424 all entries count alike (asm-generic/unistd.h). */
export const laterSyscalls = { open_tree_attr: 467, fchroot: 472 } as const;

/**
 * The first number that no call had when this list was made (Linux 7.3 ends with fchroot, 472). What a later kernel has
 * from here on, nobody here has judged.
 */
export const FIRST_UNKNOWN_SYSCALL = 473;

/** Numbers from one to another, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The numbers below {@link FIRST_UNKNOWN_SYSCALL} that no call of an entry has (syscalls_x86_64.ts, syscalls_i386.ts). */
export const unusedNumbers: Readonly<Record<Entry, readonly NumberRange[]>> = {
  'x86-64': [{ from: 337, to: 423 }],
  i386: [
    { from: 222, to: 223 },
    { from: 251, to: 251 },
    { from: 285, to: 285 },
    { from: 387, to: 392 },
    { from: 415, to: 415 },
  ],
};

/** Number of each system call that trampfd names, by entry and name. */
export const syscallNumbers: {
  readonly 'x86-64': typeof x86_64 & typeof laterSyscalls;
  readonly i386: typeof i386 & typeof laterSyscalls;
} = {
  'x86-64': { ...x86_64, ...laterSyscalls },
  i386: { ...i386, ...laterSyscalls },
};

/** Name of a system call that trampfd names. */
export type SyscallName = keyof typeof x86_64 | keyof typeof i386 | keyof typeof laterSyscalls;

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
