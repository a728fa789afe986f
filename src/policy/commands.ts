/**
 * Commands of ioctl(2) that are refused, whatever the descriptor is: what a filter sees of it is a number.
 *
 * @module
 */
import { CONSOLE, DEMUX, DMA_HEAP, NVIDIA_EXPORT, TERMINAL, TUN, UDMABUF, VIDEO } from '../abi/ioctl.js';
import type { Entry } from '../abi/syscalls.js';
import { USERFAULTFD_IOCTL } from '../abi/userfaultfd.js';
import { type Condition, failWith, type Rule, type Verdict } from './rule.js';

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

/** The rules of `wx`: what types into a terminal. */
export function typingRules(entry: Entry): readonly Rule[] {
  return [refused(entry, { argument: COMMAND, is: 'one-of', values: TYPING })];
}

/** The rules of `strict`: those of `wx`, and what reaches devices, exports buffers or decides what pages hold. */
export function commandRules(entry: Entry): readonly Rule[] {
  return [
    refused(entry, { argument: COMMAND, is: 'one-of', values: [...TYPING, ...TERMINAL_DEVICES, ...EXPORTING] }),
    refused(
      entry,
      { argument: COMMAND, is: 'masked-equal', mask: NUMBER, value: NVIDIA_EXPORT },
      // Of a size with which that driver refuses it.
      { argument: COMMAND, is: 'not-equal', value: TUN.TUNSETQUEUE },
    ),
    refused(entry, { argument: COMMAND, is: 'masked-equal', mask: KIND, value: USERFAULTFD_IOCTL << 8 }),
  ];
}
