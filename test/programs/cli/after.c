/*
 * Makes a table, says "ready", waits for a line, and then says how each kind of request ends: "NAME 0" or "NAME ERRNO".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "../../conformance/table.h"

static struct table table, other;

static void say(const char *request, int failed)
{
	printf("%s %d\n", request, failed ? errno : 0);
}

int main(void)
{
	say("open", table_open(&table) != 0);
	say("map", table_map(&table, MAP_PRIVATE) != 0);
	slot_set(&table, 0, target_data, 42);
	say("other", trampfd(&other.info) < 0);
	puts("ready");
	fflush(stdout);
	if (getchar() == EOF)
		return 2;

	/* What is mapped already is the program's own. */
	errno = EIO;
	say("called", call(&table, 0) != 42);

	struct trampfd_info info;
	char buffer[16] = "";
	say("trampfd", syscall(SYS_trampfd, &info) < 0);
	say("pwrite", pwrite(table.fd, buffer, sizeof buffer, 0) < 0);
	say("lseek", lseek(table.fd, 0, SEEK_SET) < 0);
	say("dup", dup(table.fd) < 0);
	say("unmap", table_unmap(&table) != 0);
	say("map-again", table_map(&table, MAP_PRIVATE) != 0);
	say("mmap-rwx", mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("mprotect-x", mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0);
	say("close", close(table.fd) != 0);
	return 0;
}
