/**
 * ioctl(2) with commands whose structure says whether they are harmless. It stands in memory, where another thread could
 * change it after any check. So it is read once, and the supervisor makes the command with its copy, on a copy of the
 * caller's descriptor.
 *
 * - TIOCMSET, TIOCMBIS set the lines of a modem (ioctl_tty(2)). With TIOCM_LOOP among them, a serial line reads what is
 *   written to it, so that a shell outside which reads the line would read commands of the run.
 * - VIDIOC_REQBUFS, VIDIOC_CREATE_BUFS make buffers of a video device. With V4L2_MEMORY_USERPTR the device writes to pages of
 *   the program, where Linux 6.1 does not ask for their protection (FOLL_FORCE), so that what it records comes to be
 *   in pages that are executable.
 *
 * @module
 */
import { MODEM, MODEM_LINE, VIDEO_BUFFERS, VIDEO_BUFFERS_LAYOUT, VIDEO_MEMORY } from '../../abi/ioctl.js';
import { USERFAULTFD_IOC_NEW } from '../../abi/userfaultfd.js';
import { close } from '../../linux/descriptor.js';
import { isTerminalMajor, deviceCommand as makeCommand } from '../../linux/device_command.js';
import { promptly } from '../../linux/late_call.js';
import { readMemory, writeMemory } from '../../linux/memory.js';
import { type Answer, type CallContext, int32, isValid, refuse } from '../call.js';
import { takeOwnDescriptor } from '../take_descriptor.js';
import { refuseMemory } from '../unreachable.js';
import { answerServing } from './serve_pages.js';

/** Majors of video devices (devices.txt of the kernel). */
const VIDEO_MAJOR = 81;

/** A command that is looked at. */
interface JudgedCommand {
  readonly size: number;
  /** Whether the kernel writes the structure, too. */
  readonly isAnswered: boolean;
  /** Whether devices with a major number have it: no other gets to see a command that we make. */
  readonly isOf: (major: number) => boolean;
  /** Why it is refused. */
  readonly refusal: (structure: DataView) => Answer | undefined;
}

const modemLines: JudgedCommand = {
  size: 4,
  isAnswered: false,
  isOf: isTerminalMajor,
  refusal: (structure) =>
    (structure.getUint32(0, true) & MODEM_LINE.TIOCM_LOOP) === 0
      ? undefined
      : refuse('EPERM', 'TIOCM_LOOP has a serial line read what is written to it, which types into it'),
};

function buffers(size: number): JudgedCommand {
  return {
    size,
    isAnswered: true,
    isOf: (major) => major === VIDEO_MAJOR,
    refusal: (structure) =>
      structure.getUint32(VIDEO_BUFFERS_LAYOUT.memory, true) === VIDEO_MEMORY.V4L2_MEMORY_USERPTR
        ? // As a device that has no such buffers.
          refuse(
            'EINVAL',
            'V4L2_MEMORY_USERPTR: a video device could write to pages that are executable; use V4L2_MEMORY_MMAP',
          )
        : undefined,
  };
}

const judged: ReadonlyMap<number, JudgedCommand> = new Map([
  [MODEM.TIOCMSET, modemLines],
  [MODEM.TIOCMBIS, modemLines],
  [VIDEO_BUFFERS.VIDIOC_REQBUFS, buffers(VIDEO_BUFFERS_LAYOUT.requestSize)],
  [VIDEO_BUFFERS.VIDIOC_CREATE_BUFS, buffers(VIDEO_BUFFERS_LAYOUT.createSize)],
]);

/** Makes a command that is harmless, and hands the caller what came of it. */
function carryOut(
  context: CallContext,
  command: number,
  { isOf, isAnswered }: JudgedCommand,
  bytes: Uint8Array,
  at: bigint,
): Answer {
  const { threadId, arguments: words } = context.notification;
  const copy = takeOwnDescriptor(
    threadId,
    int32(words[0]),
    ({ characterMajor }) => characterMajor !== undefined && isOf(characterMajor),
  );
  if (copy === 'none') return refuse('EBADF', `descriptor ${int32(words[0])} cannot be had from the caller`);
  if (copy === 'other') return refuse('ENOTTY', 'the descriptor is of no device with this command');
  try {
    if (!isValid(context)) return refuse('EACCES', 'the caller is gone');
    const made = makeCommand(copy, command, bytes);
    // It was carried out, and is not again: who has it delivered late has taken the page away since it was read.
    if (made.result >= 0 && isAnswered && !promptly(() => writeMemory(threadId, at, made.bytes), false)) {
      return refuse('EFAULT', 'the structure of the command cannot be written');
    }
    return { kind: 'value', value: BigInt(made.result) };
  } finally {
    close(copy);
  }
}

export function answerDeviceCommand(context: CallContext): Answer {
  const { notification, entry } = context;
  const { threadId } = notification;
  const command = int32(notification.arguments[1]);
  if (command === USERFAULTFD_IOC_NEW) return answerServing(context);
  const known = judged.get(command);
  if (known === undefined) return refuse('EACCES', `ioctl 0x${command.toString(16)} is none that is looked at`);
  const word = notification.arguments[2];
  const address = entry === 'i386' ? BigInt.asUintN(32, word) : word;
  const bytes = readMemory(threadId, address, known.size);
  if (bytes === undefined) return refuseMemory(threadId, address, 'the structure of the command cannot be read');
  const refusal = known.refusal(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  return refusal ?? carryOut(context, command, known, bytes, address);
}
