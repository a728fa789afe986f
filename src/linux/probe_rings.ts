/**
 * Probes for buffers that the kernel shares with a process through descriptors that are no files: whether they can be mapped
 * writable and, a second time, executable. Recent kernels refuse that for most of them; which, is found out by doing it.
 *
 * Follows io_uring_setup(2), packet(7), perf_event_open(2), memfd_secret(2) and mmap(2).
 *
 * @module
 */
import { constants, ftruncateSync, writeSync } from 'node:fs';
import { FCNTL, MEMFD } from '../abi/fcntl.js';
import { UDMABUF } from '../abi/ioctl.js';
import { MAP, PROT } from '../abi/mman.js';
import {
  IO_URING,
  IO_URING_PARAMS_SIZE,
  PACKET,
  PACKET_LEVEL,
  PERF,
  PERF_EVENT_ATTR,
  PERF_EXCLUDE_KERNEL_AND_HYPERVISOR,
  TPACKET_REQ,
  UDMABUF_CREATE_LAYOUT,
} from '../abi/ring.js';
import { SOCKET } from '../abi/socket.js';
import { type SyscallName, syscallNumbers } from '../abi/syscalls.js';
import { close, open } from './descriptor.js';
import { allocate, native, negatedErrno } from './libc.js';
import { addSeals } from './memfd.js';

const libcSyscall = native('long syscall(long, uint64_t, uint64_t, long, long, long, long)');
const libcSocket = native('int socket(int, int, int)');
const libcSetsockopt = native('int setsockopt(int, int, int, uint64_t, unsigned int)');
const libcIoctl = native('int ioctl(int, ulong, uint64_t)');
const libcMemfdCreate = native('int memfd_create(const char *, unsigned int)');
const libcMmap = native('int64_t mmap(void *, size_t, int, int, int, long)');
const libcMunmap = native('int munmap(int64_t, size_t)');

const PAGE = 4096;

/** What became of mapping a buffer: it can be executed, it cannot, or there is no such buffer to be had here. */
export type RingFinding = 'executable' | 'not executable' | 'not to be had';

function systemCall(
  name: SyscallName & keyof (typeof syscallNumbers)['x86-64'],
  first: bigint,
  second: bigint,
): number {
  return negatedErrno(libcSyscall(syscallNumbers['x86-64'][name], first, second, -1, -1, 0, 0));
}

/** Whether the kernel gives a shared mapping of a descriptor with a protection; a negated error number where it does not. */
function tryMapping(descriptor: number, length: number, protection: number, offset: number): number {
  const address = BigInt(libcMmap(null, length, protection, MAP.MAP_SHARED, descriptor, offset));
  if (address === -1n) return negatedErrno(-1);
  libcMunmap(address, length);
  return 0;
}

/** Maps a buffer, writable and executable in turn, and closes it. */
function judge(descriptor: number, length: number, offset = 0): RingFinding {
  if (descriptor < 0) return 'not to be had';
  try {
    if (tryMapping(descriptor, length, PROT.PROT_READ | PROT.PROT_WRITE, offset) < 0) return 'not to be had';
    const executed = tryMapping(descriptor, length, PROT.PROT_READ | PROT.PROT_EXEC, offset);
    return executed < 0 ? 'not executable' : 'executable';
  } finally {
    close(descriptor);
  }
}

/** The submission queue of an io_uring. */
function submissionQueue(): RingFinding {
  return judge(
    systemCall('io_uring_setup', 8n, allocate(IO_URING_PARAMS_SIZE).address),
    PAGE,
    IO_URING.IORING_OFF_SQES,
  );
}

/** The ring of a packet socket: of who may make one. The kernel waits for its processors, some milliseconds. */
function packetRing(): RingFinding {
  const socket = negatedErrno(libcSocket(SOCKET.AF_PACKET, SOCKET.SOCK_RAW, 0));
  const request = allocate(TPACKET_REQ.size);
  request.view.setUint32(TPACKET_REQ.tp_block_size, PAGE, true);
  request.view.setUint32(TPACKET_REQ.tp_block_nr, 1, true);
  request.view.setUint32(TPACKET_REQ.tp_frame_size, PAGE / 2, true);
  request.view.setUint32(TPACKET_REQ.tp_frame_nr, 2, true);
  if (socket >= 0) {
    libcSetsockopt(socket, PACKET_LEVEL.SOL_PACKET, PACKET.PACKET_RX_RING, request.address, TPACKET_REQ.size);
  }
  return judge(socket, PAGE);
}

/** The buffer of a performance event. */
function eventBuffer(): RingFinding {
  const event = allocate(PERF.PERF_ATTR_SIZE_VER5);
  event.view.setUint32(PERF_EVENT_ATTR.type, PERF.PERF_TYPE_SOFTWARE, true);
  event.view.setUint32(PERF_EVENT_ATTR.size, PERF.PERF_ATTR_SIZE_VER5, true);
  event.view.setBigUint64(PERF_EVENT_ATTR.config, BigInt(PERF.PERF_COUNT_SW_DUMMY), true);
  event.view.setBigUint64(PERF_EVENT_ATTR.flags, PERF_EXCLUDE_KERNEL_AND_HYPERVISOR, true);
  return judge(systemCall('perf_event_open', event.address, 0n), 2 * PAGE);
}

/** Secret memory. */
function secretMemory(): RingFinding {
  const file = systemCall('memfd_secret', 0n, 0n);
  if (file >= 0) ftruncateSync(file, PAGE);
  return judge(file, PAGE);
}

/** A dma-buf: of /dev/udmabuf, which makes them of a memory file. */
function dmaBuffer(): RingFinding {
  const device = open('/dev/udmabuf', constants.O_RDWR);
  if (device < 0) return 'not to be had';
  const file = negatedErrno(libcMemfdCreate('trampfd-doctor', MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING));
  try {
    writeSync(file, new Uint8Array(PAGE));
    addSeals(file, FCNTL.F_SEAL_SHRINK);
    const request = allocate(UDMABUF_CREATE_LAYOUT.size);
    request.view.setUint32(UDMABUF_CREATE_LAYOUT.memfd, file, true);
    request.view.setBigUint64(UDMABUF_CREATE_LAYOUT.length, BigInt(PAGE), true);
    return judge(negatedErrno(libcIoctl(device, UDMABUF.UDMABUF_CREATE, request.address)), PAGE);
  } finally {
    if (file >= 0) close(file);
    close(device);
  }
}

/** What was found of each kind. */
export interface RingFindings {
  readonly io_uring: RingFinding;
  readonly 'packet socket': RingFinding;
  readonly 'performance event': RingFinding;
  readonly 'secret memory': RingFinding;
  readonly 'dma-buf': RingFinding;
}

/** Maps a buffer of each kind that can be had here. */
export function probeRings(): RingFindings {
  return {
    io_uring: submissionQueue(),
    'packet socket': packetRing(),
    'performance event': eventBuffer(),
    'secret memory': secretMemory(),
    'dma-buf': dmaBuffer(),
  };
}
