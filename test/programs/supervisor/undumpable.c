/*
 * A process that nobody of its own user may look at: what the supervisor cannot see is refused at the numbers of tables,
 * and is the kernel's at ordinary ones, for there it is hardly ever a table.
 */
#define _GNU_SOURCE
#include "../../conformance/table.h"
#include "../../conformance/tap.h"

#include <fcntl.h>
#include <sys/prctl.h>

int main(void)
{
	static struct table table;
	char path[64], bytes[16];

	table.fd = trampfd(&table.info);
	snprintf(path, sizeof path, "/proc/self/fd/%d", table.fd);
	int again = open(path, O_RDONLY), self = open("/proc/self/exe", O_RDONLY);
	ok(table.fd >= 0 && again >= 0 && self >= 0, "a table, opened again, and another file: %s", strerror(errno));
	struct trampfd_code code = code_of(&table, 1);
	ok(pread(again, bytes, sizeof bytes, 0) == -1 && errno == EINVAL, "pread at an ordinary number: %s",
	   strerrorname_np(errno));
	ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "not dumpable any more");

	ok(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE) == -1 && errno == EACCES, "pwrite at a table's number: %s",
	   strerrorname_np(errno));
	ok(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_SHARED, table.fd, table.info.code_offset) == MAP_FAILED && errno == EACCES,
	   "mmap at a table's number: %s", strerrorname_np(errno));
	ok(pread(self, bytes, sizeof bytes, 0) == sizeof bytes && memcmp(bytes, "\177ELF", 4) == 0,
	   "pread of another file: %s", strerror(errno));
	ok(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0) != MAP_FAILED, "mmap of another file: %s",
	   strerror(errno));
	ok(pread(again, bytes, sizeof bytes, 0) == sizeof bytes, "a table at an ordinary number is its page: %s",
	   strerror(errno));
	ok(pwrite(again, &code, sizeof code, TRAMPFD_CODE) == -1 && errno == EBADF, "which cannot be written: %s",
	   strerrorname_np(errno));
	return done();
}
