/*
 * Row 28: memory that the kernel shares by descriptors which are no files of a file system: rings of io_uring, perf and
 * AF_PACKET, secret memory, BPF maps, what TCP received. Mapped executable from the beginning, or made so later.
 */
#define _GNU_SOURCE
#include "attempt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/udmabuf.h>
#include <net/ethernet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void *twice(int descriptor, uint64_t length)
{
	if (descriptor < 0)
		return NULL;
	void *writable = map(length, READ_WRITE, MAP_SHARED, descriptor);
	if (writable == NULL)
		return NULL;
	void *executable = map(length, READ_EXECUTE, MAP_SHARED, descriptor);
	if (executable == NULL)
		return NULL;
	write_payload((char *)writable + PAGE_SIZE - 64);
	return (char *)executable + PAGE_SIZE - 64;
}

static void *then_mprotect(int descriptor, uint64_t length)
{
	void *page = descriptor < 0 ? NULL : map(length, READ_WRITE, MAP_SHARED, descriptor);
	if (page == NULL)
		return NULL;
	write_payload((char *)page + PAGE_SIZE - 64);
	if (native_call(NATIVE(MPROTECT), number_of(page), length, READ_EXECUTE, 0, 0, 0) != 0)
		return NULL;
	return (char *)page + PAGE_SIZE - 64;
}

static int io_uring(void)
{
	struct io_uring_params parameters = {0};
	return (int)syscall(SYS_io_uring_setup, 8, &parameters);
}

static int performance(void)
{
	struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event,
					.config = PERF_COUNT_SW_DUMMY, .exclude_kernel = 1, .exclude_hv = 1};
	return (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
}

static int packets(void)
{
	const int descriptor = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	const struct tpacket_req request = {.tp_block_size = PAGE_SIZE, .tp_block_nr = 1, .tp_frame_size = 2048,
					    .tp_frame_nr = 2};
	if (descriptor >= 0 && setsockopt(descriptor, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
		return -1;
	return descriptor;
}

static int secret(void)
{
	const int descriptor = (int)syscall(SYS_memfd_secret, 0);
	return descriptor >= 0 && ftruncate(descriptor, PAGE_SIZE) != 0 ? -1 : descriptor;
}

static int bpf_map(void)
{
	union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = PAGE_SIZE, .max_entries = 1,
			      .map_flags = BPF_F_MMAPABLE};
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
}

static int tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static void *io_uring_twice(void)
{
	return twice(io_uring(), PAGE_SIZE);
}

static void *io_uring_mprotect(void)
{
	return then_mprotect(io_uring(), PAGE_SIZE);
}

/* The queue of entries lies elsewhere in a ring than the queues of numbers. */
static void *entries_twice(void)
{
	const int descriptor = io_uring();
	if (descriptor < 0)
		return NULL;
	void *writable = mmap(NULL, PAGE_SIZE, READ_WRITE, MAP_SHARED, descriptor, IORING_OFF_SQES);
	void *executable = mmap(NULL, PAGE_SIZE, READ_EXECUTE, MAP_SHARED, descriptor, IORING_OFF_SQES);
	if (writable == MAP_FAILED || executable == MAP_FAILED)
		return NULL;
	write_payload(writable);
	return executable;
}

/* A dma-buf, made of a memory file. */
static int dma_buffer(void)
{
	const int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	const int file = device < 0 ? -1 : memfd_create("wx", MFD_ALLOW_SEALING);
	if (file < 0 || ftruncate(file, PAGE_SIZE) != 0 || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) != 0)
		return -1;
	const struct udmabuf_create request = {.memfd = (uint32_t)file, .size = PAGE_SIZE};
	return ioctl(device, UDMABUF_CREATE, &request);
}

static void *udmabuf_twice(void)
{
	return twice(dma_buffer(), PAGE_SIZE);
}

static void *perf_twice(void)
{
	return twice(performance(), 2 * PAGE_SIZE);
}

static void *perf_mprotect(void)
{
	return then_mprotect(performance(), 2 * PAGE_SIZE);
}

static void *packet_twice(void)
{
	return twice(packets(), PAGE_SIZE);
}

static void *packet_mprotect(void)
{
	return then_mprotect(packets(), PAGE_SIZE);
}

static void *secret_twice(void)
{
	return twice(secret(), PAGE_SIZE);
}

static void *secret_mprotect(void)
{
	return then_mprotect(secret(), PAGE_SIZE);
}

static void *bpf_twice(void)
{
	return twice(bpf_map(), PAGE_SIZE);
}

static void *bpf_mprotect(void)
{
	return then_mprotect(bpf_map(), PAGE_SIZE);
}

/* Received pages are mapped into such a mapping by getsockopt(TCP_ZEROCOPY_RECEIVE). */
static void *tcp_mapped(void)
{
	return map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED, tcp());
}

/* The completion ring of the old asynchronous input and output: a mapping that the kernel makes itself. */
static void *aio_mprotect(void)
{
	unsigned long context = 0;
	if (syscall(SYS_io_setup, 64, &context) != 0)
		return NULL;
	void *page = (void *)context;
	if (protect(page, READ_EXECUTE) != 0)
		return NULL;
	return page;
}

VARIANTS({"io_uring-twice", io_uring_twice}, {"io_uring-mprotect", io_uring_mprotect},
	 {"io_uring-entries-twice", entries_twice}, {"udmabuf-twice", udmabuf_twice}, {"perf-twice", perf_twice},
	 {"perf-mprotect", perf_mprotect}, {"packet-twice", packet_twice}, {"packet-mprotect", packet_mprotect},
	 {"memfd_secret-twice", secret_twice}, {"memfd_secret-mprotect", secret_mprotect}, {"bpf-twice", bpf_twice},
	 {"bpf-mprotect", bpf_mprotect}, {"tcp", tcp_mapped}, {"aio-mprotect", aio_mprotect})
