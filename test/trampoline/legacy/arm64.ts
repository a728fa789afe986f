/**
 * What programs on arm64 write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u64 } from '../legacy_case.js';

export const arm64: readonly LegacyCase[] = [
  {
    what: 'libffi closure',
    form: 'libffi',
    bytes: ({ target }) => `90000058f1ffff1000021fd600000000${u64(target)}`,
    means: ({ address, target }) => ({
      loads: constants({ x16: target, x17: address }),
      target: { register: 'x16' },
    }),
    contextIsItself: true,
  },
  {
    what: 'nested function',
    form: 'gcc-stack',
    bytes: ({ context, target }) => `5f2403d5b1000058d200005820021fd69f3f03d5df3f03d5${u64(target)}${u64(context)}`,
    means: ({ context, target }) => ({
      loads: constants({ x17: target, x18: context }),
      target: { register: 'x17' },
    }),
  },
];
