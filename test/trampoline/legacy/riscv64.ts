/**
 * What programs on riscv64 write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u64 } from '../legacy_case.js';

export const riscv64: readonly LegacyCase[] = [
  {
    what: 'libffi closure',
    form: 'libffi',
    bytes: ({ target }) => `17030000833303016780030013000000${u64(target)}`,
    means: ({ address, target }) => ({ loads: constants({ x6: address, x7: target }), target: { register: 'x7' } }),
    contextIsItself: true,
  },
  {
    what: 'nested function',
    form: 'gcc-stack',
    bytes: ({ context, target }) => `9703000083b2830183b3030167800200${u64(context)}${u64(target)}`,
    means: ({ context, target }) => ({ loads: constants({ x5: target, x7: context }), target: { register: 'x5' } }),
  },
];
