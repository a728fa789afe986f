/**
 * What the kernel says of a descriptor of ours, as a decision takes it: fstat(2), statfs(2), fcntl(2), isatty(3), getsockopt(2).
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, statfsSync } from 'node:fs';
import { FCNTL, FILE_KIND } from '../../abi/fcntl.js';
import { fcntl, isTerminal } from '../../linux/descriptor.js';
import { mountIdOf } from '../../linux/mount_table.js';
import { socketKind } from '../../linux/socket.js';
import type { DescriptorFacts } from './descriptor_kinds.js';
import { asBytes } from './trees.js';

/** Whether a descriptor whose path is that of the root folder is of another mount than that. */
function isOtherRoot(descriptor: number, target: string): boolean {
  if (target !== '/') return false;
  const root = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  try {
    return mountIdOf(descriptor) !== mountIdOf(root);
  } finally {
    closeSync(root);
  }
}

/**
 * Reads them. What lies in a folder is not asked for its file system, whose server might have to be asked.
 *
 * @throws Error of node:fs where the descriptor is none
 */
export function factsOf(descriptor: number): DescriptorFacts {
  const link = `/proc/self/fd/${descriptor}`;
  const { mode, rdev } = fstatSync(descriptor);
  const target = readlinkSync(asBytes(link), 'latin1');
  const kind = mode & FILE_KIND.S_IFMT;
  const isPseudo = kind === FILE_KIND.S_IFREG && target.lastIndexOf('/') <= 0;
  return {
    mode,
    device: rdev,
    link: target,
    isOtherRoot: isOtherRoot(descriptor, target),
    flags: fcntl(descriptor, FCNTL.F_GETFL, 0),
    fileSystem: isPseudo ? statfsSync(link).type : 0,
    isTerminal: kind === FILE_KIND.S_IFCHR && isTerminal(descriptor),
    socket: kind === FILE_KIND.S_IFSOCK ? socketKind(descriptor) : undefined,
  };
}
