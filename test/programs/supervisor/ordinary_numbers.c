/*
 * A table's descriptor at an ordinary number: received over a socket, opened again through /proc, taken by pidfd_getfd.
 * pread, pwrite and mmap do there what they do at the numbers that the supervisor chooses; all else is the kernel's. Other
 * files at such numbers are what they always were.
 */
#define _GNU_SOURCE
#include "../../conformance/table.h"
#include "../../conformance/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static struct table table;

/* Buffers that are none; the compiler may not know. */
static void *volatile null;
static void *volatile nowhere = (void *)64;

static void fresh(void)
{
	table.base = NULL;
	table.fd = trampfd(&table.info);
	if (table.fd < 0)
		ok(0, "a new table: %s", strerror(errno));
}

static int send_descriptor(int socket, int fd)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	struct iovec data = { (void *)"", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
	                          .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	char byte;
	int fd;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
	                          .msg_controllen = sizeof control };

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

static int by_socket(int fd)
{
	int sockets[2], received = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0 && send_descriptor(sockets[0], fd) == 0)
		received = receive_descriptor(sockets[1]);
	close(sockets[0]);
	close(sockets[1]);
	return received;
}

static int by_proc(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int by_writable_proc(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int by_pidfd(int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return taken;
}

#define fails(call, error, ...) \
	do { \
		errno = 0; \
		long failed_with = (long)(call); \
		ok(failed_with == -1 && errno == (error), __VA_ARGS__, failed_with == -1 ? strerrorname_np(errno) : "no error"); \
	} while (0)

static void *map_with(int fd, int protection, int flags, off_t offset)
{
	return mmap(NULL, (size_t)table.info.code_size * table.info.ntrampolines, protection, flags, fd, offset);
}

/* Whether the child that has the same descriptors may map the table: 0 or the error. */
static int map_in_child(int fd, int flags)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(map_with(fd, PROT_READ | PROT_EXEC, flags, table.info.code_offset) == MAP_FAILED ? errno : 0);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void works(int (*get)(int), const char *how)
{
	enum { EXECUTE = PROT_READ | PROT_EXEC };
	struct trampfd_code code = { 0 };
	struct trampfd_data data;
	char buffer[16];
	int error;

	fresh();
	code = code_of(&table, table.info.ntrampolines);
	data = data_of(&table);
	int fd = get(table.fd);
	if (!ok(fd >= 0 && fd < 64, "%s: an ordinary number: %d", how, fd))
		return;

	fails(pread(fd, buffer, sizeof buffer, 0), EINVAL, "%s: pread: %s", how);
	fails(pread(fd, buffer, 1, 3), EINVAL, "%s: pread at 3: %s", how);
	fails(pwrite(fd, &code, sizeof code - 1, TRAMPFD_CODE), EINVAL, "%s: pwrite of 15 bytes: %s", how);
	fails(pwrite(fd, &code, sizeof code, 2), EINVAL, "%s: pwrite at 2: %s", how);
	fails(pwrite(fd, null, sizeof code, TRAMPFD_CODE), EINVAL, "%s: pwrite from NULL: %s", how);
	fails(pwrite(fd, nowhere, sizeof code, TRAMPFD_CODE), EFAULT, "%s: pwrite from nowhere: %s", how);
	fails(map_with(fd, EXECUTE, MAP_SHARED, table.info.code_offset), EINVAL, "%s: mmap of what is not complete: %s", how);
	ok(pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "%s: pwrite of the code: %s", how, strerror(errno));
	fails(pwrite(fd, &code, sizeof code, TRAMPFD_CODE), EEXIST, "%s: again: %s", how);
	fails(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE), EEXIST, "%s: and through the first descriptor: %s", how);
	ok(pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data, "%s: pwrite of the data: %s", how, strerror(errno));

	fails(map_with(fd, PROT_EXEC, MAP_SHARED, table.info.code_offset), EINVAL, "%s: mmap without PROT_READ: %s", how);
	fails(map_with(fd, EXECUTE, MAP_SHARED | MAP_POPULATE, table.info.code_offset), EINVAL, "%s: mmap with another flag: %s", how);
	fails(map_with(fd, EXECUTE, MAP_SHARED, 0), EINVAL, "%s: mmap from another offset: %s", how);
	fails(map_with(fd, EXECUTE | PROT_WRITE, MAP_PRIVATE, table.info.code_offset), EACCES, "%s: mmap also writable, the filter is first: %s", how);
	error = map_in_child(fd, MAP_SHARED);
	ok(error == EINVAL, "%s: mmap in a child: %s", how, error == 0 ? "no error" : strerrorname_np(error));

	struct table copy = table;
	copy.fd = fd;
	ok(table_map(&copy, MAP_SHARED) == 0, "%s: mapped: %s", how, strerror(errno));
	fails(map_with(fd, EXECUTE, MAP_SHARED, table.info.code_offset), EEXIST, "%s: mapped again: %s", how);
	fails(map_with(table.fd, EXECUTE, MAP_SHARED, table.info.code_offset), EEXIST, "%s: and through the first descriptor: %s", how);
	slot_set(&table, 5, target_data, 1234);
	ok(call(&copy, 5) == 1234, "%s: a call", how);
	ok(table_unmap(&copy) == 0 && close(table.fd) == 0, "%s: unmapped, and the first descriptor closed", how);
	ok(table_map(&copy, MAP_PRIVATE) == 0 && call(&copy, 5) == 1234, "%s: mapped and called with this one alone: %s",
	   how, strerror(errno));

	/* What is not looked at is the kernel's. The page is sealed, so nothing depends on it. */
	int writable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	fails(write(fd, &code, sizeof code), writable ? EPERM : EBADF, "%s: write is the kernel's: %s", how);
	lseek(fd, table.info.code_offset, SEEK_SET);
	ok(read(fd, buffer, sizeof buffer) == sizeof buffer && memcmp(buffer, copy.base, sizeof buffer) == 0,
	   "%s: read gives the page", how);
	ok(lseek(fd, 7, SEEK_SET) == 7, "%s: lseek goes anywhere", how);
	error = map_in_child(fd, MAP_PRIVATE | MAP_DENYWRITE);
	ok(error == 0, "%s: mmap with MAP_DENYWRITE, as the loader does it, is the kernel's: %d", how, error);

	int high = fcntl(fd, F_DUPFD_CLOEXEC, table.fd);
	ok(high >= table.fd, "%s: a copy at a number of a table: %d", how, high);
	fails(read(high, buffer, sizeof buffer), EINVAL, "%s: is looked at by every call: %s", how);
	ok(table_unmap(&copy) == 0 && close(high) == 0 && close(fd) == 0, "%s: dropped", how);
}

/*
 * A table that is not complete, on its way in a socket while its creator has nothing of it and makes many others; then in
 * another process, which describes it; then back.
 */
static void away(void)
{
	enum { OTHERS = 400 };
	int sockets[2], status = -1;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets);
	pid_t child = fork();
	if (child == 0) {
		int fd = receive_descriptor(sockets[1]);
		struct trampfd_code code = code_of(&table, 3);
		struct trampfd_data data = data_of(&table);
		int right = fd >= 0 && fd < 64 && pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code &&
		            pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data &&
		            mmap(NULL, 3 * sizeof code, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED &&
		            errno == EINVAL;
		_exit(!right || send_descriptor(sockets[1], fd) != 0);
	}
	fresh();
	int queue[2];
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, queue);
	ok(send_descriptor(queue[0], table.fd) == 0 && close(table.fd) == 0, "a table goes into a queue");
	int failed = 0;
	for (int i = 0; i < OTHERS; i++) {
		struct trampfd_info info;
		int other = trampfd(&info);
		failed += other < 0 || close(other) != 0;
	}
	ok(failed == 0, "many others are created and dropped: %d failed", failed);
	int fd = receive_descriptor(queue[1]);
	ok(fd >= 0 && send_descriptor(sockets[0], fd) == 0 && close(fd) == 0, "it is passed on to another process");
	waitpid(child, &status, 0);
	ok(status == 0, "which describes it, and may not map it: status %d", status);
	table.fd = receive_descriptor(sockets[0]);
	table.info.ntrampolines = 3;
	ok(table.fd >= 0 && table_map(&table, MAP_SHARED) == 0, "back at its creator it is mapped: %s", strerror(errno));
	slot_set(&table, 2, target_data, 77);
	ok(call(&table, 2) == 77 && table_unmap(&table) == 0 && close(table.fd) == 0, "called and dropped");
	for (int i = 0; i < 2; i++) {
		close(sockets[i]);
		close(queue[i]);
	}
}

/* Files that are no tables: the same calls with the same arguments do what they do without a supervisor. */
static void other_files(const char *when)
{
	char buffer[648];
	int pipes[2];

	FILE *file = tmpfile();
	int fd = fileno(file);
	memset(buffer, 'a', sizeof buffer);
	ok(pwrite(fd, buffer, sizeof buffer, 0) == sizeof buffer && pwrite(fd, "bc", 2, 3) == 2, "%s: pwrite: %s", when,
	   strerror(errno));
	ok(pread(fd, buffer, sizeof buffer, 1) == sizeof buffer - 1 && memcmp(buffer, "aabca", 5) == 0, "%s: pread: %s",
	   when, strerror(errno));
	ok(pread(fd, buffer, 0, 0) == 0, "%s: pread of nothing", when);
	fails(pwrite(fd, nowhere, 16, 0), EFAULT, "%s: pwrite from nowhere: %s", when);
	fails(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 1), EINVAL, "%s: mmap from offset 1: %s", when);
	fclose(file);

	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *text = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);
	ok(text != MAP_FAILED && memcmp(text, "\177ELF", 4) == 0, "%s: a program's file is mapped: %s", when, strerror(errno));
	munmap(text, 4096);
	fails(pwrite(self, "", 1, 0), EBADF, "%s: pwrite to what is open for reading: %s", when);
	close(self);
	fails(pread(self, buffer, 1, 0), EBADF, "%s: pread of what is closed: %s", when);
	fails(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0), EBADF, "%s: mmap of what is closed: %s", when);
	fails(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, -1, 0), EBADF, "%s: mmap of -1: %s", when);

	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fails(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, folder, 0), ENODEV, "%s: mmap of a folder: %s", when);
	fails(pread(folder, buffer, 1, 0), EISDIR, "%s: pread of a folder: %s", when);
	close(folder);
	if (pipe(pipes) == 0) {
		fails(pread(pipes[0], buffer, 1, 0), ESPIPE, "%s: pread of a pipe: %s", when);
		fails(pwrite(pipes[1], buffer, 1, 0), ESPIPE, "%s: pwrite to a pipe: %s", when);
		close(pipes[0]);
		close(pipes[1]);
	}
}

int main(void)
{
	other_files("before there is a table");
	works(by_socket, "received");
	works(by_proc, "opened through /proc");
	works(by_writable_proc, "opened through /proc for writing");
	works(by_pidfd, "taken by pidfd_getfd");
	away();
	fresh();
	other_files("beside a table");
	close(table.fd);
	return done();
}
