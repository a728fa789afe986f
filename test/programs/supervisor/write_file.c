/*
 * Tries to change the file of descriptor 3, in one way, and prints the name of the error, or "done".
 *
 * usage: write_file pwrite|truncate|punch|remove OFFSET-OR-LENGTH
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int change(const char *how, long where)
{
	if (strcmp(how, "pwrite") == 0)
		return pwrite(3, "\x90", 1, where) == 1 ? 0 : -1;
	if (strcmp(how, "truncate") == 0)
		return ftruncate(3, where);
	if (strcmp(how, "punch") == 0)
		return fallocate(3, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, where, 4096);
	/* The kernel carries this out as a punched hole, where the mapping may be written. */
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, where);
	if (page == MAP_FAILED)
		return -1;
	int result = madvise(page, 4096, MADV_REMOVE);
	if (result == -1 && errno == EACCES)
		errno = EPERM;
	return result;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	puts(change(argv[1], atol(argv[2])) == 0 ? "done" : strerrorname_np(errno));
	return 0;
}
