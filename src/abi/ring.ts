/**
 * Constants and layouts of buffers that the kernel shares with a process through descriptors that are no files:
 * io_uring_setup(2), packet(7), perf_event_open(2), and of udmabuf.
 *
 * @module
 */
import { type KernelConstant, listed } from './constant.js';

/** Where the submission queue entries of a ring are mapped (linux/io_uring.h), and bytes of struct io_uring_params. */
export const IO_URING = { IORING_OFF_SQES: 0x10000000 } as const;
export const IO_URING_PARAMS_SIZE = 120;

/** The option that gives a packet socket a ring (linux/if_packet.h), and its level (sys/socket.h). */
export const PACKET = { PACKET_RX_RING: 5 } as const;
export const PACKET_LEVEL = { SOL_PACKET: 263 } as const;

/** Byte offsets in struct tpacket_req. */
export const TPACKET_REQ = { tp_block_size: 0, tp_block_nr: 4, tp_frame_size: 8, tp_frame_nr: 12, size: 16 } as const;

/** A software event that counts nothing (linux/perf_event.h). */
export const PERF = { PERF_TYPE_SOFTWARE: 1, PERF_COUNT_SW_DUMMY: 9, PERF_ATTR_SIZE_VER5: 112 } as const;

/** Byte offsets in struct perf_event_attr, and the bits there that leave the kernel and hypervisors out. */
export const PERF_EVENT_ATTR = { type: 0, size: 4, config: 8, flags: 40 } as const;
export const PERF_EXCLUDE_KERNEL_AND_HYPERVISOR = 0x60n;

/** Byte offsets in struct udmabuf_create (linux/udmabuf.h). */
export const UDMABUF_CREATE_LAYOUT = { memfd: 0, flags: 4, offset: 8, length: 16, size: 24 } as const;

/** Every constant above that is not a layout, for the test against the headers. */
export const constants: readonly KernelConstant[] = [
  ...listed('linux/io_uring.h', IO_URING),
  ...listed('linux/if_packet.h', PACKET),
  ...listed('sys/socket.h', PACKET_LEVEL),
  ...listed('linux/perf_event.h', PERF),
];
