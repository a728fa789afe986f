/*
 * Creating a table: every errno, and what a creation that failed leaves behind.
 */
#define _GNU_SOURCE
#include "pointers.h"
#include "table.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void pointers(void)
{
	struct trampfd_info *info = NULL;

	expect_errno("create", EINVAL, "info-null", trampfd(info), "info is NULL");
	info = (struct trampfd_info *)unmapped;
	expect_errno("create", EFAULT, "info-unwritable", trampfd(info), "info is not mapped");
	expect_errno("create", EFAULT, "info-unwritable", syscall(SYS_trampfd, info), "info is not mapped, by syscall(2)");
	info = (struct trampfd_info *)read_only;
	expect_errno("create", EFAULT, "info-unwritable", trampfd(info), "info is read-only");
	info = (struct trampfd_info *)edge;
	expect_errno("create", EFAULT, "info-unwritable", trampfd(info), "the second half of info is not mapped");
	info = (struct trampfd_info *)KERNEL_ADDRESS;
	expect_errno("create", EFAULT, "info-unwritable", trampfd(info), "info is the kernel's");
	info = (struct trampfd_info *)LAST_ADDRESS;
	expect_errno("create", EFAULT, "info-unwritable", trampfd(info), "info passes the end of all addresses");
}

static int open_descriptors(void)
{
	int number = 0;

	for (int fd = 0; fd < 70000; fd++)
		number += fcntl(fd, F_GETFD) != -1;
	return number;
}

static void limits(void)
{
	struct rlimit limit, none;
	struct trampfd_info info;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	expect_errno("create", EMFILE, "no-descriptor", trampfd(&info), "no descriptor is free");
	setrlimit(RLIMIT_NOFILE, &limit);

	memset(&info, 0x55, sizeof info);
	int fd = trampfd(&info);
	expect_success("create", fd >= 0, "with the old limit again: descriptor %d, %s", fd, errno_name(errno));
	ok(info.code_size == CODE_SIZE, "code_size is %u: %u", CODE_SIZE, info.code_size);
	ok(info.ntrampolines == (uint32_t)page_size / CODE_SIZE, "as many trampolines as a page holds: %u",
	   info.ntrampolines);
	ok(info.code_offset % (uint32_t)page_size == 0, "code_offset is a multiple of a page: %u", info.code_offset);
	ok(info.reserved == 0, "reserved is 0: %u", info.reserved);
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "the descriptor is close-on-exec");
	ok(lseek(fd, TRAMPFD_CODE, SEEK_SET) == TRAMPFD_CODE, "and it is a table's: %s", errno_name(errno));
	ok(close(fd) == 0 && fcntl(fd, F_GETFD) == -1 && errno == EBADF, "closed, it is gone");
}

/* All tables that a process can have at once. */
static void until_none_is_left(void)
{
	enum { MOST = 1 << 16 };
	static int fds[MOST];
	struct trampfd_info info;
	struct rlimit limit;
	int number = 0, closed = 0, fd = -1;

	getrlimit(RLIMIT_NOFILE, &limit);
	while (number < MOST && (fd = trampfd(&info)) >= 0)
		fds[number++] = fd;
	if (number < MOST)
		expect_errno("create", EMFILE, "no-descriptor", fd, "%d tables are open", number);
	freedom("tables-at-once", "%d with a limit of %llu descriptors", number, (unsigned long long)limit.rlim_cur);
	for (int i = 0; i < number; i++)
		closed += close(fds[i]) == 0;
	ok(closed == number, "all of them can be closed: %d", closed);
	fd = trampfd(&info);
	expect_success("create", fd >= 0, "when the others are closed: %s", errno_name(errno));
	close(fd);
}

int main(void)
{
	require_tables();
	make_pointers();
	int before = open_descriptors();
	pointers();
	limits();
	until_none_is_left();
	int after = open_descriptors();
	ok(before == after, "descriptors that are open before and after: %d and %d", before, after);
	return done();
}
