/*
 * A descriptor is sent over a socket (SCM_RIGHTS).
 */
#ifndef PASSING_H
#define PASSING_H

#include <string.h>
#include <sys/socket.h>

#include "tap.h"

/* Sends a descriptor. Returns 0, or -1 with errno. */
TAP_UNUSED static int send_descriptor(int socket, int fd)
{
	char byte = 'd';
	struct iovec vector = { &byte, 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;

	memset(&control, 0, sizeof control);
	memset(&message, 0, sizeof message);
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = sizeof control.bytes;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

/* Receives a descriptor. Returns its number, or -1. */
TAP_UNUSED static int receive_descriptor(int socket)
{
	char byte;
	struct iovec vector = { &byte, 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;
	int fd = -1;

	memset(&control, 0, sizeof control);
	memset(&message, 0, sizeof message);
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = sizeof control.bytes;
	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

#endif
