/**
 * The words of `trampfd policy`.
 *
 * @module
 */
import { levelNames, type Policy, policyOf } from '../policy/kinds.js';
import { asTexts, parseOptions, readable, usageError } from './options.js';
import { EMULATION_OPTIONS, emulationOf, policyChanges } from './run_arguments.js';

/** What `trampfd policy show` is to show: a policy, or what a file holds. */
export type PolicyShowOptions = { readonly json: boolean } & (
  | { readonly policy: Policy }
  | { readonly file: Uint8Array }
);

/** Whether a word can only be meant as a file: levels have neither. */
function namesFile(word: string): boolean {
  return word.includes('/') || word.endsWith('.json');
}

/**
 * Reads the words behind `trampfd policy`.
 *
 * @returns the options, or undefined where help is asked for
 * @throws TrampfdError ERR_TRAMPFD_USAGE
 */
export function parsePolicy(words: readonly Uint8Array[]): PolicyShowOptions | undefined {
  const {
    values,
    inOrder,
    words: [verb, subject, surplus],
  } = parseOptions(
    'policy',
    asTexts(words),
    {
      allow: { type: 'string', multiple: true },
      deny: { type: 'string', multiple: true },
      ...EMULATION_OPTIONS,
      json: { type: 'boolean' },
    },
    true,
  );
  if (values.help === true) return undefined;
  if (verb !== 'show') {
    const what = verb === undefined ? 'policy: nothing is asked for' : `policy: '${readable(verb)}' is unknown`;
    throw usageError(`${what}; give show`);
  }
  if (subject === undefined) {
    throw usageError(`policy show: nothing was named; give one of ${levelNames.join(', ')}, or a policy file`);
  }
  if (surplus !== undefined) {
    throw usageError(`policy show: '${readable(surplus)}' is one too many; give one level or one file`);
  }
  const json = values.json === true;
  const changes = policyChanges('policy show', inOrder);
  const level = levelNames.find((name) => name === subject);
  const emulation = emulationOf('policy show', values);
  if (level !== undefined) return { json, policy: policyOf(level, changes, emulation) };
  if (!namesFile(subject)) {
    throw usageError(
      `policy show: level '${readable(subject)}' is unknown; give one of ${levelNames.join(', ')}, ` +
        'or a policy file, with a / in its name or .json at its end',
    );
  }
  if (changes.length > 0 || emulation !== undefined) {
    throw usageError(
      'policy show: --allow, --deny, --no-emulation and --every-program change a level, and a file has its own; leave them out',
    );
  }
  return { json, file: Buffer.from(subject, 'latin1') };
}
