/**
 * Constants of prctl(2), personality(2), wait(2), signal(7), getrlimit(2), shmat(2), ipc(2), kcmp(2), poll(2) and
 * timer_create(2).
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Options of prctl(2) (linux/prctl.h). */
export const PRCTL = {
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  PR_SET_NAME: 15,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_DROP: 24,
  PR_SET_MM: 35,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
} as const;

/** PR_SET_MDWE of prctl(2) and its flag, from Linux 6.3 (linux/prctl.h there). */
export const PR_SET_MDWE = 65;
export const PR_MDWE_REFUSE_EXEC_GAIN = 1;

/** PR_GET_MDWE of prctl(2), from Linux 6.3 (linux/prctl.h there). */
export const PR_GET_MDWE = 66;

/** Modes of PR_SET_SYSCALL_USER_DISPATCH (linux/prctl.h); the last one from Linux 6.16 on. */
export const PR_SYS_DISPATCH = { off: 0, on: 1, inclusive: 2 } as const;

/** Bits of personality(2) (linux/personality.h). */
export const PERSONALITY = { READ_IMPLIES_EXEC: 0x0400000, ADDR_NO_RANDOMIZE: 0x0040000 } as const;

/** The argument of personality(2) that only asks. */
export const PERSONALITY_QUERY = 0xffffffff;

/** Flags of shmat(2) (linux/shm.h). */
export const SHM = { SHM_EXEC: 0o100000 } as const;

/** The call numbers that ipc(2) multiplexes (linux/ipc.h). */
export const IPC = { SHMAT: 21 } as const;

/** What kcmp(2) compares (linux/kcmp.h). */
export const KCMP = { KCMP_FILE: 0, KCMP_VM: 1, KCMP_FILES: 2 } as const;

/** Options of waitpid(2) (linux/wait.h). */
export const WAIT = {
  WNOHANG: 1,
  WUNTRACED: 2,
  WCONTINUED: 8,
  WSTOPPED: 2,
  WEXITED: 4,
  WNOWAIT: 0x01000000,
  __WALL: 0x40000000,
  __WNOTHREAD: 0x20000000,
  P_PID: 1,
} as const;

/** What a siginfo_t of waitid(2) says of stops: between a tracer and its tracee, and by a signal (bits/siginfo-consts.h). */
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;

/** Byte offsets in siginfo_t (asm-generic/siginfo.h). */
export const SIGINFO = { si_signo: 0, si_code: 8, si_addr: 16, si_status: 24, size: 128 } as const;

/** struct sigaction as rt_sigaction(2) has it on x86-64 and on i386: handler, flags, restorer, mask; bytes of it, and of the mask. */
export const KERNEL_SIGACTION = { size: 32, size32: 20, mask: 8 } as const;

/** si_code of a signal that the kernel sends for a fault without an address (asm-generic/siginfo.h). */
export const SI_KERNEL = 0x80;

/** si_code of a SIGSEGV for an access that its page does not permit (asm-generic/siginfo.h). */
export const SEGV_ACCERR = 2;

/** si_code of a SIGSYS: by a seccomp filter, and by syscall user dispatch (asm-generic/siginfo.h). */
export const SYS_SECCOMP = 1;
export const SYS_USER_DISPATCH = 2;

/** si_code of a signal that tgkill(2) sends (asm-generic/siginfo.h). */
export const SI_TKILL = -6;

/** Resources of getrlimit(2) (linux/resource.h, asm-generic/resource.h). */
export const RLIMIT = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_CORE: 4,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_AS: 9,
  RLIMIT_SIGPENDING: 11,
} as const;

/** The clock of a timer (linux/time.h), and how it tells of its end (asm-generic/siginfo.h): a signal to one thread. */
export const CLOCK_MONOTONIC = 1;
export const SIGEV_THREAD_ID = 4;

/** Byte offsets in struct sigevent (asm-generic/siginfo.h). */
export const SIGEVENT = { sigev_signo: 8, sigev_notify: 12, sigev_notify_thread_id: 16, size: 64 } as const;

/** Events of poll(2) (linux/poll.h). */
export const POLL = { POLLIN: 1, POLLOUT: 4, POLLERR: 8, POLLHUP: 16 } as const;

/** Pidfds that name the calling thread and process, from Linux 6.14 (PIDFD_SELF_*, linux/fcntl.h or linux/pidfd.h there). */
export const PIDFD_SELF: readonly number[] = [-10000, -10001];

/** Every constant above that the headers of Debian 12 have, for the test against them. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/prctl.h', PRCTL),
  ...listed('linux/personality.h', PERSONALITY),
  ...listed('sys/shm.h', SHM),
  ...listed('linux/ipc.h', IPC),
  ...listed('linux/wait.h', WAIT),
  ...listed('signal.h', { CLD_TRAPPED, CLD_STOPPED, SI_KERNEL, SEGV_ACCERR }),
  ...listed('linux/kcmp.h', KCMP),
  ...listed('linux/resource.h', RLIMIT),
  ...listed('linux/poll.h', POLL),
  ...listed('linux/time.h', { CLOCK_MONOTONIC }),
  ...listed('asm-generic/siginfo.h', { SIGEV_THREAD_ID, SYS_SECCOMP, SYS_USER_DISPATCH }),
];
