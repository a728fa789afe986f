/*
 * Row 48: descriptors that one process of the run passes to another (SCM_RIGHTS, pidfd_getfd), and memory files that are
 * sealed: what arrives is the same file.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <sys/socket.h>

static void pass(int socket, int descriptor)
{
	char control[CMSG_SPACE(sizeof descriptor)] = {0}, byte = 0;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
	memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
	need(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

static int receive(int socket)
{
	int descriptor = -1;
	char control[CMSG_SPACE(sizeof descriptor)], byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	need(recvmsg(socket, &message, 0) == 1, "recvmsg");
	if (CMSG_FIRSTHDR(&message) != NULL)
		memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
	return descriptor;
}

/* What a child makes, and passes. */
static void *passed(int (*make)(void))
{
	int ends[2];
	struct shared_result *result = share_result();
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	const pid_t child = fork();
	if (child == 0) {
		const int descriptor = make();
		if (descriptor < 0)
			result->error = errno;
		else
			pass(ends[1], descriptor);
		_exit(0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	errno = result->error;
	return errno == 0 ? mapped_twice(receive(ends[0]), 0) : NULL;
}

static int make_memfd(void)
{
	return memfd_create("row 48", 0);
}

static int make_file(void)
{
	return new_file(own_folder());
}

static void *memory_file(void)
{
	return passed(make_memfd);
}

static void *file(void)
{
	return passed(make_file);
}

/* Sealed first: what cannot be written any more may look as if it could be trusted. */
static void *sealed_with(unsigned flags, int seals)
{
	const int descriptor = memfd_create("row 48", flags);
	if (descriptor < 0 || fill(descriptor) < 0 || fcntl(descriptor, F_ADD_SEALS, seals) != 0)
		return NULL;
	return map_executable(descriptor, MAP_SHARED);
}

static void *sealed(void)
{
	return sealed_with(MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
}

/* The seal of the table's own files: a mapping from before can go on writing. */
static void *sealed_for_later(void)
{
	const int descriptor = memfd_create("row 48", MFD_ALLOW_SEALING);
	if (descriptor < 0 || ftruncate(descriptor, PAGE_SIZE) != 0)
		return NULL;
	void *writable = map(PAGE_SIZE, READ_WRITE, MAP_SHARED, descriptor);
	if (writable == NULL || fcntl(descriptor, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0)
		return NULL;
	void *executable = map_executable(descriptor, MAP_SHARED);
	if (executable == NULL)
		return NULL;
	write_payload(writable);
	return executable;
}

static void *sealed_against_execution(void)
{
	return sealed_with(MFD_ALLOW_SEALING, 0x0020 /* F_SEAL_EXEC; linux/fcntl.h */);
}

/* A descriptor of another process of the run, by its number there. */
static void *taken(void)
{
	struct shared_result *result = share_result();
	const pid_t child = fork();
	if (child == 0) {
		if (dup2(make_memfd(), 60) < 0)
			result->error = errno;
		result->step = 1;
		for (;;)
			pause();
	}
	need(child > 0, "fork");
	while (result->step == 0)
		usleep(100);
	errno = result->error;
	void *page = NULL;
	if (errno == 0) {
		const int process = (int)syscall(SYS_pidfd_open, child, 0);
		page = mapped_twice((int)syscall(SYS_pidfd_getfd, process, 60, 0), 0);
	}
	const int kept = errno;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	errno = kept;
	return page;
}

VARIANTS({"memfd", memory_file}, {"file", file}, {"sealed", sealed}, {"sealed-for-later", sealed_for_later},
	 {"sealed-against-execution", sealed_against_execution}, {"pidfd_getfd", taken})
