/**
 * The rows of the first version's errno tables, and what its calls have to do.
 *
 * @module
 */
import { entries, REGISTERS, type Row, row } from './rows.js';

const programs = ['x86-64', 'i386'] as const;

/**
 * Calls that are tried by int 0x80 as well, with their rows: where the entry makes a difference, in numbers, widths of
 * values and offsets, or names of registers.
 */
const byInt80: Readonly<Record<string, readonly string[]>> = {
  'v1-create': ['', 'flags', 'reserved', 'third-argument', 'user-unreadable', 'no-descriptor'],
  'v1-lseek': ['', 'whence', 'offset'],
  'v1-pwrite-map': ['always'],
  'v1-pwrite-regs': [
    ...['', 'buffer-null', 'count-zero', 'count-below', 'count-above', 'count-not-as-said', 'buffer', 'offset'],
    ...['register', 'value-too-wide', 'no-pc', 'pc-not-allowed'],
  ],
  'v1-write-regs': [''],
  'v1-pread-regs': ['', 'buffer', 'offset'],
  'v1-read-regs': [''],
  'v1-pwrite-stack': [''],
  'v1-pread-stack': [''],
  'v1-pwrite-pcs': ['', 'removed'],
  'v1-pread-pcs': ['always'],
  'v1-pread-map': [''],
  'v1-mmap': ['', 'offset', 'length', 'closed'],
  'v1-munmap': [''],
  'v1-call': [''],
};

const all = (call: string, outcome: string, name: string, sentence: string): Row =>
  row(call, outcome, name, sentence, byInt80[call]?.includes(name) ? entries : programs);

/** What is wrong with the arguments of every call that reaches a context, and the plain success. */
function transfer(call: string): readonly Row[] {
  return [
    all(call, 'success', '', ''),
    all(call, 'EINVAL', 'buffer-null', 'NULL buffer'),
    all(call, 'EINVAL', 'count-zero', 'zero count'),
    all(call, 'EINVAL', 'count-below', 'count below the header'),
    all(call, 'EINVAL', 'count-above', 'count above the maximum'),
    all(call, 'EFAULT', 'buffer', 'buffer not to be had'),
    all(call, 'EBADF', 'closed', 'descriptor closed'),
  ];
}

/** What is wrong with a context that is written. */
function written(call: string): readonly Row[] {
  const common = [
    ...transfer(call),
    all(call, 'EINVAL', 'count-not-as-said', 'count not equal to the size that the header says'),
    all(call, 'EINVAL', 'reserved', 'reserved not 0'),
    all(call, 'EINVAL', 'too-many', 'more entries than there may be'),
    all(call, 'success', 'removed', 'a zero count of entries removes the context'),
  ];
  if (call.endsWith('stack')) {
    return [
      ...common,
      all(call, 'EINVAL', 'flags', 'flags other than SET_SP'),
      all(call, 'EINVAL', 'stack-offset', 'offset above 256'),
    ];
  }
  if (call.endsWith('pcs')) return [...common, all(call, 'EINVAL', 'value-zero', 'a value that is 0')];
  return [
    ...common,
    all(call, 'EINVAL', 'register', "register name not of the caller's width"),
    all(call, 'EINVAL', 'register-reserved', "a register's reserved not 0"),
    all(call, 'EINVAL', 'no-pc', 'no PC'),
    all(call, 'EINVAL', 'pc-zero', 'a PC of 0'),
    all(call, 'EINVAL', 'pc-not-allowed', 'a PC that is not allowed'),
    row(call, 'EINVAL', 'value-too-wide', 'a value wider than a register', [
      'i386',
      ...(byInt80[call]?.includes('value-too-wide') ? (['int 0x80'] as const) : []),
    ]),
  ];
}

/** Every row of the first version's tables, with what has to succeed. */
export const contextRows: readonly Row[] = [
  all('v1-create', 'success', '', ''),
  all('v1-create', 'EINVAL', 'flags', 'flags not 0'),
  all('v1-create', 'EINVAL', 'reserved', 'reserved not 0'),
  all('v1-create', 'EINVAL', 'third-argument', 'third argument not 0'),
  all('v1-create', 'EFAULT', 'user-unreadable', 'structure not readable'),
  all('v1-create', 'EMFILE', 'no-descriptor', 'no descriptor free'),
  all('v1-lseek', 'success', '', ''),
  all('v1-lseek', 'EINVAL', 'whence', 'whence is not SEEK_SET'),
  all('v1-lseek', 'EINVAL', 'offset', 'offset < 0 or >= 4'),
  ...['pwrite', 'write'].flatMap((call) => [
    all(`v1-${call}-map`, 'EINVAL', 'always', 'always'),
    ...['regs', 'stack', 'pcs'].flatMap((kind) => written(`v1-${call}-${kind}`)),
  ]),
  ...['pread', 'read'].flatMap((call) => [
    ...['map', 'regs', 'stack'].flatMap((kind) => transfer(`v1-${call}-${kind}`)),
    all(`v1-${call}-pcs`, 'EINVAL', 'always', 'always'),
  ]),
  all('v1-pwrite-regs', 'EINVAL', 'offset', 'offset < 0 or >= 4'),
  all('v1-pread-regs', 'EINVAL', 'offset', 'offset < 0 or >= 4'),
  all('v1-pread-regs', 'success', 'as-written', 'as it was written, up to the count'),
  all('v1-pread-stack', 'success', 'as-written', 'as it was written, up to the count'),
  all('v1-mmap', 'success', '', ''),
  all('v1-mmap', 'success', 'again', 'mapped already'),
  all('v1-mmap', 'success', 'other-process', 'by a child'),
  all('v1-mmap', 'success', 'received', 'by a process that received the descriptor'),
  all('v1-mmap', 'EINVAL', 'length', 'length not as it says'),
  all('v1-mmap', 'EINVAL', 'protection', 'protection not as it says'),
  all('v1-mmap', 'EINVAL', 'flags', 'flags not as it says'),
  all('v1-mmap', 'EINVAL', 'offset', 'offset not as it says'),
  all('v1-mmap', 'EBADF', 'closed', 'descriptor closed'),
  all('v1-munmap', 'success', '', ''),
  all('v1-call', 'success', '', ''),
  all('v1-call', 'success', 'without-registers', 'without a register context: SIGSEGV at the address called'),
  all('v1-call', 'success', 'not-inherited', 'in a child that has not mapped it: SIGSEGV'),
  all('v1-call', 'success', 'register-pc', 'the PC alone'),
  ...programs.flatMap((entry) =>
    REGISTERS[entry].map((name) => row('v1-call', 'success', `register-${name}`, `${name}, executed`, [entry])),
  ),
  all('v1-call', 'success', 'last-of-a-name', 'a name that comes twice: the last counts'),
  all('v1-call', 'success', 'stack-sizes', 'every size of data'),
  all('v1-call', 'success', 'stack-offsets', 'every offset of data'),
  all('v1-call', 'success', 'stack-set-sp', 'the stack pointer is aligned, and moves'),
  all('v1-call', 'success', 'stack-removed', 'a stack context that was removed'),
  all('v1-call', 'success', 'stack-replaced', 'a stack context that was replaced'),
  all('v1-call', 'success', 'read-back', 'what is read back is what was meant (3 August 2020)'),
  all('v1-storm', 'success', 'replaced', 'contexts replaced under calls: never half of one'),
  all('v1-storm', 'success', 'with-sa-restart', 'signals, handled with SA_RESTART: nothing fails'),
  all('v1-storm', 'success', 'without-sa-restart', 'signals, handled without: EINTR only where nothing was done'),
  all('v1-storm', 'success', 'threads', 'threads that all create, set, map and call'),
];
