/**
 * The system calls that are refused by number, class by class. With those that are not (calls_allowed.ts) they are every call of
 * both entries; what is in neither list does not exist under `strict` (ENOSYS).
 *
 * @module
 */
import type { ErrnoName } from '../abi/errno.js';
import { type Entry, type SyscallName, syscallNumber } from '../abi/syscalls.js';
import { failWith, type Rule } from './rule.js';

/** Calls that are refused whatever their arguments are. */
export interface RefusedClass {
  /** What a call of the class would give. */
  readonly why: string;
  readonly calls: readonly SyscallName[];
  /** Under which policies: `wx` and `strict`, or `strict` alone. */
  readonly under: 'both' | 'strict';
  readonly errno: ErrnoName;
}

/** Calls that are refused by number. EPERM is what a caller without the privilege gets. */
export const refusedCalls: readonly RefusedClass[] = [
  {
    under: 'both',
    errno: 'EACCES',
    why: 'maps a file writable and executable at an address of the file’s choice, where the kernel still has it',
    calls: ['uselib'],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'reads or writes the memory or takes the descriptors of another process, or decides what its pages hold',
    calls: ['ptrace', 'process_vm_writev', 'pidfd_getfd', 'userfaultfd'],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'makes or changes mounts, namespaces or the root, or opens files past the mounts',
    calls: [
      ...(['mount', 'umount', 'umount2', 'pivot_root', 'open_tree', 'open_tree_attr', 'move_mount'] as const),
      ...(['fsopen', 'fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'setns', 'open_by_handle_at'] as const),
      'fchroot',
    ],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'loads code into the kernel, or a kernel',
    calls: [
      ...(['init_module', 'finit_module', 'delete_module', 'create_module', 'get_kernel_syms'] as const),
      ...(['query_module', 'kexec_load', 'kexec_file_load', 'bpf', 'reboot'] as const),
    ],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'its buffer is shared with the kernel; it samples other processes and the kernel',
    calls: ['perf_event_open'],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why:
      'its rings can be mapped executable on many kernels, and what a ring asks for (files, sockets, commands of ' +
      'devices) is seen by no filter',
    calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'reaches ports of devices, and memory through them',
    calls: ['iopl', 'ioperm', 'vm86', 'vm86old'],
  },
  {
    under: 'strict',
    errno: 'EPERM',
    why: 'has the kernel write pages of memory, or records of processes, to a file or device of the caller’s choice',
    calls: ['swapon', 'swapoff', 'acct'],
  },
];

/** The names of a class that an entry has, as rules that refuse them. */
function refusing(entry: Entry, { calls, errno }: RefusedClass): readonly Rule[] {
  return calls
    .filter((call) => syscallNumber(entry, call) !== undefined)
    .map((call): Rule => ({ entry, call, when: [], verdict: failWith(errno) }));
}

/** Rules that refuse by number what `wx` refuses, or what `strict` refuses beside that. */
export function refusalsByNumber(entry: Entry, under: RefusedClass['under']): readonly Rule[] {
  return refusedCalls.filter((one) => one.under === under).flatMap((one) => refusing(entry, one));
}
