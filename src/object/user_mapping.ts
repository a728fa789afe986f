/**
 * How a trampoline of version 1 is mapped: what a program reads as the mapping parameters, and whether a mmap(2) asks for
 * just that.
 *
 * In the proposal the mapping is a page of no permission, since a call faults into the kernel. Here it is code, and the
 * data that the code reads. A program is told to map with what it reads, so it need not know. It may map any number of
 * times, and so may any process that the descriptor was given to, with or without a context.
 *
 * @module
 */
import { MAP, PROT } from '../abi/mman.js';
import type { ArchitectureName } from '../trampoline/architectures.js';
import { contextLayout } from '../trampoline/context.js';
import { invalid, type Refusal } from './refusal.js';
import type { UserTrampoline } from './user.js';

/** The fields of struct trampfd_map. */
export interface MapParameters {
  /** Bytes: length of the mapping, a multiple of the page's. */
  readonly size: number;
  readonly prot: number;
  readonly flags: number;
  /** Bytes: where in the file the mapping begins. */
  readonly offset: number;
  /** Bytes: where in the mapping the trampoline is called. */
  readonly ioffset: number;
}

/**
 * What a program is told to map the trampoline with. The mapping is shared, for such a one of a descriptor that is open
 * for reading only can never become writable, and shows every context that is set later.
 *
 * @throws TrampfdError EOPNOTSUPP where the architecture has no code for contexts
 */
export function mapParametersOf({ architecture, pageSize }: UserTrampoline): MapParameters {
  const { size, invocationOffset } = contextLayout(architecture, pageSize);
  return { size, prot: PROT.PROT_READ | PROT.PROT_EXEC, flags: MAP.MAP_SHARED, offset: 0, ioffset: invocationOffset };
}

/** A mmap(2) of a trampoline's descriptor: the arguments as unsigned values, and who calls. */
export interface UserMapRequest {
  /** Bytes. The address argument is a hint and not judged. */
  readonly length: bigint;
  readonly protection: bigint;
  readonly flags: bigint;
  /** Offset into the file in bytes; for mmap2(2) the argument times 4096. */
  readonly offset: bigint;
  /** The architecture that the call entered the kernel with. */
  readonly callerArchitecture: ArchitectureName;
}

/**
 * The flags that a trampoline is mapped with: those that it reports, or MAP_PRIVATE, which the proposal's programs write
 * without having read anything. No other flag goes with either.
 */
const FLAGS: readonly bigint[] = [BigInt(MAP.MAP_SHARED), BigInt(MAP.MAP_PRIVATE)];

/**
 * Judges a mmap(2) of a trampoline.
 *
 * @returns nothing where the mapping is to be made: the whole of it, as {@link mapParametersOf} says
 * @throws TrampfdError EOPNOTSUPP where the architecture has no code for contexts
 */
export function judgeUserMap(request: UserMapRequest, user: UserTrampoline): Refusal | undefined {
  const { length, protection, flags, offset, callerArchitecture } = request;
  if (callerArchitecture !== user.architecture) {
    return invalid(
      `an ${callerArchitecture} call maps an ${user.architecture} program's trampoline; ` +
        'create one by a call of the same architecture',
    );
  }
  const wanted = mapParametersOf(user);
  const [size, page] = [BigInt(wanted.size), BigInt(user.pageSize)];
  // A length that the kernel rounds up to the mapping's, for it counts in pages.
  const isWhole = length <= size && length > size - page;
  if (isWhole && protection === BigInt(wanted.prot) && FLAGS.includes(flags) && offset === BigInt(wanted.offset)) {
    return undefined;
  }
  return invalid(
    `length ${length}, protection ${protection}, flags ${flags}, offset ${offset}; map a trampoline as its mapping ` +
      `parameters say: ${wanted.size}, ${wanted.prot}, ${wanted.flags} (or ${MAP.MAP_PRIVATE}), ${wanted.offset}`,
  );
}
