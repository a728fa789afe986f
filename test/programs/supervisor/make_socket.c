/*
 * Sockets by socketcall(2) of i386, whose arguments stand in memory, from programs of both widths.
 *
 *   make_socket calls         makes what there is to be made, and prints one line for each way
 *   make_socket race COUNT    a thread changes the family between AF_UNIX and AF_VSOCK all the while; prints whether some were
 *                             made and some refused, and says so when a socket of AF_VSOCK was made
 */
#define _GNU_SOURCE
#include "../wx/entry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETCALL = 102, MAKE = 1, MAKE_PAIR = 8, BIND = 2 };

/* Below 4 GiB, so that the entry of i386 reaches it. */
static volatile uint32_t *words;

static int made(uint32_t which, uint64_t address)
{
	const int64_t result = i386_call(SOCKETCALL, which, address, 0, 0, 0, 0);
	return result < 0 ? -errno : (int)result;
}

static int make(uint32_t family, uint32_t type)
{
	words[0] = family, words[1] = type, words[2] = 0;
	return made(MAKE, (uintptr_t)words);
}

static int domain(int descriptor)
{
	int value = -1;
	socklen_t length = sizeof value;
	getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &value, &length);
	return value;
}

static void *swap(void *unused)
{
	for (;;) {
		words[0] = AF_UNIX;
		words[0] = AF_VSOCK;
	}
	return unused;
}

static int calls(void)
{
	const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_VSOCK, AF_CAN, 99};
	for (size_t index = 0; index < sizeof families / sizeof families[0]; index++) {
		const int descriptor = make((uint32_t)families[index], SOCK_STREAM | SOCK_CLOEXEC);
		printf("%d: %d\n", families[index], descriptor < 0 ? descriptor : domain(descriptor));
	}
	words[0] = AF_UNIX, words[1] = SOCK_STREAM, words[2] = 0, words[3] = (uint32_t)(uintptr_t)(words + 8);
	const int pair = made(MAKE_PAIR, (uintptr_t)words);
	char byte = 0;
	const int written = (int)write((int)words[8], "x", 1), got = (int)read((int)words[9], &byte, 1);
	printf("pair: %d %d %d %c\n", pair, written, got, byte);
	/* By 15 the kernel and udev tell of devices (linux/netlink.h: NETLINK_KOBJECT_UEVENT). */
	words[0] = AF_NETLINK, words[1] = SOCK_RAW | SOCK_CLOEXEC, words[2] = 15;
	const int devices = made(MAKE, (uintptr_t)words);
	printf("devices: %d\n", devices < 0 ? devices : domain(devices));
	words[0] = AF_VSOCK, words[1] = SOCK_STREAM, words[2] = 0;
	printf("pair of AF_VSOCK: %d\n", made(MAKE_PAIR, (uintptr_t)words));
	printf("at no address: %d\n", made(MAKE, 16));
	words[0] = (uint32_t)-1;
	printf("bind: %d\n", made(BIND, (uintptr_t)words));
	return 0;
}

static int race(int count)
{
	pthread_t thread;
	int ours = 0, refused = 0;
	words[1] = SOCK_SEQPACKET;
	pthread_create(&thread, NULL, swap, NULL);
	for (int index = 0; index < count; index++) {
		const int descriptor = made(MAKE, (uintptr_t)words);
		if (descriptor < 0) {
			refused++;
			continue;
		}
		if (domain(descriptor) != AF_UNIX)
			printf("a socket of family %d\n", domain(descriptor));
		ours++;
		close(descriptor);
	}
	printf("%s, %s\n", ours > 0 ? "made some" : "made none", refused > 0 ? "refused some" : "refused none");
	fflush(stdout);
	_exit(0);
}

int main(int count, char **arguments)
{
	words = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (words == MAP_FAILED || count < 2)
		return 3;
	return strcmp(arguments[1], "race") == 0 ? race(atoi(arguments[2])) : calls();
}
