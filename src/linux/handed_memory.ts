/**
 * Memory of other processes through /proc/PID/mem, where a process beside this one (apart.ts) may not read it itself: Yama
 * allows that to a program's ancestors alone (kernel.yama.ptrace_scope = 1). Who opens the file is asked, not who reads it,
 * so this process opens it and hands it over.
 *
 * The file writes also where the program may not (FOLL_FORCE), so the mappings are looked at before. A program may change
 * them meanwhile, and have what is written come to be in code. So it is only done where the program has the same file of its own,
 * which is decided by its policy: where files are judged, nothing is written by this way.
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { SOCKET } from '../abi/socket.js';
import type { ApartCall, ApartProcess } from './apart.js';
import { giveFiles, makeApart } from './apart_pool.js';
import { close, open } from './descriptor.js';
import { mappings } from './maps.js';
import { MESSAGE_SIZE, putMessage } from './passed_descriptor.js';

let isWriting = false;

/** Says that programs may write their own memory by its file, so that it may be written for them so. Until then it is not. */
export function writeByFile(): void {
  isWriting = true;
}

/** Where the bytes stand, behind the message. */
const BYTES = MESSAGE_SIZE;
/** Descriptors there: the socket, then what it is given. */
const [GIVEN_BY, GIVEN] = [0, 1] as const;

/** The calls that take the file, transfer at an address and close it. */
function transfer(
  apart: ApartProcess,
  file: number,
  call: 'pread64' | 'pwrite64',
  address: bigint,
  length: number,
): readonly ApartCall[] {
  // Where it cannot be given, nothing waits there, and nothing is read.
  const flags = apart.give(file) ? 0 : SOCKET.MSG_DONTWAIT;
  putMessage(apart.dataView, apart.dataAddress);
  return [
    { call: 'recvmsg', arguments: [GIVEN_BY, apart.dataAddress, flags] },
    { call, arguments: [GIVEN, apart.dataAddress + BigInt(BYTES), length, address] },
    { call: 'close', arguments: [GIVEN] },
  ];
}

/** Opens a process's memory, and does something with it. */
function withMemory<T>(threadId: number, flags: number, use: (file: number) => T): T | number {
  const file = open(`/proc/${threadId}/mem`, flags | FCNTL.O_CLOEXEC);
  if (file < 0) return file === -errnoNumbers.EACCES ? -errnoNumbers.EPERM : file;
  try {
    giveFiles();
    return use(file);
  } finally {
    close(file);
  }
}

/** Of a file of memory, whatever cannot be read or written is EIO. */
function asMemory(result: number): number {
  return result === -errnoNumbers.EIO ? -errnoNumbers.EFAULT : result;
}

/** Reads as far as it can be read: the bytes, or a negated error number. @throws as {@link makeApart} */
export function readHanded(threadId: number, address: bigint, length: number): Uint8Array | number {
  return withMemory<Uint8Array | number>(threadId, FCNTL.O_RDONLY, (file) =>
    makeApart<Uint8Array | number>({
      key: () => `reading ${length} bytes of thread ${threadId} at 0x${address.toString(16)}`,
      threadId,
      calls: (apart) => transfer(apart, file, 'pread64', address, length),
      collect(apart) {
        const count = asMemory(apart.result(1));
        return count < 0 ? count : apart.data.slice(BYTES, BYTES + count);
      },
    }),
  );
}

function mayWrite(threadId: number, address: bigint, length: number): boolean {
  const end = address + BigInt(length);
  let at = address;
  for (const line of mappings(threadId) ?? []) {
    if (line.start > at || line.end <= at) continue;
    if (line.permissions[1] !== 'w') return false;
    at = line.end;
    if (at >= end) return true;
  }
  return false;
}

/** Writes: how many bytes, or a negated error number, EPERM where that is not to be done. @throws as {@link makeApart} */
export function writeHanded(threadId: number, address: bigint, bytes: Uint8Array): number {
  if (!isWriting) return -errnoNumbers.EPERM;
  if (!mayWrite(threadId, address, bytes.length)) return -errnoNumbers.EFAULT;
  return withMemory(threadId, FCNTL.O_RDWR, (file) =>
    makeApart({
      key: () => `writing ${Buffer.from(bytes).toString('hex')} to thread ${threadId} at 0x${address.toString(16)}`,
      threadId,
      calls(apart) {
        apart.data.set(bytes, BYTES);
        return transfer(apart, file, 'pwrite64', address, bytes.length);
      },
      collect: (apart) => asMemory(apart.result(1)),
    }),
  );
}
