/**
 * The rows of the interface's errno tables, as data: what has to be tried of each call, by every way into the kernel.
 *
 * @module
 */

/** A way into the kernel: as a program of either width, and as a 64-bit one through int 0x80. */
export type Entry = 'x86-64' | 'i386' | 'int 0x80';

export const entries: readonly Entry[] = ['x86-64', 'i386', 'int 0x80'];

/** A row: one reason for one outcome of a call. */
export interface Row {
  readonly call: string;
  /** An errno's name, or `success`. */
  readonly outcome: string;
  /** Its name in the programs; empty for a plain success. */
  readonly row: string;
  /** What is wrong, in words. */
  readonly sentence: string;
  /** The entries that it has to be tried by. */
  readonly entries: readonly Entry[];
}

const programs: readonly Entry[] = ['x86-64', 'i386'];

/** A row by its fields. */
export function row(
  call: string,
  outcome: string,
  name: string,
  sentence: string,
  by: readonly Entry[] = entries,
): Row {
  return { call, outcome, row: name, sentence, entries: by };
}

/** What is wrong with either descriptor, whichever call writes it. */
function descriptor(call: string): readonly Row[] {
  const code = call.endsWith('code');
  return [
    row(call, 'success', '', ''),
    row(call, 'EINVAL', 'buffer-null', 'NULL buffer'),
    row(call, 'EINVAL', 'count-zero', 'zero count'),
    row(call, 'EINVAL', 'count', 'count not 16'),
    ...(call.startsWith('pwrite') ? [row(call, 'EINVAL', 'offset', 'offset not 0 or 1')] : []),
    row(call, 'EFAULT', 'buffer-unreadable', 'buffer not readable'),
    row(call, 'EEXIST', 'set-already', 'set already'),
    row(call, 'EINVAL', 'register', "register name not of the caller's width"),
    row(call, 'EINVAL', 'register-of-the-other', 'the same register for code and data'),
    row(call, 'EINVAL', 'table-null', 'NULL table'),
    row(call, 'EINVAL', 'table-misaligned', 'misaligned table'),
    row(call, 'EINVAL', 'table-beyond', 'table beyond the address space'),
    ...(code
      ? [
          row(call, 'EINVAL', 'ntrampolines-zero', 'ntrampolines 0'),
          row(call, 'EINVAL', 'ntrampolines-above', "ntrampolines above info's"),
        ]
      : [row(call, 'EINVAL', 'reserved', 'reserved not 0')]),
    row(call, 'EBADF', 'closed', 'descriptor closed'),
  ];
}

/** General registers that have a number in the interface. */
export const REGISTERS: Readonly<Record<'x86-64' | 'i386', readonly string[]>> = {
  'x86-64': 'rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15'.split(' '),
  i386: 'eax ebx ecx edx esi edi ebp'.split(' '),
};

/** Every row of the second version's tables, with what has to succeed. */
export const tableRows: readonly Row[] = [
  row('create', 'success', '', ''),
  // Through int 0x80 there is no header, and a NULL never arrives: the number is process_madvise's then.
  row('create', 'EINVAL', 'info-null', 'info is NULL', programs),
  row('create', 'EFAULT', 'info-unwritable', 'info not writable'),
  row('create', 'EMFILE', 'no-descriptor', 'no descriptor free'),
  row('lseek', 'success', '', ''),
  row('lseek', 'EINVAL', 'whence', 'whence is not SEEK_SET'),
  row('lseek', 'EINVAL', 'offset', 'offset < 0 or >= 2'),
  row('lseek', 'EBADF', 'closed', 'descriptor closed'),
  ...['pwrite-code', 'pwrite-data', 'write-code', 'write-data'].flatMap(descriptor),
  row('read', 'EINVAL', 'always', 'always'),
  row('read', 'EBADF', 'closed', 'descriptor closed'),
  row('pread', 'EINVAL', 'always', 'always'),
  row('pread', 'EBADF', 'closed', 'descriptor closed'),
  row('mmap', 'success', '', ''),
  row('mmap', 'EINVAL', 'offset', 'offset not code_offset'),
  row('mmap', 'EINVAL', 'flags', 'flags not exactly MAP_PRIVATE'),
  row('mmap', 'EINVAL', 'length', 'length not one page when rounded up'),
  row('mmap', 'EINVAL', 'protection', 'protection not exactly PROT_READ and PROT_EXEC'),
  row('mmap', 'EINVAL', 'code-not-set', 'code not set'),
  row('mmap', 'EINVAL', 'data-not-set', 'data not set'),
  row('mmap', 'EINVAL', 'other-process', 'another process than the creator'),
  row('mmap', 'EEXIST', 'mapped-already', 'mapped already'),
  row('mmap', 'ENOMEM', 'no-address-space', 'no room in the address space', programs),
  row('mmap', 'EBADF', 'closed', 'descriptor closed'),
  row('munmap', 'success', '', ''),
  row('call', 'success', '', ''),
  ...(['x86-64', 'i386'] as const).flatMap((entry) =>
    REGISTERS[entry].flatMap((name) => [
      row('call', 'success', `code-${name}`, `${name} as code register, with every other one`, [entry]),
      row('call', 'success', `data-${name}`, `${name} as data register, with every other one`, [entry]),
    ]),
  ),
  ...['dup', 'dup2', 'dup3', 'fcntl'].map((call) => row(call, 'success', '', '')),
  row('dup', 'EBADF', 'closed', 'descriptor closed', programs),
  row('dup2', 'EBADF', 'number', 'number negative, or above the limit', programs),
  row('dup3', 'EINVAL', 'dup3-same', 'both numbers the same'),
  row('dup3', 'EINVAL', 'dup3-flags', 'unknown flag', programs),
  row('fcntl', 'EINVAL', 'minimum', 'F_DUPFD from a negative number, or from above the limit', programs),
  row('storm', 'success', 'with-sa-restart', 'signals, handled with SA_RESTART: nothing fails', programs),
  row(
    'storm',
    'success',
    'without-sa-restart',
    'signals, handled without: EINTR only where nothing was done',
    programs,
  ),
  row('storm', 'success', 'threads', 'threads that all create, map, call and drop', programs),
  row('storm', 'success', 'forks', 'processes that all create, map, call and drop', programs),
  row('storm', 'success', 'random-calls', 'calls at random, against a model', programs),
];

/** Rows that no program can bring about where all is in order, and why. */
export const unreachable: readonly { readonly call: string; readonly outcome: string; readonly reason: string }[] = [
  {
    call: 'create',
    outcome: 'ENOMEM',
    reason: 'no program can take from an implementation the memory for one more table',
  },
  { call: 'create', outcome: 'EOPNOTSUPP', reason: 'only a program of an architecture without trampolines gets it' },
];
