/**
 * Who a confined program is to the files outside: its user, what of permissions it passes over.
 *
 * @module
 */
import { networkInterfaces } from 'node:os';
import { CAPABILITY } from '../../abi/capability.js';
import { capabilitySets } from '../../linux/capabilities.js';

/** Who would change files. */
export interface Reader {
  readonly userId: number;
  /** Whether it passes over the permissions of files, as root does. */
  readonly isPrivileged: boolean;
  /** Whether it may change addresses and routes (CAP_NET_ADMIN): it can answer in the place of another machine then. */
  readonly changesNetwork: boolean;
  /** Addresses of this machine. */
  readonly addresses: () => readonly string[];
}

/** Capabilities by which a process writes the files of others, or becomes another. */
const PASSING: bigint = [
  CAPABILITY.CAP_CHOWN,
  CAPABILITY.CAP_DAC_OVERRIDE,
  CAPABILITY.CAP_FOWNER,
  CAPABILITY.CAP_SETUID,
].reduce((sum, number) => sum | (1n << BigInt(number)), 0n);

/** The user of this process, and so of the run. */
export function runReader(): Reader {
  const userId = process.geteuid?.() ?? 0;
  const { effective, permitted } = capabilitySets(process.pid);
  return {
    userId,
    changesNetwork: ((effective | permitted) & (1n << BigInt(CAPABILITY.CAP_NET_ADMIN))) !== 0n,
    isPrivileged: userId === 0 || ((effective | permitted) & PASSING) !== 0n,
    addresses: () => Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  };
}
