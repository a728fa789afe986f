/*
 * A table's descriptor is sent over a socket. Whoever receives it has the same open file: what is set is set, and may be
 * set. But only the process that created the table may map it to execute. What else a received descriptor does, the
 * interface does not say.
 */
#define _GNU_SOURCE
#include "children.h"
#include "passing.h"
#include "table.h"

#include <sys/mman.h>

static struct table table;
static int sockets[2];

/* What the receiver is asked to do with what it receives. */
enum request { MAP, SET_CODE, SET_DATA, READ, PREAD, SEEK, WRITE_DATA, MAP_OTHER_FORM };

static int map_received(int fd, int protection, int flags)
{
	size_t length = (size_t)table.info.code_size * table.info.ntrampolines;
	void *base = mmap(NULL, length, protection, flags, fd, table.info.code_offset);
	return base == MAP_FAILED ? errno : 0;
}

static int handle(enum request request, int fd)
{
	struct trampfd_code code = code_of(&table, table.info.ntrampolines);
	struct trampfd_data data = data_of(&table);

	switch (request) {
	case MAP:
		return map_received(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	case SET_CODE:
		return pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code ? 0 : errno;
	case SET_DATA:
		return pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data ? 0 : errno;
	case READ:
		return read(fd, &data, sizeof data) == -1 ? errno : 0;
	case PREAD:
		return pread(fd, &data, sizeof data, TRAMPFD_DATA) == -1 ? errno : 0;
	case SEEK:
		return lseek(fd, TRAMPFD_DATA, SEEK_SET) == TRAMPFD_DATA ? 0 : errno;
	case WRITE_DATA:
		return write(fd, &data, sizeof data) == sizeof data ? 0 : errno;
	default:
		return map_received(fd, PROT_READ | PROT_EXEC, other_flags());
	}
}

/* A process that was there before the table: answers each request with an errno, or 0. */
static void receiver(void)
{
	int request, fd;

	while (read(sockets[1], &request, sizeof request) == sizeof request && (fd = receive_descriptor(sockets[1])) >= 0) {
		int answer = handle((enum request)request, fd);
		close(fd);
		if (write(sockets[1], &answer, sizeof answer) != sizeof answer)
			_exit(1);
	}
	_exit(0);
}

/* Has the receiver do something with the table's descriptor; -1 with errno, or 0. */
static long asked(enum request request)
{
	int answer = -1, word = request;

	if (write(sockets[0], &word, sizeof word) != sizeof word || send_descriptor(sockets[0], table.fd) != 0 ||
	    read(sockets[0], &answer, sizeof answer) != sizeof answer)
		bail_out("the receiver does not answer: %s", errno_name(errno));
	errno = answer;
	return answer == 0 ? 0 : -1;
}

static void by_the_receiver(void)
{
	ok(table_open(&table) == 0, "a table, complete: %s", errno_name(errno));
	expect_errno("mmap", EINVAL, "other-process", asked(MAP), "by a process that received the descriptor");
	expect_errno("mmap", EINVAL, "other-process", asked(MAP_OTHER_FORM), "by that process, in its other form");
	expect_errno("pwrite-code", EEXIST, "set-already", asked(SET_CODE), "by a receiver");
	expect_errno("pwrite-data", EEXIST, "set-already", asked(SET_DATA), "by a receiver");
	expect_errno("pread", EINVAL, "always", asked(PREAD), "by a receiver");
	freedom("received-read", "%s", errno_name(asked(READ) == -1 ? errno : 0));
	if (!expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "by the creator all the same: %s", errno_name(errno)))
		return;
	expect_errno("mmap", EINVAL, "other-process", asked(MAP), "by a receiver, while the creator has mapped it");
	slot_set(&table, 0, target_data, 11);
	expect_success("call", call(&table, 0) == 11, "by the creator");
	ok(table_unmap(&table) == 0, "unmapped");
	expect_errno("mmap", EINVAL, "other-process", asked(MAP), "by a receiver, when the creator has unmapped it");
	close(table.fd);
}

static void completed_by_the_receiver(void)
{
	struct trampfd_code code;

	table.fd = trampfd(&table.info);
	code = code_of(&table, table.info.ntrampolines);
	expect_errno("mmap", EINVAL, "other-process", asked(MAP), "by a receiver of a table without descriptors");
	expect_success("lseek", asked(SEEK) == 0, "by a receiver: %s", errno_name(errno));
	int error = asked(WRITE_DATA) == -1 ? errno : 0;
	freedom("received-write", "%s", errno_name(error));
	if (error == 0)
		expect_errno("pwrite-data", EEXIST, "set-already", asked(SET_DATA), "by a receiver that has written it");
	else
		expect_success("pwrite-data", asked(SET_DATA) == 0, "by a receiver that may not write: %s", errno_name(errno));
	ok(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "the creator sets the code: %s",
	   errno_name(errno));
	if (!expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "of a table that a receiver had a part in: %s",
	                    errno_name(errno)))
		return;
	slot_set(&table, 1, target_data, 12);
	expect_success("call", call(&table, 1) == 12, "of a table that a receiver had a part in");
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
}

/* A descriptor that comes back is a copy like any other. */
static void back_to_the_creator(void)
{
	int pair[2];

	ok(table_open(&table) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a table, and a socket");
	ok(send_descriptor(pair[0], table.fd) == 0, "it is sent: %s", errno_name(errno));
	/* Closed meanwhile: the socket alone holds the table. */
	int fd = table.fd;
	close(fd);
	table.fd = receive_descriptor(pair[1]);
	expect_success("receive", table.fd >= 0, "the creator has it back: %d, %s", table.fd, errno_name(errno));
	expect_errno("pwrite-code", EEXIST, "set-already", handle(SET_CODE, table.fd) ? -1 : 0, "by what came back");
	freedom("received-map-readable", "%s", errno_name(map_received(table.fd, PROT_READ, MAP_PRIVATE)));
	if (!expect_success("mmap", table_map(&table, MAP_PRIVATE) == 0, "of what came back: %s", errno_name(errno)))
		return;
	expect_errno("mmap", EEXIST, "mapped-already", map_received(table.fd, PROT_READ | PROT_EXEC, MAP_PRIVATE) ? -1 : 0,
	             "of what came back, twice");
	slot_set(&table, 2, target_data, 13);
	expect_success("call", call(&table, 2) == 13, "of what came back");
	ok(table_unmap(&table) == 0 && close(table.fd) == 0, "dropped");
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	int status = -1;

	require_tables();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
		bail_out("a socket: %s", errno_name(errno));
	/* The arrays of a receiver are its own; that of code_of() have the same address, which is all that counts. */
	trampfd(&table.info);
	pid_t child = fork();
	if (child == 0) {
		close(sockets[0]);
		receiver();
	}
	close(sockets[1]);
	by_the_receiver();
	completed_by_the_receiver();
	close(sockets[0]);
	waitpid(child, &status, 0);
	ok(status == 0, "the receiver ended well");
	back_to_the_creator();
	return done();
}
