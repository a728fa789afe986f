/**
 * Options of a command: words as text, and text as one of what is allowed.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { TrampfdError } from '../error.js';

/** The error of words that cannot be understood. */
export function usageError(message: string): TrampfdError {
  return new TrampfdError('ERR_TRAMPFD_USAGE', `${message}; 'trampfd --help' shows the usage`);
}

/** Words as strings of a character for each byte: a word need not be UTF-8, and nothing of it may get lost. */
export function asTexts(words: readonly Uint8Array[]): string[] {
  return words.map((word) => Buffer.from(word).toString('latin1'));
}

/** A text of {@link asTexts} for people. */
export function readable(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}

/** How an option is written. */
export interface OptionForm {
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
export interface ParsedOptions<T extends Readonly<Record<string, OptionForm>>> {
  readonly values: OptionValues<T>;
  readonly inOrder: readonly { readonly name: string; readonly value: string }[];
  /** Words that are no options. */
  readonly words: readonly string[];
}

/**
 * Parses options.
 *
 * @param positionals - whether words that are no options may stand among them
 * @throws TrampfdError ERR_TRAMPFD_USAGE for an option that is unknown, or has no value
 */
export function parseOptions<const T extends Readonly<Record<string, OptionForm>>>(
  command: string,
  words: readonly string[],
  options: T,
  positionals = false,
): ParsedOptions<T> {
  try {
    const {
      values,
      tokens,
      positionals: others,
    } = parseArgs({
      args: [...words],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: positionals,
      tokens: true,
    });
    const inOrder = tokens.flatMap((token) =>
      token.kind === 'option' && token.value !== undefined ? [{ name: token.name, value: token.value }] : [],
    );
    return { values: values as OptionValues<T>, inOrder, words: others };
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ');
    const reason = readable(first.replace(/\.$/, '').replace(/\n.*/s, ''));
    throw usageError(`${command}: ${reason.replace(/^./, (letter) => letter.toLowerCase())}`);
  }
}

/**
 * A word as one of some.
 *
 * @throws TrampfdError ERR_TRAMPFD_USAGE that lists them
 */
export function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw usageError(`${what} '${readable(value)}' is unknown; give one of ${allowed.join(', ')}`);
}
