/*
 * Becomes another program after having set up something unusual for it to inherit.
 *
 * usage: prepare WHAT[,WHAT ...] PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };
	if (setrlimit(resource, &limit) != 0)
		err(2, "setrlimit");
}

/* Opens a file at a number. */
static void open_at(int number, const char *path, int flags)
{
	int opened = open(path, flags & ~O_CLOEXEC);
	if (opened < 0 || (opened != number && dup3(opened, number, flags & O_CLOEXEC) < 0))
		err(2, "%s", path);
	if (opened == number)
		fcntl(number, F_SETFD, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	else
		close(opened);
}

static void environment(void)
{
	static char path[4096], *strings[] = { "A=1", "A=2", "dotted.name=3", "no equals sign", "", "=", "=value", "EMPTY=",
		"\xff\xfe=\x81\x82\x83\x88", "NEWLINES=a\n\nb\n", "NODE_OPTIONS=--no-such-option", "NODE_CHANNEL_FD=77",
		"UV_THREADPOOL_SIZE=9", "TRAMPFD_LAUNCH=x", "TRAMPFD_ENVIRONMENT_0=x", "IFS=/", "ENV=/nonexistent",
		"PWD=/nonexistent", "LC_ALL=C.UTF-8", path, NULL };
	snprintf(path, sizeof path, "PATH=%s", getenv("PATH"));
	environ = strings;
}

static void large_environment(void)
{
	char *name = NULL, *value = malloc(100001);
	memset(value, 'v', 100000);
	value[100000] = 0;
	for (int index = 0; index < 5; index++) {
		if (asprintf(&name, "LARGE.%d", index) < 0)
			exit(2);
		setenv(name, value, 1);
	}
}

static void signals(void)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGRTMIN + 3);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	int ignored[] = { SIGHUP, SIGINT, SIGPIPE, SIGUSR1, SIGWINCH, SIGTSTP, SIGRTMIN + 5 };
	for (size_t index = 0; index < sizeof ignored / sizeof *ignored; index++)
		signal(ignored[index], SIG_IGN);
}

static void deleted_folder(void)
{
	char folder[] = "/tmp/trampfd-test-XXXXXX";
	if (mkdtemp(folder) == NULL || chdir(folder) != 0 || rmdir(folder) != 0)
		err(2, "%s", folder);
}

static void descriptors(void)
{
	open_at(3, "/etc/passwd", O_RDONLY);
	open_at(4, "/etc/passwd", O_RDONLY | O_CLOEXEC);
	open_at(7, "/dev/null", O_RDWR | O_APPEND);
	open_at(9, "/", O_RDONLY | O_DIRECTORY);
	open_at(10, "/dev/zero", O_RDONLY);
	open_at(11, "/dev/null", O_WRONLY);
	open_at(13, "/dev/null", O_WRONLY | O_CLOEXEC);
	open_at(200, "/dev/null", O_RDONLY);
	lseek(3, 5, SEEK_SET);
}

static void prepare(const char *what)
{
	if (strcmp(what, "environment") == 0)
		environment();
	else if (strcmp(what, "no-environment") == 0)
		clearenv();
	else if (strcmp(what, "large-environment") == 0)
		large_environment();
	else if (strcmp(what, "signals") == 0)
		signals();
	else if (strcmp(what, "deleted-folder") == 0)
		deleted_folder();
	else if (strcmp(what, "umask") == 0)
		umask(0123);
	else if (strcmp(what, "descriptors") == 0)
		descriptors();
	else if (strcmp(what, "limits") == 0) {
		set_limit(RLIMIT_NOFILE, 300, 3000);
		set_limit(RLIMIT_CORE, 4096, 8192);
		set_limit(RLIMIT_STACK, 16 << 20, 32 << 20);
	} else if (strcmp(what, "few-descriptors") == 0)
		set_limit(RLIMIT_NOFILE, 40, 40);
	else if (strcmp(what, "deny-write-execute") == 0) {
		/* PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: not in the headers of Debian 12. */
		if (prctl(65, 1, 0, 0, 0) != 0)
			err(2, "PR_SET_MDWE");
	} else if (strcmp(what, "closed-0") == 0)
		close(0);
	else if (strcmp(what, "closed-1") == 0)
		close(1);
	else if (strcmp(what, "closed-2") == 0)
		close(2);
	else
		errx(2, "%s: unknown", what);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: prepare WHAT[,WHAT ...] PROGRAM [ARGUMENT ...]");
	char *rest = strdup(argv[1]);
	for (char *what; (what = strsep(&rest, ",")) != NULL;)
		prepare(what);
	execv(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
