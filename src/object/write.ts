/**
 * write(2), pwrite(2), read(2) and lseek(2) on the descriptor of a trampoline table: what the arguments are worth before
 * the program's memory is read, and what the bytes from there do to the table.
 *
 * The order of the checks is the proposal's, completed where it checks too little:
 *
 *  1. the arguments of the call: EINVAL, and the memory is not read;
 *  2. the memory: EFAULT, by whoever reads it;
 *  3. the caller, then what is wrong with the bytes whatever the table's state is (`reserved`): EINVAL;
 *  4. the descriptor is set already: EEXIST;
 *  5. the values: EINVAL.
 *
 * So a second write of a descriptor is EEXIST even where its values are bad, and `reserved` is judged before that.
 *
 * @module
 */
import { TRAMPFD, TRAMPFD_CODE_DESCRIPTOR, TRAMPFD_DATA_DESCRIPTOR } from '../abi/trampfd.js';
import { SEEK } from '../abi/unistd.js';
import { TrampfdError } from '../error.js';
import type { ArchitectureName } from '../trampoline/architectures.js';
import { requireTableAddress } from '../trampoline/assemble.js';
import { registerByNumber, registersFor } from '../trampoline/registers.js';
import { setExtension } from './extension.js';
import { exists, invalid, type Refusal } from './refusal.js';
import { type CodeDescriptor, type DataDescriptor, mostTrampolines, type TableObject } from './table.js';

/** Which of a table's structures an offset of its file stands for: its two descriptors, or the extension. */
export type DescriptorKind = 'code' | 'data' | 'extension';

/** Bytes of each of them. */
export const DESCRIPTOR_SIZE: number = TRAMPFD_CODE_DESCRIPTOR.size;

/** The arguments of a write(2) or pwrite(2), as unsigned values of the caller's width. */
export interface WriteArguments {
  readonly bufferAddress: bigint;
  readonly count: bigint;
  /** The offset of pwrite(2), or the file position. */
  readonly offset: bigint;
}

/**
 * What a write's arguments ask for, judged before the caller's memory is read.
 *
 * @returns what the offset names, or EINVAL: a NULL buffer, a count of zero, an offset that names nothing, or a count
 *   other than {@link DESCRIPTOR_SIZE}
 */
export function judgeWrite({ bufferAddress, count, offset }: WriteArguments): DescriptorKind | 'EINVAL' {
  if (bufferAddress === 0n || count !== BigInt(DESCRIPTOR_SIZE)) return 'EINVAL';
  if (offset === BigInt(TRAMPFD.TRAMPFD_CODE)) return 'code';
  if (offset === BigInt(TRAMPFD.TRAMPFD_DATA)) return 'data';
  if (offset === BigInt(TRAMPFD.TRAMPFD_EXTENSION)) return 'extension';
  return 'EINVAL';
}

/** What read(2) and pread(2) answer, whatever their arguments are: a table has nothing to be read. */
export function judgeRead(): 'EINVAL' {
  return 'EINVAL';
}

/**
 * Whether lseek(2) may move the file position there.
 *
 * @param whence only the lower 32 bits count, as in the kernel
 * @returns undefined where it may: SEEK_SET, and an offset that a structure is written at
 */
export function judgeSeek(whence: bigint, offset: bigint): 'EINVAL' | undefined {
  if (BigInt.asUintN(32, whence) !== BigInt(SEEK.SEEK_SET)) return 'EINVAL';
  if (offset === BigInt(TRAMPFD.TRAMPFD_EXTENSION)) return undefined;
  return offset < 0n || offset >= BigInt(TRAMPFD.TRAMPFD_NUM_OFFSETS) ? 'EINVAL' : undefined;
}

/**
 * Sets a descriptor of a table, or asks for the extension, from the bytes of its structure.
 *
 * @param bytes {@link DESCRIPTOR_SIZE} bytes: a struct trampfd_code, trampfd_data or trampfd_extension
 * @param callerArchitecture the architecture that the writing call entered the kernel with
 * @returns the table with the descriptor set; the given one stays as it is
 */
export function setDescriptor(
  table: TableObject,
  kind: DescriptorKind,
  bytes: Uint8Array,
  callerArchitecture: ArchitectureName,
): { readonly table: TableObject } | Refusal {
  if (bytes.length !== DESCRIPTOR_SIZE) {
    return invalid(`${bytes.length} bytes were written as ${kind}; write exactly ${DESCRIPTOR_SIZE}`);
  }
  if (callerArchitecture !== table.architecture) {
    return invalid(
      `an ${callerArchitecture} call wrote the ${kind} of an ${table.architecture} program's table; ` +
        'create a table by a call of the same architecture',
    );
  }
  return { code: setCode, data: setData, extension: setExtension }[kind](table, bytes);
}

function setCode(table: TableObject, bytes: Uint8Array): { readonly table: TableObject } | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ntrampolines = view.getUint32(TRAMPFD_CODE_DESCRIPTOR.ntrampolines, true);
  const code: CodeDescriptor = {
    ntrampolines,
    register: view.getUint32(TRAMPFD_CODE_DESCRIPTOR.reg, true),
    table: view.getBigUint64(TRAMPFD_CODE_DESCRIPTOR.table, true),
  };
  if (table.code !== undefined) return existing('code');
  const most = mostTrampolines(table);
  if (ntrampolines === 0 || ntrampolines > most) {
    const remedy =
      table.extension === undefined ? 'use several tables, or the extension for large ones' : 'ask for more';
    return invalid(`the code descriptor asks for ${ntrampolines} trampolines; a table holds 1 to ${most}: ${remedy}`);
  }
  const reason =
    registerFault(table, 'code', code.register, table.data?.register) ??
    slotsFault(table.architecture, 'code', code.table, ntrampolines) ??
    (table.data && slotsFault(table.architecture, 'data', table.data.table, ntrampolines));
  return reason === undefined ? { table: { ...table, code } } : invalid(reason);
}

function setData(table: TableObject, bytes: Uint8Array): { readonly table: TableObject } | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data: DataDescriptor = {
    register: view.getUint32(TRAMPFD_DATA_DESCRIPTOR.reg, true),
    table: view.getBigUint64(TRAMPFD_DATA_DESCRIPTOR.table, true),
  };
  const reserved = view.getUint32(TRAMPFD_DATA_DESCRIPTOR.reserved, true);
  if (reserved !== 0) return invalid(`the data descriptor's reserved field is ${reserved}; it must be 0`);
  if (table.data !== undefined) return existing('data');
  const reason =
    registerFault(table, 'data', data.register, table.code?.register) ??
    slotsFault(table.architecture, 'data', data.table, table.code?.ntrampolines ?? 1);
  return reason === undefined ? { table: { ...table, data } } : invalid(reason);
}

/** What is wrong with a descriptor's register, beside the one that the other descriptor has named. */
function registerFault(
  { architecture }: TableObject,
  kind: 'code' | 'data',
  register: number,
  other: number | undefined,
): string | undefined {
  const name = registerByNumber(architecture, register);
  const able = registersFor(architecture, kind);
  if (name === undefined || !able.some(({ number }) => number === register)) {
    const names = able.map((known) => `${known.name} ${known.number}`).join(', ');
    const fault = name === undefined ? `is none of ${architecture}'s` : `is ${name}, which can hold the data only`;
    return `the ${kind} descriptor's register ${register} ${fault}; name one of ${names}`;
  }
  if (register === other) {
    return `both descriptors name ${name}, so that the jump would go to the data; name two different registers`;
  }
  return undefined;
}

/** What is wrong with the place of an array of `count` slots: each must be an aligned word of the address space. */
function slotsFault(
  architecture: ArchitectureName,
  kind: 'code' | 'data',
  address: bigint,
  count: number,
): string | undefined {
  try {
    requireTableAddress(architecture, address, count);
    return undefined;
  } catch (error) {
    if (error instanceof TrampfdError) return `the ${kind} descriptor's ${error.message}`;
    throw error;
  }
}

function existing(kind: 'code' | 'data'): Refusal {
  return exists(`the ${kind} descriptor is set already and never changes; create another table`);
}
