/**
 * mmap(2) of a trampoline table: whether the arguments ask for exactly the one mapping that a table has.
 *
 * The order of the checks: the arguments, then the table's state and who asks (all EINVAL), then EEXIST. So whoever gets
 * EEXIST knows that the same call succeeds once the mapping is gone.
 *
 * @module
 */
import { MAP, PROT } from '../abi/mman.js';
import { infoOf, isComplete, mappedLength, type TableObject } from './table.js';

/** A mmap(2) of a table's descriptor: the arguments as unsigned values, and what the kernel knows beside them. */
export interface MapRequest {
  /** Bytes. The address argument is a hint and not judged. */
  readonly length: bigint;
  readonly protection: bigint;
  readonly flags: bigint;
  /** Offset into the file in bytes; for mmap2(2) the argument times 4096. */
  readonly offset: bigint;
  /** Whether the caller is a thread of the process that created the table. */
  readonly sameProcess: boolean;
  /** Whether that process has the table mapped now. */
  readonly alreadyMapped: boolean;
}

/** The only protection that a table is mapped with. */
const PROTECTION = BigInt(PROT.PROT_READ | PROT.PROT_EXEC);

/**
 * The flags that a table is mapped with: MAP_PRIVATE is the interface's; MAP_SHARED is taken as its stronger form, for
 * such a mapping of a sealed memfd can never become writable. No other flag goes with either.
 */
const FLAGS: readonly bigint[] = [BigInt(MAP.MAP_PRIVATE), BigInt(MAP.MAP_SHARED)];

/**
 * Judges a mmap(2) of a table.
 *
 * @returns undefined where the mapping is to be made, else the error that the program gets
 */
export function judgeMap(request: MapRequest, table: TableObject): 'EINVAL' | 'EEXIST' | undefined {
  const { length, protection, flags, offset } = request;
  if (offset !== BigInt(infoOf(table).codeOffset)) return 'EINVAL';
  if (!FLAGS.includes(flags) || protection !== PROTECTION) return 'EINVAL';
  if (!isComplete(table) || !request.sameProcess) return 'EINVAL';
  // The kernel maps whole pages: as many as the code has, one of them for most tables.
  const most = mappedLength(table);
  if (length <= BigInt(most - table.pageSize) || length > BigInt(most)) return 'EINVAL';
  return request.alreadyMapped ? 'EEXIST' : undefined;
}
