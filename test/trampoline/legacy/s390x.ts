/**
 * What programs on s390x write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u64 } from '../legacy_case.js';

const u64HighestFirst = (value: bigint): string =>
  `(${u64(value)
    .match(/[0-9a-f]{2}/g)
    ?.reverse()
    .join('')})`;

const both: Pick<LegacyCase, 'bytes' | 'means'> = {
  bytes: ({ context, target }) =>
    `0d10eb01100e000407f1............${u64HighestFirst(context)}${u64HighestFirst(target)}`,
  means: ({ context, target }) => ({ loads: constants({ r0: context, r1: target }), target: { register: 'r1' } }),
};

export const s390x: readonly LegacyCase[] = [
  { what: 'libffi closure', form: 'libffi', ...both, contextIsItself: true },
  { what: 'nested function', form: 'gcc-stack', ...both },
];
