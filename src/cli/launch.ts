/**
 * What the launcher, bin/trampfd, noted down before Node.js started.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { TrampfdError } from '../error.js';

/** What this process inherited, as it was before Node.js changed it. */
export interface Inherited {
  /** Signals that were ignored and that were blocked: bit N - 1 for signal N. */
  readonly ignoredSignals: bigint;
  readonly blockedSignals: bigint;
  /** The soft RLIMIT_NOFILE; 2^64 - 1 for none. */
  readonly openFileLimit: bigint;
  /** Open descriptors. */
  readonly descriptors: readonly number[];
  /** The environment, as bytes. */
  readonly environment: readonly Uint8Array[];
  /** The words behind `trampfd`, as bytes. */
  readonly words: readonly Uint8Array[];
}

/** Splits at zero bytes; the last one ends a string. */
export function splitAtZeros(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, at));
    from = at + 1;
  }
  if (from < bytes.length) parts.push(bytes.subarray(from));
  return parts;
}

/** Puts the environment together again from the pieces that it came in. */
function environmentOf(pieces: number): readonly Uint8Array[] {
  const encoded = Array.from({ length: pieces }, (_, index) => process.env[`TRAMPFD_ENVIRONMENT_${index}`] ?? '');
  return splitAtZeros(Buffer.from(encoded.join(''), 'base64'));
}

/**
 * Reads what the launcher noted.
 *
 * @throws TrampfdError ERR_TRAMPFD_LAUNCH where this program was not started by it
 */
export function readInherited(): Inherited {
  const match = /^([0-9a-f]+),([0-9a-f]+),(\w+),([:\d]*),(\d+)$/.exec(process.env['TRAMPFD_LAUNCH'] ?? '');
  if (match === null) {
    throw new TrampfdError('ERR_TRAMPFD_LAUNCH', 'this file is started by bin/trampfd: run that');
  }
  const [, ignored = '', blocked = '', limit = '', descriptors = '', pieces = ''] = match;
  // Arguments need not be UTF-8, so process.argv, which is, will not do. Node.js, its options and this file come first.
  const words = splitAtZeros(readFileSync('/proc/self/cmdline')).slice(process.execArgv.length + 2);
  return {
    ignoredSignals: BigInt(`0x${ignored}`),
    blockedSignals: BigInt(`0x${blocked}`),
    openFileLimit: limit === 'unlimited' ? 2n ** 64n - 1n : BigInt(limit),
    descriptors: descriptors.split(':').filter(Boolean).map(Number),
    environment: environmentOf(Number(pieces)),
    words,
  };
}
