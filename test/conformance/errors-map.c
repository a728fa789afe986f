/*
 * Mapping a table: every errno of mmap, and that a mapping which failed leaves the table as it was.
 */
#define _GNU_SOURCE
#include "pointers.h"
#include "table.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define READ_EXECUTE (PROT_READ | PROT_EXEC)

static struct table table;

/* A new table with both descriptors. */
static int complete(void)
{
	if (table_open(&table) != 0)
		bail_out("a table: %s", errno_name(errno));
	return table.fd;
}

/* Tries a mapping and undoes it; -1 with errno, or 0. */
static long try_map(size_t length, int protection, int flags, int fd, off_t offset)
{
	void *base = mmap(NULL, length, protection, flags, fd, offset);
	if (base == MAP_FAILED)
		return -1;
	munmap(base, length);
	return 0;
}

static long try_right(int fd)
{
	return try_map((size_t)page_size, READ_EXECUTE, MAP_PRIVATE, fd, table.info.code_offset);
}

static void protections(int fd)
{
	for (int protection = 0; protection < 8; protection++) {
		if (protection == READ_EXECUTE)
			continue;
		long result = try_map((size_t)page_size, protection, MAP_PRIVATE, fd, table.info.code_offset);
		int error = errno;
		/* Memory that is writable and executable may be refused to everybody, before it is a table's mapping at all. */
		if ((protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC)) {
			ok(result == -1 && (error == EINVAL || error == EACCES), "mmap: protection %d: %s", protection,
			   errno_name(result == -1 ? error : 0));
			freedom("mmap-writable-and-executable", "%s", errno_name(error));
		} else {
			errno = error;
			expect_errno("mmap", EINVAL, "protection", result, "protection %d", protection);
		}
	}
}

static void flags(int fd)
{
	static const int wrong[] = {
		0,
		MAP_SHARED_VALIDATE,
		MAP_PRIVATE | MAP_NORESERVE,
		MAP_PRIVATE | MAP_POPULATE,
		MAP_PRIVATE | MAP_LOCKED,
		MAP_PRIVATE | MAP_GROWSDOWN,
		MAP_PRIVATE | MAP_STACK,
		MAP_PRIVATE | MAP_HUGETLB,
		MAP_SHARED | MAP_NORESERVE,
		MAP_SHARED | MAP_POPULATE,
#ifdef MAP_32BIT
		MAP_PRIVATE | MAP_32BIT,
#endif
	};
	size_t page = (size_t)page_size;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		expect_errno("mmap", EINVAL, "flags", try_map(page, READ_EXECUTE, wrong[i], fd, table.info.code_offset),
		             "flags %#x", (unsigned)wrong[i]);

	char *place = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	place[0] = 77;
	void *fixed = mmap(place, page, READ_EXECUTE, MAP_PRIVATE | MAP_FIXED, fd, table.info.code_offset);
	expect_errno("mmap", EINVAL, "flags", fixed == MAP_FAILED ? -1 : 0, "MAP_FIXED");
	ok(place[0] == 77, "and what was there is still there");
	munmap(place, page);
}

static void ranges(int fd)
{
	static const size_t pages[] = { 2, 3, 256, 262144 };
	off_t right = table.info.code_offset;
	size_t page = (size_t)page_size;

	for (off_t number = 0; number < 20; number++)
		if (number * page_size != right)
			expect_errno("mmap", EINVAL, "offset", try_map(page, READ_EXECUTE, MAP_PRIVATE, fd, number * page_size),
			             "offset of page %d", (int)number);
	expect_errno("mmap", EINVAL, "length", try_map(0, READ_EXECUTE, MAP_PRIVATE, fd, right), "length 0");
	expect_errno("mmap", EINVAL, "length", try_map(page + 1, READ_EXECUTE, MAP_PRIVATE, fd, right),
	             "length of a page and one byte");
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		expect_errno("mmap", EINVAL, "length", try_map(pages[i] * page, READ_EXECUTE, MAP_PRIVATE, fd, right),
		             "length of %zu pages", pages[i]);
	expect_success("mmap", try_map(1, READ_EXECUTE, MAP_PRIVATE, fd, right) == 0, "length 1 is a page: %s",
	               errno_name(errno));
	expect_success("mmap", try_map(page, READ_EXECUTE, MAP_PRIVATE, fd, right) == 0, "length of a page: %s",
	               errno_name(errno));
}

static void mapped_already(int fd)
{
	size_t page = (size_t)page_size;
	off_t offset = table.info.code_offset;
	void *base = mmap(NULL, page, READ_EXECUTE, MAP_PRIVATE, fd, offset);

	expect_success("mmap", base != MAP_FAILED, "after all these errors: %s", errno_name(errno));
	expect_errno("mmap", EEXIST, "mapped-already", try_right(fd), "mapped already");
	expect_errno("mmap", EEXIST, "mapped-already", try_map(page, READ_EXECUTE, other_flags(), fd, offset),
	             "mapped already, in its other form");
	expect_errno("mmap", EINVAL, "flags", try_map(page, READ_EXECUTE, MAP_PRIVATE | MAP_POPULATE, fd, offset),
	             "flags are judged before that");
	expect_success("munmap", munmap(base, page) == 0, "the mapping: %s", errno_name(errno));
	expect_success("mmap", try_right(fd) == 0, "unmapped, so mappable: %s", errno_name(errno));
	freedom("mmap-shared", "%s", other_flags() == MAP_SHARED ? "accepted" : "EINVAL");
}

static void incomplete(void)
{
	struct trampfd_code code = code_of(&table, 1);
	struct trampfd_data data = data_of(&table);
	int only_code = trampfd(&table.info), only_data = trampfd(&table.info);

	expect_errno("mmap", EINVAL, "code-not-set", try_right(only_code), "neither code nor data is set");
	ok(pwrite(only_code, &code, 16, TRAMPFD_CODE) == 16, "the code is set");
	expect_errno("mmap", EINVAL, "data-not-set", try_right(only_code), "the data is not set");
	ok(pwrite(only_data, &data, 16, TRAMPFD_DATA) == 16, "of another one, the data is set");
	expect_errno("mmap", EINVAL, "code-not-set", try_right(only_data), "the code is not set");
	ok(pwrite(only_code, &data, 16, TRAMPFD_DATA) == 16 && pwrite(only_data, &code, 16, TRAMPFD_CODE) == 16,
	   "what was missing is set: %s", errno_name(errno));
	expect_success("mmap", try_right(only_code) == 0, "complete, code first: %s", errno_name(errno));
	expect_success("mmap", try_right(only_data) == 0, "complete, data first: %s", errno_name(errno));
	close(only_code);
	close(only_data);
}

static void other_process(int fd)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(try_right(fd) == -1 ? errno : 0);
	waitpid(child, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	expect_errno("mmap", EINVAL, "other-process", errno == 0 ? 0 : -1, "by a child of the creator");
}

/* No room for one page more: the kernel's own error, after which the table is not taken for mapped. */
static void no_address_space(int fd)
{
	struct rlimit limit, none;

	getrlimit(RLIMIT_AS, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)page_size;
	setrlimit(RLIMIT_AS, &none);
	long result = try_right(fd);
	int error = errno;
	setrlimit(RLIMIT_AS, &limit);
	errno = error;
	expect_errno("mmap", ENOMEM, "no-address-space", result, "RLIMIT_AS is reached");
	expect_success("mmap", try_right(fd) == 0, "with the old limit again: %s", errno_name(errno));
}

int main(void)
{
	require_tables();
	make_pointers();
	int fd = complete();
	protections(fd);
	flags(fd);
	ranges(fd);
	mapped_already(fd);
	incomplete();
	other_process(fd);
	no_address_space(fd);
	close(fd);
	expect_errno("mmap", EBADF, "closed", try_right(fd), "the descriptor is closed");
	return done();
}
