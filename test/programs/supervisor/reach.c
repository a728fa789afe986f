/*
 * Tries what can be had from descriptors: memory to execute, folders and files of mounts that can be executed from, other
 * descriptors.
 *
 * usage: reach NUMBER ...
 *
 * Prints a line for each, as `100: nothing` or `101: mapped, mapped again`, or `102: closed`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int found;

static void finding(const char *what)
{
	printf("%s%s", found++ == 0 ? "" : ", ", what);
}

/* Whether a descriptor can be mapped as code, in any way of sharing, at any place where memory of the kernel's may be. */
static int can_be_mapped(int descriptor)
{
	static const int protections[] = {PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC};
	static const int sharing[] = {MAP_PRIVATE, MAP_SHARED};
	static const off_t places[] = {0, 0x8000000, 0x10000000};
	for (size_t try = 0; try < 2 * 2 * 3; try++) {
		const int how = sharing[try / 2 % 2] | MAP_DENYWRITE;
		if (mmap(NULL, 4096, protections[try % 2], how, descriptor, places[try / 4]) != MAP_FAILED)
			return 1;
	}
	return 0;
}

/* Whether a folder is of a mount whose files can be written and executed. */
static int is_of_loose_mount(int descriptor)
{
	struct stat status;
	struct statvfs system;
	return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode) && fstatvfs(descriptor, &system) == 0 &&
	       (system.f_flag & (ST_NOEXEC | ST_RDONLY)) == 0;
}

static void reach(int descriptor, int depth);

static void receive(int descriptor, int depth)
{
	for (int count = 0; count < 64; count++) {
		static char data[1 << 21];
		char control[4096];
		struct iovec vector = {data, sizeof data};
		struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		const ssize_t length = recvmsg(descriptor, &message, MSG_DONTWAIT);
		if (length < 0)
			return;
		for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
			if (header->cmsg_type != SCM_RIGHTS)
				continue;
			for (size_t at = 0; at < header->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
				int received;
				memcpy(&received, CMSG_DATA(header) + at, sizeof received);
				if (depth < 8)
					reach(received, depth + 1);
				close(received);
			}
		}
	}
}

static void reach(int descriptor, int depth)
{
	struct tpacket_req request = {.tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2};
	setsockopt(descriptor, SOL_PACKET, PACKET_RX_RING, &request, sizeof request);
	if (can_be_mapped(descriptor))
		finding("mapped");
	if (is_of_loose_mount(descriptor))
		finding("a folder that can be executed from");
	static const int flags[] = {O_RDWR, O_RDONLY, O_PATH};
	for (size_t index = 0; index < sizeof flags / sizeof *flags; index++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
		const int again = open(path, flags[index] | O_NONBLOCK | O_NOCTTY);
		if (again < 0)
			continue;
		if (can_be_mapped(again) || is_of_loose_mount(again)) {
			finding("opened again");
			break;
		}
		close(again);
	}
	static const char *const below[] = {".", ".."};
	for (size_t index = 0; index < 2 * sizeof below / sizeof *below; index++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d/%s", descriptor, below[index / 2]);
		const int other = index % 2 == 0 ? openat(descriptor, below[index / 2], O_RDONLY | O_DIRECTORY) : open(path, O_RDONLY | O_DIRECTORY);
		if (other >= 0 && is_of_loose_mount(other)) {
			finding("another folder");
			break;
		}
		close(other);
	}
	if (isatty(descriptor) == 0)
		receive(descriptor, depth);
}

int main(int count, char **arguments)
{
	for (int at = 1; at < count; at++) {
		const int number = atoi(arguments[at]);
		found = 0;
		printf("%d: ", number);
		if (fcntl(number, F_GETFD) < 0)
			finding("closed");
		else
			reach(number, 0);
		puts(found == 0 ? "nothing" : "");
		fflush(stdout);
	}
	return 0;
}
