/**
 * Files of /proc about a process's memory (proc(5)). Who reads one waits while a thread of the process changes its mappings,
 * or executes a program, and that may take as long as a file server likes: it is asked when a file is unmapped that was written
 * to. So they are read apart where there may be such a server (served.ts).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { AT_FDCWD, FCNTL } from '../abi/fcntl.js';
import { ApartSession } from './apart_pool.js';
import { isServed } from './served.js';

/** Bytes that the kernel gives at once, at most, and how many such reads are made in one go. */
const CHUNK = 4096;
const READS = 15;

/**
 * The text of such a file; undefined where it cannot be read.
 *
 * @throws as {@link ApartSession.make}
 */
export function readProcText(
  threadId: number,
  name: 'maps' | 'smaps' | 'stat' | 'syscall',
  encoding: 'latin1' | 'utf8',
): string | undefined {
  const path = `/proc/${threadId}/${name}`;
  if (isServed()) return readApart(threadId, path)?.toString(encoding);
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}

function readApart(threadId: number, path: string): Buffer | undefined {
  using session = new ApartSession(threadId);
  const file = session.make(
    `opening ${path}`,
    (apart) => {
      apart.data.set(Buffer.from(`${path}\0`));
      return [{ call: 'openat', arguments: [AT_FDCWD, apart.dataAddress, FCNTL.O_RDONLY | FCNTL.O_CLOEXEC, 0] }];
    },
    (apart) => apart.result(0),
  );
  if (file < 0) return undefined;
  const parts: Uint8Array[] = [];
  for (let isOver = false; !isOver; ) {
    isOver = session.make(
      `reading ${path}`,
      ({ dataAddress }) =>
        Array.from({ length: READS }, (_, index) => ({
          call: 'read',
          arguments: [file, dataAddress + BigInt(index * CHUNK), CHUNK],
        })),
      (apart) => {
        for (let index = 0; index < READS; index++) {
          const count = apart.result(index);
          // What was cut short is not known.
          if (count < 0) parts.length = 0;
          if (count <= 0) return true;
          parts.push(apart.data.slice(index * CHUNK, index * CHUNK + count));
        }
        return false;
      },
    );
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}
