/**
 * Permissions to run bytes that are no file of the system, by kind, and policies: named sets of them.
 *
 * The first four are named as SELinux names them (the classes process and file: execmem, execstack, execheap, execmod);
 * the other two are ours.
 *
 * @module
 */

/** Every kind, in the order in which they are listed. */
export const kinds = ['execmem', 'execstack', 'execheap', 'execmod', 'execfile', 'exectramp'] as const;
export type Kind = (typeof kinds)[number];

/** What a process may do where a kind is allowed, to be read behind "may" or "may not". */
export const kindSentences: Readonly<Record<Kind, string>> = {
  execmem: 'make memory executable that is or was writable: anonymous, shared, or private to it',
  execstack: 'make a stack executable',
  execheap: 'make the heap of brk(2) executable',
  execmod: 'make a private mapping of a file executable after changing it (text relocations)',
  execfile: 'run code from files that it can write, and by ways around its own calls: memory files, /proc, tracing',
  exectramp: 'have trampolines made by trampfd',
};

/** The kinds that are about memory of the process: those that W^X itself refuses. */
export const memoryKinds: readonly ['execmem', 'execstack', 'execheap', 'execmod'] = [
  'execmem',
  'execstack',
  'execheap',
  'execmod',
];
export type MemoryKind = (typeof memoryKinds)[number];

/** Names of the levels, in the order of their strength. */
export const levelNames = ['off', 'log', 'wx', 'strict'] as const;
export type LevelName = (typeof levelNames)[number];

/** The kinds that each level allows. */
const levels: Readonly<Record<LevelName, readonly Kind[]>> = {
  off: kinds,
  log: kinds,
  wx: ['execfile', 'exectramp'],
  strict: ['exectramp'],
};

/**
 * Whose trampolines are emulated that programs write themselves: nobody's; those of programs that ask for executable memory,
 * and of the run's own program where its file asks for an executable stack; or beside those the ones of every program whose
 * file asks for such a stack, which takes a look at every execution.
 */
export type Emulation = 'none' | 'asked' | 'every-program';

/** What a run allows. Plain data, for it goes from thread to thread. */
export interface Policy {
  /** The level that it began with. */
  readonly level: LevelName;
  readonly allowed: ReadonlySet<Kind>;
  /** Whether what `wx` would refuse is reported where it is allowed. */
  readonly reports: boolean;
  readonly emulation: Emulation;
}

/** One change of a level: as --allow and --deny say it. */
export interface PolicyChange {
  readonly verb: 'allow' | 'deny';
  readonly kind: Kind;
}

/** A level with changes, made one after the other: the last one about a kind decides. */
export function policyOf(
  level: LevelName,
  changes: readonly PolicyChange[] = [],
  emulation: Emulation = 'asked',
): Policy {
  const allowed = new Set<Kind>(levels[level]);
  for (const { verb, kind } of changes) {
    if (verb === 'allow') allowed.add(kind);
    else allowed.delete(kind);
  }
  return { level, allowed, reports: level === 'log', emulation };
}

/** Whether a policy allows a kind. */
export function allows({ allowed }: Policy, kind: Kind): boolean {
  return allowed.has(kind);
}

/** Whether a policy allows all of some kinds. */
export function allowsAll({ allowed }: Policy, some: readonly Kind[]): boolean {
  return some.every((kind) => allowed.has(kind));
}

/** Whether a policy allows none of some kinds. */
export function deniesAll({ allowed }: Policy, some: readonly Kind[]): boolean {
  return !some.some((kind) => allowed.has(kind));
}

/** Whether a policy allows some kinds of memory and denies others: then memory has to be looked at. */
export function isMixed(policy: Policy): boolean {
  return !allowsAll(policy, memoryKinds) && !deniesAll(policy, memoryKinds);
}

/**
 * Whether trampolines that programs write themselves are emulated: requests for memory that is writable and executable
 * are granted without X, and calls into it are carried out by the supervisor. That is a way of making trampolines, so it
 * hangs on `exectramp`; and where some kind of executable memory is allowed, programs have their own.
 */
export function emulates(policy: Policy): boolean {
  return policy.emulation !== 'none' && allows(policy, 'exectramp') && deniesAll(policy, memoryKinds);
}

/**
 * Whether the supervisor is asked about every execution, for the programs whose files ask for an executable stack. Where
 * files are judged, those are known beforehand, or executions are notified already.
 */
export function looksAtPrograms(policy: Policy): boolean {
  return policy.emulation === 'every-program' && emulates(policy) && allows(policy, 'execfile');
}

const EMULATION_OPTIONS: Readonly<Record<Emulation, readonly string[]>> = {
  none: ['--no-emulation'],
  asked: [],
  'every-program': ['--every-program'],
};

/** The options that a policy is written with: `wx`, or `wx --allow execheap --no-emulation`. */
export function policyText({ level, allowed, emulation }: Policy): string {
  const changed = kinds.filter((kind) => allowed.has(kind) !== levels[level].includes(kind));
  const options = changed.map((kind) => `--${allowed.has(kind) ? 'allow' : 'deny'} ${kind}`);
  return [level, ...options, ...EMULATION_OPTIONS[emulation]].join(' ');
}
