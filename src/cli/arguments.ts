/**
 * The command line: words to options, with a clear sentence for what is not one.
 *
 * @module
 */
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { quickRegisters } from '../trampoline/context.js';
import { type RegisterUse, registersFor } from '../trampoline/registers.js';
import { asTexts, oneOf, parseOptions, usageError } from './options.js';
import { type PolicyShowOptions, parsePolicy } from './policy_arguments.js';
import { parseRun, type RunOptions } from './run_arguments.js';

/** Options of `trampfd show`: a table's trampoline, or the code of a context that names these registers. */
export type ShowOptions = { readonly architecture: ArchitectureName } & (
  | { readonly codeRegister: string; readonly dataRegister: string }
  | { readonly context: readonly string[] }
);

/** What the command line asks for. */
export type Command =
  | { readonly name: 'run'; readonly options: RunOptions }
  | { readonly name: 'show'; readonly options: ShowOptions }
  | { readonly name: 'policy'; readonly options: PolicyShowOptions }
  | { readonly name: 'doctor' }
  | { readonly name: 'help' }
  | { readonly name: 'version' };

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
    case 'run': {
      const options = parseRun(rest);
      return options === undefined ? { name: 'help' } : { name: 'run', options };
    }
    case 'policy': {
      const options = parsePolicy(rest);
      return options === undefined ? { name: 'help' } : { name: 'policy', options };
    }
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
      throw usageError('no command was given; give run, policy, doctor or show');
    default:
      throw usageError(`'${name}' is no command; give run, policy, doctor or show`);
  }
}
