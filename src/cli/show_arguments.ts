/**
 * The command line of `trampfd show`, apart from the others: it needs to know all architectures, which take time to load.
 *
 * @module
 */
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { quickRegisters } from '../trampoline/context.js';
import { type RegisterUse, registersFor } from '../trampoline/registers.js';
import { asTexts, oneOf, parseOptions, usageError } from './options.js';

/** Options of `trampfd show`: a table's trampoline, or the code of a context that names these registers. */
export type ShowOptions = { readonly architecture: ArchitectureName } & (
  | { readonly codeRegister: string; readonly dataRegister: string }
  | { readonly context: readonly string[] }
);

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

/**
 * Reads the words behind `trampfd show`.
 *
 * @returns undefined where help is asked for
 * @throws TrampfdError ERR_TRAMPFD_USAGE as parseCommand does
 */
export function parseShow(words: readonly Uint8Array[]): ShowOptions | undefined {
  // --context may stand alone, for the code of a context that names no register.
  const texts = asTexts(words).map((word, index, all) =>
    word === '--context' && all[index + 1]?.startsWith('-') !== false ? '--context=' : word,
  );
  const { values } = parseOptions('show', texts, {
    arch: { type: 'string' },
    code: { type: 'string' },
    data: { type: 'string' },
    context: { type: 'string' },
  });
  if (values.help === true) return undefined;
  const names = Object.keys(architectures) as ArchitectureName[];
  const architecture = oneOf('show: architecture', values.arch ?? 'x86-64', names);
  if (values.context !== undefined) {
    if (values.code !== undefined || values.data !== undefined) {
      throw usageError('show: --context is of version 1, --code and --data are of tables; give one or the other');
    }
    return { architecture, context: contextRegisters(architecture, values.context) };
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
  return { architecture, codeRegister: code, dataRegister: data };
}
