/**
 * The rows of the matrix: every way to run bytes that a program wrote itself, each with the program of test/programs/wx
 * that tries it. Numbers up to 30 are those of the list that this project was measured against.
 *
 * @module
 */

export type Width = 'x86-64' | 'i386';

/** One way. */
export interface MatrixRow {
  readonly number: number;
  readonly program: string;
  readonly way: string;
  readonly widths: readonly Width[];
  /** Whether chance decides how an attempt fails: only whether bytes ran is held then. */
  readonly isRace: boolean;
}

const BOTH: readonly Width[] = ['x86-64', 'i386'];

function row(number: number, name: string, way: string, widths: readonly Width[] = BOTH): MatrixRow {
  const program = `row-${String(number).padStart(2, '0')}-${name}`;
  return { number, program, way, widths, isRace: false };
}

function race(number: number, name: string, way: string, widths: readonly Width[] = BOTH): MatrixRow {
  return { ...row(number, name, way, widths), isRace: true };
}

/**
 * All of them. What is one device, one setting of the machine or one supervisor is tried by programs of one width only; so
 * is what takes thousands of executions.
 */
export const matrixRows: readonly MatrixRow[] = [
  row(1, 'anonymous', '`mmap` of anonymous memory, writable and executable'),
  row(2, 'mprotect', '`mprotect`, `pkey_mprotect` to executable, with or without read'),
  row(3, 'rewritten', 'executable memory made writable, changed, made executable again'),
  row(4, 'stack', 'the stack, with `PROT_GROWSDOWN`'),
  row(5, 'own-text', "the program's own text, as for text relocations"),
  row(6, 'private-file', 'a private mapping of a file: changed, then executable'),
  row(7, 'memfd', 'a memfd: written, then mapped executable'),
  row(8, 'memfd-twice', 'a memfd mapped twice, writable and executable'),
  row(9, 'file', 'a file of its own mapped twice, or mapped and then written; on every mount'),
  row(10, 'mremap', '`mremap` with old size 0, then `mprotect`'),
  row(11, 'remap-file-pages', '`remap_file_pages` into an executable shared mapping'),
  row(12, 'shmat', '`shmat` with `SHM_EXEC`, writable'),
  row(13, 'shmat-twice', '`shmat` twice: writable, and read-only with `SHM_EXEC`'),
  row(14, 'memory-file', '`/proc/PID/mem` written over executable memory'),
  row(16, 'process-vm-writev', '`process_vm_writev` over executable memory'),
  row(17, 'ptrace', '`ptrace`: a child, a parent, a sibling'),
  row(18, 'userfaultfd', '`userfaultfd`, `/dev/userfaultfd`'),
  row(20, 'personality', '`personality(READ_IMPLIES_EXEC)`'),
  row(21, 'i386-entry', 'the other entry: `int $0x80` from a 64-bit program', ['x86-64']),
  row(21, 'x86-64-entry', 'the other entry: `syscall` from a 32-bit program', ['i386']),
  row(22, 'x32-numbers', 'numbers of x32 (bit 30)', ['x86-64']),
  row(23, 'executable-stack', 'starting a file that asks for an executable stack, or (i386) says nothing of it'),
  row(24, 'writable-segment', 'starting a file with a writable and executable segment'),
  row(25, 'new-program', 'starting a new program: a file, a memfd, an interpreter, by the loader'),
  row(26, 'map-files', '`/proc/PID/map_files` reopened for writing'),
  row(27, 'device-zero', '`/dev/zero`, private, writable and executable'),
  row(28, 'rings', 'rings of io_uring, perf, AF_PACKET, AIO; `memfd_secret`, BPF maps, dma-bufs, TCP'),
  row(30, 'read', '`read` and its like into executable memory'),
  row(31, 'shared-memory', 'shared anonymous memory: executable first, writable at a second address'),
  row(32, 'copies', '`splice`, `vmsplice`, `tee`, `sendfile`, `copy_file_range`, clones'),
  row(33, 'io-uring', 'io_uring: reads, registered buffers, writes, files that it opens'),
  row(34, 'remapped', '`mremap`, `madvise`, `process_madvise`: pages and protections apart'),
  row(35, 'libraries', '`LD_PRELOAD`, `LD_AUDIT`, `LD_LIBRARY_PATH`, `dlopen` of a new file'),
  row(36, 'opened-again', 'a trusted file opened for writing, by itself or by links of /proc'),
  row(37, 'namespaces', 'new namespaces and mounts: `unshare`, `clone`, `clone3`, `open_tree`, `chroot`'),
  row(38, 'setuid', 'set-user-ID programs'),
  row(39, 'segments-and-huge-pages', 'System V shared memory in other ways; huge pages'),
  row(40, 'devices', 'memory, disks, DAX, a virtual machine', ['x86-64']),
  row(41, 'helpers', 'programs that the kernel starts (`core_pattern`, `release_agent`, `request_key`); core files', [
    'x86-64',
  ]),
  row(42, 'process-outside', 'a process outside of the run: its root, files, memory; also after `setuid`'),
  row(43, 'handles', '`open_by_handle_at`'),
  row(44, 'inherited', 'inherited descriptors and folders, a removed working folder'),
  row(45, 'same-file', 'a trusted file by another name: hard links, other mounts, folders moved'),
  race(46, 'descriptor-swap', 'a descriptor swapped by a thread, while it is mapped or executed'),
  race(47, 'path-swap', 'a path swapped while it is executed; two threads, stops and signals in `execve`', ['x86-64']),
  row(48, 'passed', 'descriptors passed within the run (SCM_RIGHTS, `pidfd_getfd`); seals'),
  row(49, 'supervisor', 'the supervisor: traced, written, robbed, stopped, killed', ['x86-64']),
  row(50, 'uselib', '`uselib`: the kernel maps a file writable and executable'),
  row(51, 'terminal', 'commands typed into a terminal, for a shell to read: EXEC says that they arrive'),
  row(
    60,
    'inherited-kinds',
    'inherited `/dev/zero`, rings, buffers and BPF maps; files in queues of sockets in queues',
  ),
  row(65, 'outer-folders', 'folders around the root folder: `chroot` left by descriptors, `..`, links of `/proc`'),
  row(66, 'later-nodes', 'device nodes made by the run, or not there when it starts; input devices'),
  row(80, 'chosen-bytes', 'bytes of choice in trampolines: distances, values of contexts, addresses of tables'),
];
