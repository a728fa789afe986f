/**
 * Constants of ptrace(2) and madvise(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Requests of ptrace(2) (linux/ptrace.h), those of x86 among them (asm/ptrace-abi.h). */
export const PTRACE = {
  PTRACE_CONT: 7,
  PTRACE_GETREGS: 12,
  PTRACE_SETREGS: 13,
  PTRACE_DETACH: 17,
  PTRACE_SYSCALL: 24,
  PTRACE_SETOPTIONS: 0x4200,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETSIGINFO: 0x4202,
  PTRACE_SEIZE: 0x4206,
  PTRACE_INTERRUPT: 0x4207,
  PTRACE_LISTEN: 0x4208,
  PTRACE_PEEKSIGINFO: 0x4209,
  PTRACE_GETSIGMASK: 0x420a,
  PTRACE_SETSIGMASK: 0x420b,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
} as const;

/** Requests from Linux 6.4 on (linux/ptrace.h there), about syscall user dispatch of prctl(2). */
export const PTRACE_DISPATCH = {
  PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG: 0x4210,
  PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: 0x4211,
} as const;

/** Byte offsets in struct ptrace_peeksiginfo_args (linux/ptrace.h). */
export const PEEKSIGINFO_ARGS = { off: 0, flags: 8, nr: 12, size: 16 } as const;

/** Byte offsets in struct ptrace_sud_config (linux/ptrace.h from Linux 6.4 on). */
export const SUD_CONFIG = { mode: 0, selector: 8, offset: 16, len: 24, size: 32 } as const;

/** Byte offsets in struct ptrace_syscall_info (linux/ptrace.h): of any stop, of a call's entry, of its exit. */
export const SYSCALL_INFO = {
  op: 0,
  arch: 4,
  instruction_pointer: 8,
  nr: 24,
  args: 32,
  rval: 24,
  size: 128,
} as const;

/** Options of PTRACE_SEIZE, and the kinds of stop that PTRACE_GET_SYSCALL_INFO tells (linux/ptrace.h). */
export const PTRACE_STOP = {
  PTRACE_O_TRACESYSGOOD: 1,
  PTRACE_O_TRACEFORK: 2,
  PTRACE_O_TRACEVFORK: 4,
  PTRACE_O_TRACECLONE: 8,
  PTRACE_O_TRACEEXEC: 0x10,
  PTRACE_O_EXITKILL: 0x100000,
  PTRACE_EVENT_FORK: 1,
  PTRACE_EVENT_VFORK: 2,
  PTRACE_EVENT_CLONE: 3,
  PTRACE_EVENT_EXEC: 4,
  PTRACE_EVENT_STOP: 128,
  PTRACE_SYSCALL_INFO_NONE: 0,
  PTRACE_SYSCALL_INFO_ENTRY: 1,
  PTRACE_SYSCALL_INFO_EXIT: 2,
} as const;

/**
 * Flags of threads, as /proc/TID/stat has them (include/linux/sched.h of the kernel; no header has them): one that works
 * for io_uring(7), and one whose process has not executed a program since it was made.
 */
export const PF = { PF_IO_WORKER: 0x10, PF_FORKNOEXEC: 0x40 } as const;

/** Byte offsets in struct user_regs_struct of x86-64 (sys/user.h): the registers that calls and trampolines change. */
export const USER_REGS = {
  rbp: 32,
  rbx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  rax: 80,
  rcx: 88,
  rdx: 96,
  rsi: 104,
  rdi: 112,
  orig_rax: 120,
  rip: 128,
  cs: 136,
  eflags: 144,
  rsp: 152,
  ss: 160,
  size: 216,
} as const;

/** Bytes of the kernel's set of signals: 64 bits. */
export const SIGSET_SIZE = 8;

/** Advice of madvise(2) (sys/mman.h). */
export const MADV = { MADV_DONTFORK: 10 } as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/ptrace.h', PTRACE),
  ...listed('linux/ptrace.h', PTRACE_STOP),
  ...listed('sys/mman.h', MADV),
];
