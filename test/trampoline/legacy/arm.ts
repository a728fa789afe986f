/**
 * What programs on arm write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u32 } from '../legacy_case.js';

export const arm: readonly LegacyCase[] = [
  {
    what: 'libffi closure',
    form: 'libffi',
    bytes: ({ target }) => `08c04fe204f01fe5${u32(target)}`,
    means: ({ address, target }) => ({ loads: constants({ r12: address }), target: { address: target } }),
    contextIsItself: true,
  },
  {
    what: 'nested function',
    form: 'gcc-stack',
    bytes: ({ context, target }) => `00c09fe500f09fe5${u32(context)}${u32(target)}`,
    means: ({ context, target }) => ({ loads: constants({ r12: context }), target: { address: target } }),
  },
  {
    what: 'nested function of Thumb code',
    form: 'gcc-stack',
    bytes: ({ context, target }) => `dff804c0dff804f0${u32(context)}${u32(target)}`,
    means: ({ context, target }) => ({ loads: constants({ r12: context }), target: { address: target } }),
    isThumb: true,
  },
];
