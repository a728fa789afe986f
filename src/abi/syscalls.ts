/**
 * System call numbers, by the architecture that a call enters the kernel with: every call of both tables.
 *
 * Source: asm/unistd_64.h and asm/unistd_32.h of the kernel's user-space headers; a test holds every entry against the
 * headers of the system with the C compiler.
 *
 * @module
 */
import { i386 } from './syscalls_i386.js';
import { laterSyscalls, laterX86_64, x86_64 } from './syscalls_x86_64.js';

export { laterSyscalls, laterX86_64 } from './syscalls_x86_64.js';

/** Ways to enter the kernel that a filter tells apart by AUDIT_ARCH. x32 shares the value of x86-64 and sets bit 30. */
export type Entry = 'x86-64' | 'i386';

/**
 * The first number that no call had when this list was made (Linux 7.3 ends with fchroot, 472). What a later kernel has
 * from here on, nobody here has judged.
 */
export const FIRST_UNKNOWN_SYSCALL = 473;

/** Number of each system call, by entry and name. */
export const syscallNumbers: {
  readonly 'x86-64': typeof x86_64 & typeof laterX86_64 & typeof laterSyscalls;
  readonly i386: typeof i386 & typeof laterSyscalls;
} = {
  'x86-64': { ...x86_64, ...laterX86_64, ...laterSyscalls },
  i386: { ...i386, ...laterSyscalls },
};

/** Name of a system call of either entry. */
export type SyscallName = keyof (typeof syscallNumbers)['x86-64'] | keyof (typeof syscallNumbers)['i386'];

/** The number of a system call for an entry, or undefined where that entry has none of this name. */
export function syscallNumber(entry: Entry, name: SyscallName): number | undefined {
  return (syscallNumbers[entry] as Partial<Record<SyscallName, number>>)[name];
}

function namesOf(entry: Entry): ReadonlyMap<number, SyscallName> {
  return new Map(Object.entries(syscallNumbers[entry]).map(([name, number]) => [number, name as SyscallName]));
}

const names: Readonly<Record<Entry, ReadonlyMap<number, SyscallName>>> = {
  'x86-64': namesOf('x86-64'),
  i386: namesOf('i386'),
};

/** The name of a numbered system call for an entry, or undefined where no call has that number. */
export function syscallName(entry: Entry, number: number): SyscallName | undefined {
  return names[entry].get(number);
}

/** Numbers from one to another, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The numbers below {@link FIRST_UNKNOWN_SYSCALL} that no call of an entry has. */
export function unusedNumbers(entry: Entry): readonly NumberRange[] {
  const ranges: NumberRange[] = [];
  for (let from = 0; from < FIRST_UNKNOWN_SYSCALL; from++) {
    if (names[entry].has(from)) continue;
    let to = from;
    while (to + 1 < FIRST_UNKNOWN_SYSCALL && !names[entry].has(to + 1)) to++;
    ranges.push({ from, to });
    from = to;
  }
  return ranges;
}
