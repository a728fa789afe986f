/**
 * Commands of ioctl(2) that type into terminals, change what keys type, reach ports of devices, or export buffers:
 * ioctl_tty(2), ioctl_console(2), and the headers of video devices.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Of terminals (asm-generic/ioctls.h). */
export const TERMINAL = {
  TIOCSTI: 0x5412,
  TIOCLINUX: 0x541c,
  TIOCCONS: 0x541d,
  TIOCSSERIAL: 0x541f,
  TIOCSETD: 0x5423,
  TIOCSERCONFIG: 0x5453,
} as const;

/** Of terminals: lines of a modem that are set (asm-generic/ioctls.h), as bits of an int (asm-generic/termios.h). */
export const MODEM = { TIOCMBIS: 0x5416, TIOCMSET: 0x5418 } as const;
export const MODEM_LINE = { TIOCM_LOOP: 0x8000 } as const;

/** Of consoles (linux/kd.h). */
export const CONSOLE = {
  KDADDIO: 0x4b34,
  KDDELIO: 0x4b35,
  KDENABIO: 0x4b36,
  KDDISABIO: 0x4b37,
  KDSKBENT: 0x4b47,
  KDSKBSENT: 0x4b49,
  KDSKBDIACR: 0x4b4b,
  KDSETKEYCODE: 0x4b4d,
  KDSKBDIACRUC: 0x4bfb,
} as const;

/** Of devices that export their buffers as descriptors (linux/videodev2.h, linux/dvb/dmx.h, linux/udmabuf.h, linux/dma-heap.h). */
export const VIDEO = { VIDIOC_EXPBUF: 0xc0405610 } as const;

/** Of video devices: what makes buffers (linux/videodev2.h), and whose memory they may be (enum v4l2_memory). */
export const VIDEO_BUFFERS = { VIDIOC_REQBUFS: 0xc0145608, VIDIOC_CREATE_BUFS: 0xc100565c } as const;
export const VIDEO_MEMORY = { V4L2_MEMORY_USERPTR: 2 } as const;
/** Of their structures, struct v4l2_requestbuffers and struct v4l2_create_buffers: where the memory stands in both. */
export const VIDEO_BUFFERS_LAYOUT = { memory: 8, requestSize: 20, createSize: 256 } as const;
/** VIDIOC_CREATE_BUFS of a 32-bit program, whose structure is shorter (drivers/media/v4l2-core/v4l2-compat-ioctl32.c). */
export const VIDIOC_CREATE_BUFS32 = 0xc0f8565c;

export const DEMUX = { DMX_EXPBUF: 0xc00c6f3e } as const;
export const UDMABUF = { UDMABUF_CREATE: 0x40187542, UDMABUF_CREATE_LIST: 0x40087543 } as const;
export const DMA_HEAP = { DMA_HEAP_IOCTL_ALLOC: 0xc0184800 } as const;

/** Of network interfaces of /dev/net/tun: one that has the number of {@link NVIDIA_EXPORT} (linux/if_tun.h). */
export const TUN = { TUNSETQUEUE: 0x400454d9 } as const;

/** NV_ESC_EXPORT_TO_DMABUF_FD of NVIDIA's own driver, which looks at a command's lowest byte, and at its size. */
export const NVIDIA_EXPORT = 0xd9;

/** Every constant above that the kernel's headers have, for the test against them. */
export const constants: readonly KernelConstant[] = [
  ...listed('asm/ioctls.h', TERMINAL),
  ...listed('asm/ioctls.h', MODEM),
  ...listed('asm/termios.h', MODEM_LINE),
  ...listed('linux/kd.h', CONSOLE),
  ...listed('linux/videodev2.h', VIDEO),
  ...listed('linux/videodev2.h', VIDEO_BUFFERS),
  ...listed('linux/videodev2.h', VIDEO_MEMORY),
  ...listed('linux/dvb/dmx.h', DEMUX),
  ...listed('linux/udmabuf.h', UDMABUF),
  ...listed('linux/dma-heap.h', DMA_HEAP),
  ...listed('linux/if_tun.h', TUN),
];
