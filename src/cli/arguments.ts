/**
 * The command line: words to options, with a clear sentence for what is not one.
 *
 * @module
 */
import { asTexts, parseOptions, usageError } from './options.js';
import { type PolicyShowOptions, parsePolicy } from './policy_arguments.js';
import { parseRun, type RunOptions } from './run_arguments.js';
import type { ShowOptions } from './show_arguments.js';

/** What the command line asks for. */
export type Command =
  | { readonly name: 'run'; readonly options: RunOptions }
  | { readonly name: 'show'; readonly options: ShowOptions }
  | { readonly name: 'policy'; readonly options: PolicyShowOptions }
  | { readonly name: 'doctor' }
  | { readonly name: 'help' }
  | { readonly name: 'version' };

/**
 * Reads the words behind `trampfd`.
 *
 * @throws TrampfdError ERR_TRAMPFD_USAGE with a sentence that names the word, the rule and the remedy
 */
export async function parseCommand(words: readonly Uint8Array[]): Promise<Command> {
  const [first, ...rest] = words;
  const name = first === undefined ? '' : Buffer.from(first).toString();
  switch (name) {
    case 'run': {
      const options = parseRun(rest);
      return options === undefined ? { name: 'help' } : { name: 'run', options };
    }
    case 'policy': {
      const options = parsePolicy(rest);
      return options === undefined ? { name: 'help' } : { name: 'policy', options };
    }
    case 'show': {
      const options = (await import('./show_arguments.js')).parseShow(rest);
      return options === undefined ? { name: 'help' } : { name: 'show', options };
    }
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
      throw usageError('no command was given; give run, policy, doctor or show');
    default:
      throw usageError(`'${name}' is no command; give run, policy, doctor or show`);
  }
}
