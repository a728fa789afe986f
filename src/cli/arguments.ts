/**
 * The command line: words to options, with a clear sentence for what is not one.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { TrampfdError } from '../error.js';
import { kinds, levelNames, type Policy, type PolicyChange, policyOf } from '../policy/kinds.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { quickRegisters } from '../trampoline/context.js';
import { type RegisterUse, registersFor } from '../trampoline/registers.js';

/** Options of `trampfd run`. */
export interface RunOptions {
  readonly policy: Policy;
  /** Trees that may be executed from, beside the system's, where execfile is denied; as bytes. */
  readonly executable: readonly Uint8Array[];
  /** Whether to start with less than the policy asks for, where not all of it can be had. */
  readonly bestEffort: boolean;
  /** Name of the log's file, as bytes. */
  readonly log: Uint8Array | undefined;
  /** The program and its arguments, as bytes. */
  readonly program: readonly Uint8Array[];
}

/** Options of `trampfd show`: a table's trampoline, or the code of a context that names these registers. */
export type ShowOptions = { readonly architecture: ArchitectureName } & (
  | { readonly codeRegister: string; readonly dataRegister: string }
  | { readonly context: readonly string[] }
);

/** What the command line asks for. */
export type Command =
  | { readonly name: 'run'; readonly options: RunOptions }
  | { readonly name: 'show'; readonly options: ShowOptions }
  | { readonly name: 'doctor' }
  | { readonly name: 'help' }
  | { readonly name: 'version' };

function usageError(message: string): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_USAGE', `${message}; 'trampfd --help' shows the usage`);
}

/** Words as strings of a character for each byte: a word need not be UTF-8, and nothing of it may get lost. */
function asTexts(words: readonly Uint8Array[]): string[] {
  return words.map((word) => Buffer.from(word).toString('latin1'));
}

/** A text of {@link asTexts} for people. */
function readable(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}

/** How an option is written. */
interface OptionForm {
  readonly type: 'string' | 'boolean';
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
}

/** What is left of an option when it was read. */
type OptionValue<F extends OptionForm> = F['type'] extends 'boolean'
  ? boolean
  : F['multiple'] extends true
    ? readonly string[]
    : string;

type OptionValues<T extends Readonly<Record<string, OptionForm>>> = { readonly [K in keyof T]?: OptionValue<T[K]> } & {
  readonly help?: boolean;
};

/** Options as they were read: their values, and those with a value in the order of the command line. */
interface ParsedOptions<T extends Readonly<Record<string, OptionForm>>> {
  readonly values: OptionValues<T>;
  readonly inOrder: readonly { readonly name: string; readonly value: string }[];
}

/** Parses options, with errors as ours. */
function parseOptions<const T extends Readonly<Record<string, OptionForm>>>(
  command: string,
  words: readonly string[],
  options: T,
): ParsedOptions<T> {
  try {
    const { values, tokens } = parseArgs({
      args: [...words],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: false,
      tokens: true,
    });
    const inOrder = tokens.flatMap((token) =>
      token.kind === 'option' && token.value !== undefined ? [{ name: token.name, value: token.value }] : [],
    );
    return { values: values as OptionValues<T>, inOrder };
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ');
    const reason = readable(first.replace(/\.$/, '').replace(/\n.*/s, ''));
    throw usageError(`${command}: ${reason.replace(/^./, (letter) => letter.toLowerCase())}`);
  }
}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw usageError(`${what} '${readable(value)}' is unknown; give one of ${allowed.join(', ')}`);
}

/** Options of `run`. */
const RUN_OPTIONS = {
  policy: { type: 'string' },
  allow: { type: 'string', multiple: true },
  deny: { type: 'string', multiple: true },
  exec: { type: 'string', multiple: true },
  'best-effort': { type: 'boolean' },
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

/** The changes that --allow and --deny make to a level, in the order of the command line. */
function policyChanges(command: string, inOrder: ParsedOptions<typeof RUN_OPTIONS>['inOrder']): PolicyChange[] {
  const verbs = ['allow', 'deny'] as const;
  return inOrder.flatMap(({ name, value }) => {
    const verb = verbs.find((one) => one === name);
    return verb === undefined ? [] : [{ verb, kind: oneOf(`${command}: --${verb}: kind`, value, kinds) }];
  });
}

function parseRun(words: readonly Uint8Array[]): Command {
  const texts = asTexts(words);
  const end = programIndex(texts);
  const { values, inOrder } = parseOptions('run', texts.slice(0, end), RUN_OPTIONS);
  if (values.help === true) return { name: 'help' };
  const program = words.slice(texts[end] === '--' ? end + 1 : end);
  if (program.length === 0) throw usageError('run: no program was given; name one behind --');
  if (values.log === '') throw usageError('run: --log has an empty name; name a file');
  const executable = values.exec ?? [];
  if (executable.includes('')) throw usageError('run: --exec has an empty name; name a file or a folder');
  const level = oneOf('run: policy', values.policy ?? 'wx', levelNames);
  return {
    name: 'run',
    options: {
      policy: policyOf(level, policyChanges('run', inOrder)),
      executable: executable.map((path) => Buffer.from(path, 'latin1')),
      bestEffort: values['best-effort'] === true,
      log: values.log === undefined ? undefined : Buffer.from(values.log, 'latin1'),
      program,
    },
  };
}

/** The registers of `--context`: names with commas between, or nothing. */
function contextRegisters(architecture: ArchitectureName, text: string): readonly string[] {
  const { context } = architectures[architecture];
  if (context === undefined) {
    const having = Object.keys(architectures).filter((name) => architectures[name as ArchitectureName].context);
    throw usageError(`show: ${architecture} has no contexts; give one of ${having.join(', ')}`);
  }
  const names = text.split(',').filter((name) => name !== '');
  const registers = names.map((name) => ({
    register: oneOf(`show: ${architecture} context register`, name, context.registers),
    value: 0n,
  }));
  return quickRegisters({ registers, target: 1n }, architecture);
}

function parseShow(words: readonly Uint8Array[]): Command {
  const { values } = parseOptions('show', asTexts(words), {
    arch: { type: 'string' },
    code: { type: 'string' },
    data: { type: 'string' },
    context: { type: 'string' },
  });
  if (values.help === true) return { name: 'help' };
  const names = Object.keys(architectures) as ArchitectureName[];
  const architecture = oneOf('show: architecture', values.arch ?? 'x86-64', names);
  if (values.context !== undefined) {
    if (values.code !== undefined || values.data !== undefined) {
      throw usageError('show: --context is of version 1, --code and --data are of tables; give one or the other');
    }
    return { name: 'show', options: { architecture, context: contextRegisters(architecture, values.context) } };
  }
  const { codeRegister, dataRegister } = architectures[architecture];
  const registers = (use: RegisterUse) => registersFor(architecture, use).map(({ name }) => name);
  const code = oneOf(`show: ${architecture} code register`, values.code ?? codeRegister, registers('code'));
  const data = oneOf(`show: ${architecture} data register`, values.data ?? dataRegister, registers('data'));
  if (code === data) {
    throw usageError(
      `show: ${code} cannot hold both the target's address and the data, for the jump would go to the data; ` +
        'give --code and --data different registers',
    );
  }
  return { name: 'show', options: { architecture, codeRegister: code, dataRegister: data } };
}

/**
 * Reads the words behind `trampfd`.
 *
 * @throws TrampfdError ERR_TRAMPFD_USAGE with a sentence that names the word, the rule and the remedy
 */
export function parseCommand(words: readonly Uint8Array[]): Command {
  const [first, ...rest] = words;
  const name = first === undefined ? '' : Buffer.from(first).toString();
  switch (name) {
    case 'run':
      return parseRun(rest);
    case 'show':
      return parseShow(rest);
    case 'doctor':
      return { name: parseOptions('doctor', asTexts(rest), {}).values.help === true ? 'help' : 'doctor' };
    case '--help':
    case '-h':
    case 'help':
      return { name: 'help' };
    case '--version':
    case '-V':
    case 'version':
      return { name: 'version' };
    case '':
      throw usageError('no command was given; give run, doctor or show');
    default:
      throw usageError(`'${name}' is no command; give run, doctor or show`);
  }
}
