/*
 * A process outside of the run, of the same user: the attempts of row 42 try to get at what it has.
 *
 * usage: victim-outside FOLDER
 *
 * Its working folder is FOLDER, descriptor 5 is a file there and 6 a memfd, both open for writing. It calls the code at
 * OUTSIDE_PAGE again and again; where that is the payload, it makes the file FOLDER/ran and puts the harmless code back.
 */
#define _GNU_SOURCE
#include "file.h"
#include "outside.h"

#include <err.h>
#include <sys/prctl.h>

static void place_page(void)
{
	void *page = mmap(OUTSIDE_PAGE, PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (page == MAP_FAILED)
		err(2, "mmap");
	write_harmless(page);
	if (mprotect(page, PAGE_SIZE, READ_EXECUTE) != 0)
		err(2, "mprotect");
}

int main(int count, char **arguments)
{
	if (count != 2 || chdir(arguments[1]) != 0)
		err(2, "usage: victim-outside FOLDER");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (dup2(new_file(arguments[1]), 5) != 5 || dup2(memfd_create("outside", 0), 6) != 6)
		err(2, "dup2");
	if (ftruncate(6, PAGE_SIZE) != 0 ||
	    mmap(OUTSIDE_FILE_PAGE, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, 6, 0) == MAP_FAILED)
		err(2, "mmap");
	place_page();
	puts("ready");
	fflush(stdout);
	for (;; usleep(1000)) {
		if (strcmp(execute(OUTSIDE_PAGE), "EXEC") != 0)
			continue;
		place_page();
		close(open("ran", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	}
}
