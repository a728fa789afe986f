/**
 * The words of `trampfd run`.
 *
 * @module
 */
import { type Emulation, kinds, type LevelName, levelNames, type PolicyChange } from '../policy/kinds.js';
import { asTexts, oneOf, type ParsedOptions, parseOptions, usageError } from './options.js';

/** Options of `trampfd run`. */
export interface RunOptions {
  /** The level, where one was named. */
  readonly level: LevelName | undefined;
  /** Changes of it, in the order of the command line. */
  readonly changes: readonly PolicyChange[];
  /** Name of the policy file, as bytes. */
  readonly policyFile: Uint8Array | undefined;
  /** Trees that may be executed from, beside the system's, where execfile is denied; as bytes. */
  readonly executable: readonly Uint8Array[];
  /** Whether to start with less than the policy asks for, where not all of it can be had. */
  readonly bestEffort: boolean;
  /** Whose trampolines are emulated, where that was said. */
  readonly emulation: Emulation | undefined;
  /** Name of the log's file, as bytes. */
  readonly log: Uint8Array | undefined;
  /** The program and its arguments, as bytes. */
  readonly program: readonly Uint8Array[];
}

/** Options that say whose trampolines are emulated. */
export const EMULATION_OPTIONS = {
  'no-emulation': { type: 'boolean' },
  'every-program': { type: 'boolean' },
} as const;

const RUN_OPTIONS = {
  policy: { type: 'string' },
  allow: { type: 'string', multiple: true },
  deny: { type: 'string', multiple: true },
  'policy-file': { type: 'string' },
  exec: { type: 'string', multiple: true },
  'best-effort': { type: 'boolean' },
  ...EMULATION_OPTIONS,
  log: { type: 'string' },
} as const;

/** Those of them whose value may be the next word. */
const WITH_VALUE: ReadonlySet<string> = new Set(
  Object.entries(RUN_OPTIONS)
    .filter(([, { type }]) => type === 'string')
    .map(([name]) => `--${name}`),
);

/** Index of the first word that is no option of `run`: the program, or the `--` before it. */
function programIndex(words: readonly string[]): number {
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === '--' || !word.startsWith('-') || word === '-') break;
    index += WITH_VALUE.has(word) ? 2 : 1;
  }
  return Math.min(index, words.length);
}

/**
 * The changes that --allow and --deny make to a level, in the order of the command line.
 *
 * @throws TrampfdError ERR_TRAMPFD_USAGE for an unknown kind
 */
export function policyChanges(
  command: string,
  inOrder: ParsedOptions<Readonly<Record<string, never>>>['inOrder'],
): PolicyChange[] {
  const verbs = ['allow', 'deny'] as const;
  return inOrder.flatMap(({ name, value }) => {
    const verb = verbs.find((one) => one === name);
    return verb === undefined ? [] : [{ verb, kind: oneOf(`${command}: --${verb}: kind`, value, kinds) }];
  });
}

/**
 * Whose trampolines are emulated, where the options say it.
 *
 * @throws TrampfdError ERR_TRAMPFD_USAGE where they say both
 */
export function emulationOf(
  command: string,
  values: { readonly [name in keyof typeof EMULATION_OPTIONS]?: boolean | undefined },
): Emulation | undefined {
  const { 'no-emulation': none, 'every-program': every } = values;
  if (none === true && every === true) {
    throw usageError(
      `${command}: --every-program looks for programs to emulate, and --no-emulation has none; leave one out`,
    );
  }
  if (none === true) return 'none';
  return every === true ? 'every-program' : undefined;
}

function asName(value: string | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'latin1');
}

/**
 * Reads the words behind `trampfd run`.
 *
 * @returns the options, or undefined where help is asked for
 * @throws TrampfdError ERR_TRAMPFD_USAGE
 */
export function parseRun(words: readonly Uint8Array[]): RunOptions | undefined {
  const texts = asTexts(words);
  const end = programIndex(texts);
  const { values, inOrder } = parseOptions('run', texts.slice(0, end), RUN_OPTIONS);
  if (values.help === true) return undefined;
  const program = words.slice(texts[end] === '--' ? end + 1 : end);
  if (program.length === 0) throw usageError('run: no program was given; name one behind --');
  if (values.log === '') throw usageError('run: --log has an empty name; name a file');
  if (values['policy-file'] === '') throw usageError('run: --policy-file has an empty name; name a file');
  const executable = values.exec ?? [];
  if (executable.includes('')) throw usageError('run: --exec has an empty name; name a file or a folder');
  return {
    level: values.policy === undefined ? undefined : oneOf('run: policy', values.policy, levelNames),
    changes: policyChanges('run', inOrder),
    policyFile: asName(values['policy-file']),
    executable: executable.map((path) => Buffer.from(path, 'latin1')),
    bestEffort: values['best-effort'] === true,
    emulation: emulationOf('run', values),
    log: asName(values.log),
    program,
  };
}
