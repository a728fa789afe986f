/**
 * memfd_create(2) where files are judged: a file without a name on a file system of the supervisor's own, where nothing
 * can be executed. A memory file of the kernel's own could be mapped as code.
 *
 * It can do what a memory file can that was made without MFD_ALLOW_SEALING: no seals can be added to it, and fcntl(2)
 * says so (F_SEAL_SEAL, EPERM). Seals could be had on a memory file of the kernel's alone, whose content the program
 * chooses.
 *
 * @module
 */
import { errnoNumbers } from '../../abi/errno.js';
import { FCNTL, MEMFD, MFD_EXEC, MFD_NOEXEC_SEAL } from '../../abi/fcntl.js';
import { changeMode, changeOwner, close, createAt, unlinkAt } from '../../linux/descriptor.js';
import { readString } from '../../linux/memory.js';
import { fileOwnerOf } from '../../linux/proc.js';
import { type Answer, type CallContext, int32, isValid, loggedCall, refuse } from '../call.js';
import { refuseMemory } from '../unreachable.js';

/** Bytes of a name, at most (mm/memfd.c: MFD_NAME_MAX_LEN). */
const LONGEST_NAME = 249;
/** Bits that say the size of huge pages, allowed with MFD_HUGETLB alone (linux/memfd.h: MFD_HUGE_SHIFT, MFD_HUGE_MASK). */
const HUGE_SIZE = 0xfc000000;
const KNOWN = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING | MEMFD.MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC;
const SLASH = '/'.charCodeAt(0);
const UNDERSCORE = '_'.charCodeAt(0);

/** Why the kernel would refuse these flags. */
function refuseFlags(flags: number): Answer | undefined {
  const huge = (flags & MEMFD.MFD_HUGETLB) !== 0;
  const unknown = flags & ~(KNOWN | (huge ? HUGE_SIZE : 0));
  const both = MFD_EXEC | MFD_NOEXEC_SEAL;
  if (unknown !== 0 || (flags & both) === both)
    return refuse('EINVAL', `memfd_create with flags 0x${flags.toString(16)}`);
  // As a kernel without huge pages.
  return huge
    ? refuse('ENOSYS', 'a memory file of huge pages could be mapped as code; use one of ordinary pages')
    : undefined;
}

/** Makes the file: a descriptor or a negated error number. */
function makeFile(folder: number, name: Uint8Array, mode: number, threadId: number): number {
  // What /proc shows of it is what it shows of a memory file: /memfd:NAME (deleted).
  const shown = Buffer.concat([Buffer.from('memfd:'), name.map((byte) => (byte === SLASH ? UNDERSCORE : byte))]);
  const flags = FCNTL.O_RDWR | FCNTL.O_CREAT | FCNTL.O_EXCL | FCNTL.O_CLOEXEC | FCNTL.O_LARGEFILE;
  const file = createAt(folder, shown, flags, 0o600);
  if (file < 0) return file;
  unlinkAt(folder, shown);
  const owner = fileOwnerOf(threadId);
  if (owner !== undefined) changeOwner(file, owner.user, owner.group);
  changeMode(file, mode);
  return file;
}

export function answerMemfdCreate(context: CallContext): Answer {
  const { supervision, notification } = context;
  const { memoryFolder, log } = supervision;
  const { threadId } = notification;
  const [address, flagWord] = notification.arguments;
  const flags = int32(flagWord);
  const refusal = refuseFlags(flags);
  if (refusal !== undefined) return refusal;
  const name = readString(threadId, address, LONGEST_NAME);
  if (name === undefined) return refuseMemory(threadId, address, 'the name of the memory file cannot be read');
  if (name === 'too long') return refuse('EINVAL', `the name of the memory file has more than ${LONGEST_NAME} bytes`);
  if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
  if (memoryFolder === undefined) return refuse('ENOSYS', 'there is no file system for memory files in this run');
  const mode = (flags & MFD_NOEXEC_SEAL) === 0 ? 0o777 : 0o666;
  const file = makeFile(memoryFolder, name, mode, threadId);
  if (file < 0) {
    const isFull = file === -errnoNumbers.EMFILE || file === -errnoNumbers.ENFILE;
    return refuse(isFull ? 'ENFILE' : 'ENOMEM', 'the supervisor cannot make another memory file');
  }
  return {
    kind: 'descriptor',
    source: file,
    number: undefined,
    closeOnExec: (flags & MEMFD.MFD_CLOEXEC) !== 0,
    aboveLimit: 'EMFILE',
    settle(installed) {
      close(file);
      if (installed && log.enabled) {
        log.write({
          event: 'memory-file-created',
          ...loggedCall(context),
          name: Buffer.from(name).toString(),
          wantedSeals: (flags & MEMFD.MFD_ALLOW_SEALING) !== 0,
        });
      }
    },
  };
}
