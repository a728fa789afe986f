/**
 * What programs on ppc64le write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u64 } from '../legacy_case.js';

const both: Pick<LegacyCase, 'bytes' | 'means' | 'entryRegister'> = {
  bytes: ({ context, target }) => `18006ce910008ce9a603897d2004804e${u64(target)}${u64(context)}`,
  means: ({ context, target }) => ({ loads: constants({ r11: context, r12: target }), target: { register: 'r12' } }),
  entryRegister: 'r12',
};

export const ppc64le: readonly LegacyCase[] = [
  { what: 'libffi closure', form: 'libffi', ...both, contextIsItself: true },
  { what: 'nested function', form: 'gcc-stack', ...both },
];
