/**
 * The system calls that no policy refuses by number, class by class, each with the reason why none of them gives execution.
 * Some are judged by their registers or answered by the supervisor: the rules say so. No run needs this list; it is what
 * docs/system-calls.md is generated from, with what the rules of `wx` and `strict` say of each call.
 *
 * @module
 */

import type { Entry } from '../abi/syscalls.js';
import { i386 } from '../abi/syscalls_i386.js';
import { laterCalls, laterCallsOfX86_64, x86_64 } from '../abi/syscalls_x86_64.js';
import { refusedCalls } from './calls.js';

/** Every call of both entries, by name. */
export const everyCall: Readonly<Record<Entry, Readonly<Record<string, number>>>> = {
  'x86-64': { ...x86_64, ...laterCallsOfX86_64, ...laterCalls },
  i386: { ...i386, ...laterCalls },
};

/** Calls that one sentence is true of. */
export interface CallClass {
  /** Why no call of the class gives execution, or what it would give where it is refused. */
  readonly why: string;
  readonly calls: readonly string[];
}

/** Names that stand in one string with blanks between them; a test holds that each is a call's, and in one class only. */
function named(names: string): readonly string[] {
  return names.split(' ');
}

/** Every class of allowed calls. */
const allowedCalls: readonly CallClass[] = [
  {
    why: 'changes the protection of memory or attaches memory: judged by its registers, none becomes executable',
    calls: named('mmap mmap2 mprotect pkey_mprotect shmat ipc personality'),
  },
  {
    why: 'replaces pages of a mapping by others of its file: not while files are judged',
    calls: named('remap_file_pages'),
  },
  {
    why: 'executes a program: files that can be written are on mounts that are noexec, and what a file asks for is judged',
    calls: named('execve execveat'),
  },
  {
    why: 'makes a file that can be mapped as code: under strict the supervisor makes it, where it cannot be',
    calls: named('memfd_create'),
  },
  {
    why: 'makes memory that is never executable: its kernel mount is noexec, or the processor alone writes to it',
    calls: named('memfd_secret map_shadow_stack io_setup shmget'),
  },
  {
    why: 'makes a process or thread, which has the same filter, mounts and descriptors; flags of namespaces are judged',
    calls: named('fork vfork clone clone3 unshare'),
  },
  {
    why: 'a command of a device or file: those that type into a terminal, export buffers or reach ports are refused',
    calls: named('ioctl'),
  },
  {
    why: 'makes a socket: under strict of a family that needs no module and shares no executable memory',
    calls: named('socket socketpair socketcall'),
  },
  {
    why: 'sets limits: one of core files decides whether the kernel starts a program that takes them',
    calls: named('setrlimit prlimit64'),
  },
  {
    why: 'asks for or changes keys: the kernel starts a helper program for a key that is asked for with callout data',
    calls: named('request_key add_key keyctl'),
  },
  {
    why: 'reports events of files; it opens files for whoever may administer the system only, and reports names else',
    calls: named('fanotify_init'),
  },
  {
    why: 'sets attributes of the process: none adds execution; where its memory map is described is judged',
    calls: named('prctl'),
  },
  {
    why: 'moves, resizes, drops, locks or describes mappings, and keeps their protection',
    calls: named(
      'munmap mremap brk madvise msync mincore mlock mlock2 munlock mlockall munlockall mseal shmdt shmctl ' +
        'mbind set_mempolicy get_mempolicy set_mempolicy_home_node migrate_pages move_pages pkey_alloc pkey_free ' +
        'process_madvise process_mrelease cachestat',
    ),
  },
  {
    why: 'sets a segment, a base or a list of this thread: the same pages by another address, as executable as they are',
    calls: named(
      'modify_ldt set_thread_area get_thread_area arch_prctl set_tid_address set_robust_list get_robust_list ' +
        'rseq rseq_slice_yield membarrier',
    ),
  },
  {
    why: 'names a file: the mount that the name leads through decides whether it can be written or be executed',
    calls: named(
      'open creat openat openat2 access faccessat faccessat2 stat lstat newfstatat statx stat64 lstat64 fstatat64 ' +
        'oldstat oldlstat readlink readlinkat link linkat unlink unlinkat symlink symlinkat rename renameat renameat2 ' +
        'mkdir mkdirat rmdir chmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchownat truncate truncate64 ' +
        'utime utimes utimensat utimensat_time64 futimesat chdir statfs statfs64 getxattr lgetxattr listxattr ' +
        'llistxattr setxattr lsetxattr removexattr lremovexattr getxattrat setxattrat listxattrat removexattrat ' +
        'file_getattr file_setattr name_to_handle_at getcwd umask',
    ),
  },
  {
    why: 'makes a node: device nodes need a capability that is given up, and mounts are nodev',
    calls: named('mknod mknodat'),
  },
  {
    why: 'sets the folder that names begin at: the mounts below it stay what they are',
    calls: named('chroot'),
  },
  {
    why: 'works on a descriptor: what it may do was decided by the mount that the file was opened through',
    calls: named(
      'read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek _llseek dup ' +
        'dup2 dup3 fcntl fcntl64 flock fsync fdatasync syncfs sync_file_range fstat fstat64 oldfstat fstatfs fstatfs64 ' +
        'ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead getdents getdents64 readdir fchdir fchmod ' +
        'fchown fchown32 fgetxattr flistxattr fsetxattr fremovexattr sync quotactl quotactl_fd',
    ),
  },
  {
    why: 'copies between descriptors and memory: pages of files that cannot be written are copied, never shared',
    calls: named(
      'sendfile sendfile64 splice tee vmsplice copy_file_range io_submit io_cancel io_destroy io_getevents ' +
        'io_pgetevents io_pgetevents_time64',
    ),
  },
  {
    why: 'makes or uses a descriptor that has no memory to be mapped',
    calls: named(
      'pipe pipe2 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll ppoll_time64 ' +
        'select _newselect pselect6 pselect6_time64 eventfd eventfd2 signalfd signalfd4 inotify_init inotify_init1 ' +
        'inotify_add_watch inotify_rm_watch fanotify_mark timerfd_create timerfd_settime timerfd_gettime ' +
        'timerfd_settime64 timerfd_gettime64 pidfd_open pidfd_send_signal mq_open mq_unlink mq_timedsend ' +
        'mq_timedreceive mq_timedsend_time64 mq_timedreceive_time64 mq_notify mq_getsetattr',
    ),
  },
  {
    why: 'works on a socket: descriptors that arrive were made or sent by somebody, and memory of a socket is not executable',
    calls: named(
      'connect accept accept4 bind listen getsockname getpeername sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg ' +
        'recvmmsg_time64 shutdown setsockopt getsockopt',
    ),
  },
  {
    why: 'sends messages or counts, in memory of the kernel',
    calls: named(
      'semget semop semctl semtimedop semtimedop_time64 msgget msgsnd msgrcv msgctl futex futex_time64 futex_waitv ' +
        'futex_wake futex_wait futex_requeue',
    ),
  },
  {
    why: 'signals, and what a thread does about them: a handler is code that is there already',
    calls: named(
      'rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo ' +
        'rt_tgsigqueueinfo rt_sigsuspend sigaltstack sigaction sigprocmask sigpending sigreturn sigsuspend signal ' +
        'sgetmask ssetmask kill tkill tgkill pause restart_syscall uprobe uretprobe',
    ),
  },
  {
    why: 'ends, waits, schedules or is told about processes',
    calls: named(
      'exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp getsid setpgid setsid getpriority ' +
        'setpriority nice sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler ' +
        'sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 ' +
        'sched_setaffinity sched_getaffinity sched_setattr sched_getattr ioprio_set ioprio_get getrusage getrlimit ' +
        'ugetrlimit times getcpu kcmp process_vm_readv',
    ),
  },
  {
    why: 'sets or tells users, groups, capabilities and further restrictions: execution gives no privilege back',
    calls: named(
      'getuid getgid geteuid getegid setuid setgid setreuid setregid setresuid setresgid getresuid getresgid setfsuid ' +
        'setfsgid getgroups setgroups getuid32 getgid32 geteuid32 getegid32 setuid32 setgid32 setreuid32 setregid32 ' +
        'setresuid32 setresgid32 getresuid32 getresgid32 setfsuid32 setfsgid32 getgroups32 setgroups32 capget capset ' +
        'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_set_self_attr ' +
        'lsm_list_modules',
    ),
  },
  {
    why: 'clocks and timers',
    calls: named(
      'nanosleep clock_nanosleep clock_nanosleep_time64 alarm getitimer setitimer gettimeofday settimeofday time stime ' +
        'adjtimex clock_adjtime clock_adjtime64 clock_gettime clock_gettime64 clock_settime clock_settime64 ' +
        'clock_getres clock_getres_time64 timer_create timer_settime timer_settime64 timer_gettime timer_gettime64 ' +
        'timer_getoverrun timer_delete',
    ),
  },
  {
    why: 'tells or sets a name or a figure of the system: no memory, no file',
    calls: named(
      'uname olduname oldolduname sethostname setdomainname sysinfo syslog sysfs ustat getrandom vhangup statmount ' +
        'listmount listns lookup_dcookie',
    ),
  },
  {
    why: 'a number that no kernel of today answers',
    calls: named(
      '_sysctl nfsservctl getpmsg putpmsg afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old bdflush ' +
        'break stty gtty ftime prof lock mpx ulimit idle profil',
    ),
  },
];

/** Every class, the refused ones first. */
export const callClasses: readonly CallClass[] = [...refusedCalls, ...allowedCalls];
