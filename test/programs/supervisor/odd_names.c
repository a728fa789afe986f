/*
 * usage: odd_names FOLDER
 *
 * Names that a process gives its files and its threads, and that read as more than a name in what /proc tells of it: with
 * what ends a line elsewhere (a carriage return, U+2028), and with what stands in the lines behind. To be run where the
 * heap alone may become executable: none of the memory here is the heap, so all of it has to be refused.
 */
#define _GNU_SOURCE
#include "../../conformance/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static const char *const NAMES[] = {
	"plain",
	"a\rb",
	"a\xe2\x80\xa8" "b",
	"a\x0b" "b\x0c" "c\xc2\x85" "d\xc2\xa0" "e",
	"\rVmFlags: rd",
	"\xe2\x80\xa9VmFlags: rd",
};

/* Asks for X on a page: the error, 0 where it is granted. */
static int asks(void *page, int protection)
{
	return mprotect(page, PAGE, protection) == 0 ? 0 : errno;
}

static int named_file(const char *folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || ftruncate(file, PAGE) != 0)
		bail_out("a file");
	return file;
}

static void try_file(int file, const char *what, unsigned index)
{
	unsigned char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	unsigned char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	unsigned char *closed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

	if (shared == MAP_FAILED || own == MAP_FAILED || closed == MAP_FAILED)
		bail_out("mmap");
	own[0] = closed[0] = 0xc3;
	if (mprotect(closed, PAGE, PROT_READ) != 0)
		bail_out("mprotect");
	ok(asks(shared, PROT_READ | PROT_WRITE | PROT_EXEC) == EACCES, "%s %u, shared", what, index);
	ok(asks(own, PROT_READ | PROT_EXEC) == EACCES, "%s %u, private", what, index);
	ok(asks(closed, PROT_READ | PROT_EXEC) == EACCES, "%s %u, private, and not writable any more", what, index);
	close(file);
}

static pid_t other;
static void *page;
static int answer;

/* A thread whose name says that it is of another process. */
static void *ask_by_another_name(void *unused)
{
	char name[16];

	(void)unused;
	snprintf(name, sizeof name, "\rTgid:\t%d", (int)other);
	if (prctl(PR_SET_NAME, name) != 0)
		bail_out("PR_SET_NAME");
	answer = asks(page, PROT_READ | PROT_EXEC);
	return NULL;
}

/* In a child, the page is the heap's; here it is not. */
static void try_thread(void)
{
	int ready[2];
	char byte = 0;
	pthread_t thread;

	void *const end = sbrk(0);
	/* A page behind the heap: what touches it, the kernel makes a part of it. */
	page = (void *)(((unsigned long)end + 2 * PAGE - 1) / PAGE * PAGE);
	if (pipe(ready) != 0)
		bail_out("pipe");
	other = fork();
	if (other == 0) {
		if (sbrk(4 * PAGE) == (void *)-1 || write(ready[1], &byte, 1) != 1)
			_exit(1);
		pause();
	}
	if (other < 0 || read(ready[0], &byte, 1) != 1)
		bail_out("a child");
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page)
		bail_out("mmap");
	if (pthread_create(&thread, NULL, ask_by_another_name, NULL) != 0 || pthread_join(thread, NULL) != 0)
		bail_out("a thread");
	ok(answer == EACCES, "a thread that is named as if it were of a process whose heap the page is");
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: odd_names FOLDER\n");
		return 2;
	}
	for (unsigned index = 0; index < sizeof NAMES / sizeof *NAMES; index++) {
		try_file(named_file(arguments[1], NAMES[index]), "a file", index);
		const int memory = memfd_create(NAMES[index], MFD_CLOEXEC);
		if (memory < 0 || ftruncate(memory, PAGE) != 0)
			bail_out("memfd_create");
		try_file(memory, "a memory file", index);
	}
	void *const heap = sbrk(4 * PAGE);
	void *const inside = (void *)(((unsigned long)heap + PAGE) / PAGE * PAGE);
	ok(asks(inside, PROT_READ | PROT_EXEC) == 0 && asks(inside, PROT_READ | PROT_WRITE) == 0, "the heap may become so");
	try_thread();
	return done();
}
