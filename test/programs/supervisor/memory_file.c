/*
 * Asks for memory files in every way, and says of each what came of it: "WHAT RESULT", a line each, where a result is 0 or
 * an error's name. Run without a supervisor it says what the kernel's own memory files do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void say(const char *what, long result)
{
	printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
}

/* The call itself: a C library may look at the name first. */
static int make(const void *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

static void try_flags(unsigned flags)
{
	char what[32];
	int file = make("flags", flags);
	snprintf(what, sizeof what, "flags-%x", flags);
	say(what, file);
	if (file < 0)
		return;
	printf("%s-close-on-exec %d\n", what, fcntl(file, F_GETFD));
	close(file);
}

static void try_names(void)
{
	char name[400], *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int length = 247; length <= 252; length++) {
		memset(name, 'n', sizeof name);
		name[length] = 0;
		snprintf(name + 300, 90, "length-%d", length);
		say(name + 300, make(name, 0));
	}
	mprotect(pages + 4096, 4096, PROT_NONE);
	memcpy(pages + 4096 - 4, "end", 4);
	say("end-of-page", make(pages + 4096 - 4, 0));
	say("no-end-on-page", make(pages + 4096 - 2, 0) < 0 ? -1 : 0);
	memset(pages, 'n', 4096);
	say("no-end-far", make(pages + 4096 - 10, 0));
	say("no-end-long", make(pages, 0));
	say("null", make(NULL, 0));
	say("nowhere", make((void *)8, 0));
	say("bad-flags-first", make((void *)8, 0x4000));
	say("kernel-half", make((void *)(uintptr_t)-4096, 0));
	static const char *const shown[] = { "", "plain", "a/b/../c", "..", ".", "new\nline", "\xff\xfe", " (deleted)" };
	for (size_t index = 0; index < sizeof shown / sizeof *shown; index++) {
		char link[64], text[300] = "";
		int file = make(shown[index], 0);
		snprintf(link, sizeof link, "/proc/self/fd/%d", file);
		printf("link-%zu %zd ", index, readlink(link, text, sizeof text - 1));
		for (char *at = text; *at; at++)
			printf(*at < ' ' ? "<%x>" : "%c", *at);
		putchar('\n');
		close(file);
	}
}

static void try_content(void)
{
	struct stat status;
	char bytes[16] = "", path[64];
	int file = make("content", MFD_CLOEXEC);
	fstat(file, &status);
	printf("mode %o links %d size %d mine %d\n", status.st_mode, (int)status.st_nlink, (int)status.st_size,
	       status.st_uid == geteuid() && status.st_gid == getegid());
	int flags = fcntl(file, F_GETFL);
	printf("access %o append %d\n", (unsigned)flags & O_ACCMODE, flags & O_APPEND);
	say("write", write(file, "0123456789", 10));
	say("grow", ftruncate(file, 100000));
	say("shrink", ftruncate(file, 5000));
	say("allocate", fallocate(file, 0, 0, 20000));
	say("punch", fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
	printf("size %ld\n", (long)lseek(file, 0, SEEK_END));
	say("read", pread(file, bytes, 10, 0));
	printf("text %s\n", bytes);
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	say("map", shared == MAP_FAILED ? -1 : 0);
	int other = open((snprintf(path, sizeof path, "/proc/self/fd/%d", file), path), O_RDONLY | O_CLOEXEC);
	say("open-again", other);
	say("write-read-only", write(other, "x", 1));
	int writable = open(path, O_RDWR | O_CLOEXEC);
	say("open-again-writable", writable);
	pid_t child = fork();
	if (child == 0) {
		memcpy(shared, "child", 6);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("shared %s\n", shared);
	say("chmod", fchmod(file, 0600));
	say("lock", lockf(writable, F_LOCK, 0));
	say("unlinked", linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/trampfd-linked-memory-file", AT_SYMLINK_FOLLOW));
	unlink("/tmp/trampfd-linked-memory-file");
	say("seals-get", fcntl(file, F_GET_SEALS));
	printf("seals %x\n", (unsigned)fcntl(file, F_GET_SEALS));
	for (int seal = 1; seal <= 16; seal <<= 1) {
		snprintf(path, sizeof path, "seal-%x", (unsigned)seal);
		say(path, fcntl(file, F_ADD_SEALS, seal));
	}
}

/* What a memory file could be executed by. */
static void try_executing(void)
{
	char *words[] = { "true", NULL };
	int file = make("program", MFD_ALLOW_SEALING), program = open("/bin/true", O_RDONLY);
	char bytes[65536];
	for (ssize_t count; (count = read(program, bytes, sizeof bytes)) > 0;)
		if (write(file, bytes, (size_t)count) != count)
			exit(2);
	printf("sealing-seals %x\n", (unsigned)fcntl(file, F_GET_SEALS));
	say("sealing-seal", fcntl(file, F_ADD_SEALS, SEALS));
	say("map-executable", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED ? -1 : 0);
	say("map-executable-shared", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0) == MAP_FAILED ? -1 : 0);
	say("map-executable-nothing", mmap(NULL, 0, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0) == MAP_FAILED ? -1 : 0);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	say("protect-executable", mprotect(page, 4096, PROT_READ | PROT_EXEC));
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
		_exit(errno);
	}
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	say("execute", errno == 0 ? 0 : -1);
}

/* Until no more descriptors can be had. */
static void try_limit(void)
{
	int last = 0;
	for (;;) {
		int file = make("many", 0);
		if (file < 0)
			break;
		last = file;
	}
	say("limit", -1);
	for (int file = 3; file <= last; file++)
		close(file);
}

static void try_owner(void)
{
	struct stat status;
	if (getuid() == 0 && (setgroups(0, NULL) != 0 || setegid(1234) != 0 || seteuid(4321) != 0))
		return;
	int file = make("owner", 0);
	say("other-user", file);
	fstat(file, &status);
	printf("owner %d\n", status.st_uid == geteuid() && status.st_gid == getegid());
	say("other-user-write", write(file, "x", 1));
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	say("other-user-again", open(path, O_RDWR));
}

int main(void)
{
	for (unsigned flags = 0; flags < 32; flags++)
		try_flags(flags);
	static const unsigned more[] = { 0x20, 0x40, 0x80000000, 0x84000000, 0x54000000, 0x84000004, 0x54000004, 0x7c000004, 0xffffffff };
	for (size_t index = 0; index < sizeof more / sizeof *more; index++)
		try_flags(more[index]);
	try_names();
	try_content();
	try_executing();
	try_limit();
	try_owner();
	return 0;
}
