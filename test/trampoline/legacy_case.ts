/**
 * What the tests know of the trampolines that programs write themselves, beside the files in src/trampoline: what their
 * writers put there, written down a second time, as functions from values to bytes.
 *
 * @module
 */
import fc from 'fast-check';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import type { RecognisedCode } from '../../src/trampoline/legacy_form.js';
import type { Load, Trampoline } from '../../src/trampoline/trampoline.js';

/** What a writer has: where the code goes, what the target finds its data by, and where the target is. */
export interface Values {
  /** On arm with bit 0 set where the code is Thumb. */
  readonly address: bigint;
  readonly context: bigint;
  readonly target: bigint;
}

export interface LegacyCase {
  readonly what: string;
  readonly form: RecognisedCode['form'];
  /** Hexadecimal, in memory order: bytes in parentheses are values, `..` are not used, all others are fixed. */
  readonly bytes: (values: Values) => string;
  readonly means: (values: Values) => Trampoline;
  /** The context is the code's own address. */
  readonly contextIsItself?: true;
  readonly targetBits?: 32;
  readonly isThumb?: true;
  /** The register that must hold the code's address at entry. */
  readonly entryRegister?: string;
}

/** An unsigned integer in hexadecimal, the lowest byte first, as a value. */
export function field(value: bigint, size: 4 | 8): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(8 * size, value));
  return `(${bytes.subarray(0, size).toString('hex')})`;
}

export const u32 = (value: bigint): string => field(value, 4);
export const u64 = (value: bigint): string => field(value, 8);

/** Constants for registers. */
export function constants(registers: Readonly<Record<string, bigint>>): Load[] {
  return Object.entries(registers).map(([register, value]) => ({ register, from: { kind: 'constant', value } }));
}

/** Bytes, and what each of them is. */
export function bytesOf(hex: string): { bytes: Uint8Array; kinds: ('fixed' | 'value' | 'unused')[] } {
  const bytes: number[] = [];
  const kinds: ('fixed' | 'value' | 'unused')[] = [];
  let kind: 'fixed' | 'value' = 'fixed';
  for (const [token] of hex.matchAll(/[()]|\.\.|[0-9a-f]{2}/g)) {
    if (token === '(' || token === ')') kind = token === '(' ? 'value' : 'fixed';
    else {
      bytes.push(token === '..' ? 0 : Number.parseInt(token, 16));
      kinds.push(token === '..' ? 'unused' : kind);
    }
  }
  return { bytes: Uint8Array.from(bytes), kinds };
}

/** Values that a case may have: any, and those at the edges. */
export function valuesFor(
  name: ArchitectureName,
  { contextIsItself, targetBits, isThumb }: LegacyCase,
): fc.Arbitrary<Values> {
  const { wordSize, instructionAlignment } = architectures[name];
  const word = (bits: number): fc.Arbitrary<bigint> => {
    const most = (1n << BigInt(bits)) - 1n;
    return fc.oneof(fc.bigInt({ min: 0n, max: most }), fc.constantFrom(0n, 1n, most >> 1n, (most >> 1n) + 1n, most));
  };
  const alignment = BigInt(instructionAlignment);
  return fc
    .tuple(word(8 * wordSize), word(8 * wordSize), word(targetBits ?? 8 * wordSize))
    .map(([anywhere, context, target]): Values => {
      const address = anywhere - (anywhere % alignment);
      return {
        address: isThumb ? address | 1n : address,
        context: contextIsItself ? address : context,
        target,
      };
    });
}
