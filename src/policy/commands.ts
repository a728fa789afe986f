/**
 * Commands of ioctl(2) that are refused, whatever the descriptor is: what a filter sees of it is a number.
 *
 * @module
 */
import {
  CONSOLE,
  DEMUX,
  DMA_HEAP,
  MODEM,
  NVIDIA_EXPORT,
  TERMINAL,
  TUN,
  UDMABUF,
  VIDEO,
  VIDEO_BUFFERS,
  VIDIOC_CREATE_BUFS32,
} from '../abi/ioctl.js';
import type { Entry } from '../abi/syscalls.js';
import { USERFAULTFD_IOCTL } from '../abi/userfaultfd.js';
import { type Condition, failWith, notify, type Rule, type Verdict } from './rule.js';

const COMMAND = 1;
const PERMISSION: Verdict = failWith('EPERM');

/**
 * What types into a terminal, which a shell outside of the run may read from later: characters, what is selected on a
 * console, the text behind a key. Job control, sizes and modes of terminals have other commands.
 */
const TYPING: readonly number[] = [
  TERMINAL.TIOCSTI,
  TERMINAL.TIOCLINUX,
  CONSOLE.KDSKBENT,
  CONSOLE.KDSKBSENT,
  CONSOLE.KDSKBDIACR,
  CONSOLE.KDSKBDIACRUC,
  CONSOLE.KDSETKEYCODE,
];

/**
 * What sets the lines of a modem. One of them has a serial line read what is written to it: that types, too. The lines stand
 * in memory, so that the supervisor carries these commands out (supervisor/calls/device_command.ts).
 */
const MODEM_LINES: readonly number[] = Object.values(MODEM);

/**
 * What makes buffers of a video device, of which the supervisor does the same: Linux 6.1 lets a device write to the
 * program's pages whatever their protection is. 32-bit programs have no way to the second: the structure is another one.
 */
const BUFFERS: Readonly<Record<Entry, readonly number[]>> = {
  'x86-64': Object.values(VIDEO_BUFFERS),
  i386: [VIDEO_BUFFERS.VIDIOC_REQBUFS],
};
const REFUSED_BUFFERS: Readonly<Record<Entry, readonly number[]>> = {
  'x86-64': [],
  i386: [VIDEO_BUFFERS.VIDIOC_CREATE_BUFS, VIDIOC_CREATE_BUFS32],
};

/** Consoles moved elsewhere, other line disciplines (each is a module), ports of devices. */
const TERMINAL_DEVICES: readonly number[] = [
  TERMINAL.TIOCCONS,
  TERMINAL.TIOCSETD,
  TERMINAL.TIOCSSERIAL,
  TERMINAL.TIOCSERCONFIG,
  CONSOLE.KDADDIO,
  CONSOLE.KDDELIO,
  CONSOLE.KDENABIO,
  CONSOLE.KDDISABIO,
];

/** What exports a buffer of a device as a dma-buf, which no mount keeps from being mapped writable and executable. */
const EXPORTING: readonly number[] = [
  VIDEO.VIDIOC_EXPBUF,
  DEMUX.DMX_EXPBUF,
  UDMABUF.UDMABUF_CREATE,
  UDMABUF.UDMABUF_CREATE_LIST,
  DMA_HEAP.DMA_HEAP_IOCTL_ALLOC,
];

/** The bits of a command that say which kind of device it is for, and which command it is (asm-generic/ioctl.h). */
const KIND = 0xff00;
const NUMBER = 0xff;

function refused(entry: Entry, ...when: readonly Condition[]): Rule {
  return { entry, call: 'ioctl', when, verdict: PERMISSION };
}

function carriedOut(entry: Entry, values: readonly number[]): Rule {
  return { entry, call: 'ioctl', when: [{ argument: COMMAND, is: 'one-of', values }], verdict: notify };
}

/** The rules of `wx`: what types into a terminal. */
export function typingRules(entry: Entry): readonly Rule[] {
  return [refused(entry, { argument: COMMAND, is: 'one-of', values: TYPING }), carriedOut(entry, MODEM_LINES)];
}

/** The rules of `strict`: those of `wx`, and what reaches devices, exports buffers or decides what pages hold. */
export function commandRules(entry: Entry): readonly Rule[] {
  return [
    refused(entry, {
      argument: COMMAND,
      is: 'one-of',
      values: [...TYPING, ...TERMINAL_DEVICES, ...EXPORTING, ...REFUSED_BUFFERS[entry]],
    }),
    carriedOut(entry, [...MODEM_LINES, ...BUFFERS[entry]]),
    refused(
      entry,
      { argument: COMMAND, is: 'masked-equal', mask: NUMBER, value: NVIDIA_EXPORT },
      // Of a size with which that driver refuses it.
      { argument: COMMAND, is: 'not-equal', value: TUN.TUNSETQUEUE },
    ),
    refused(entry, { argument: COMMAND, is: 'masked-equal', mask: KIND, value: USERFAULTFD_IOCTL << 8 }),
  ];
}
