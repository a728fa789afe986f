/*
 * Row 60: descriptors that a run inherits and that are no files: devices that can be mapped, objects of the kernel with
 * memory, and sockets in whose queues others wait, one in the other.
 */
#define _GNU_SOURCE
#include "file.h"
#include "outside.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

/* /dev/zero is shared memory when it is mapped so: a second view of it is what mremap(2) gives. */
static void *zero_twice(int descriptor, uint64_t flags)
{
	void *executable = descriptor < 0 ? NULL : map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | flags, descriptor);
	if (executable == NULL)
		return NULL;
	void *writable =
		address_of(native_call(NATIVE(MREMAP), number_of(executable), 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0));
	if (writable == NULL || protect(writable, READ_WRITE) != 0)
		return NULL;
	write_payload(writable);
	return executable;
}

static int again(int descriptor, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return open(path, flags | O_CLOEXEC);
}

static void *zero(void)
{
	return zero_twice(INHERITED_ZERO, MAP_DENYWRITE);
}

static void *zero_plainly(void)
{
	return zero_twice(INHERITED_ZERO, 0);
}

static void *zero_again(void)
{
	return zero_twice(again(INHERITED_ZERO, O_RDWR), MAP_DENYWRITE);
}

static void *zero_reading(void)
{
	return zero_twice(again(INHERITED_ZERO_READING, O_RDWR), MAP_DENYWRITE);
}

static void *zero_path(void)
{
	return zero_twice(again(INHERITED_ZERO_PATH, O_RDWR), MAP_DENYWRITE);
}

/* The first descriptor that waits in a socket; messages without one are passed over. */
static int receive(int socket)
{
	for (;;) {
		int received;
		char control[CMSG_SPACE(sizeof received)], byte;
		struct iovec vector = {&byte, 1};
		struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		if (socket < 0 || recvmsg(socket, &message, MSG_DONTWAIT) < 0)
			return -1;
		const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		if (header == NULL)
			continue;
		memcpy(&received, CMSG_DATA(header), sizeof received);
		return received;
	}
}

static void *nested(void)
{
	return mapped_twice(receive(receive(INHERITED_NESTED)), 0);
}

static void *behind_empty(void)
{
	return mapped_twice(receive(INHERITED_BEHIND_EMPTY), 0);
}

static void *zero_in_flight(void)
{
	return zero_twice(receive(INHERITED_ZERO_IN_FLIGHT), MAP_DENYWRITE);
}

/* Memory of an object of the kernel, seen twice. */
static void *seen_twice(int descriptor, uint64_t length)
{
	void *writable = map(length, READ_WRITE, MAP_SHARED, descriptor);
	void *executable = writable == NULL ? NULL : map(length, READ_EXECUTE, MAP_SHARED, descriptor);
	if (executable == NULL)
		return NULL;
	write_payload((char *)writable + PAGE_SIZE - 64);
	return (char *)executable + PAGE_SIZE - 64;
}

static void *ring(void)
{
	return seen_twice(INHERITED_RING, PAGE_SIZE);
}

static void *counter(void)
{
	return seen_twice(INHERITED_COUNTER, 2 * PAGE_SIZE);
}

static void *bpf_map(void)
{
	return seen_twice(INHERITED_BPF_MAP, PAGE_SIZE);
}

static void *packets(void)
{
	const struct tpacket_req request = {.tp_block_size = PAGE_SIZE, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2};
	if (setsockopt(INHERITED_PACKETS, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
		return NULL;
	return seen_twice(INHERITED_PACKETS, PAGE_SIZE);
}

VARIANTS({"zero", zero}, {"zero-plainly", zero_plainly}, {"zero-again", zero_again}, {"zero-reading", zero_reading},
	 {"zero-path", zero_path}, {"nested", nested}, {"behind-empty", behind_empty}, {"zero-in-flight", zero_in_flight},
	 {"ring", ring}, {"counter", counter}, {"bpf-map", bpf_map}, {"packets", packets})
