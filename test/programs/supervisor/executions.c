/*
 * Executes a program in one of the ways that there are.
 *
 * usage: executions WAY PATH [ARGUMENT ...]
 *
 * A way that fails ends with status 100, and says which error it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *path, **words;

static void failed(void)
{
	printf("%s\n", strerrorname_np(errno));
	fflush(stdout);
	_exit(100);
}

static void *execute(void *unused)
{
	execve(path, words, environ);
	failed();
	return unused;
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void start(void *(*routine)(void *))
{
	pthread_t thread;
	int error;
	/* While another thread executes a program there are no new ones. */
	do
		error = pthread_create(&thread, NULL, routine, NULL);
	while (error == EAGAIN);
	if (error != 0)
		exit(2);
}

static void end_as(int status)
{
	fflush(stdout);
	if (WIFSIGNALED(status))
		exit(128 + WTERMSIG(status));
	exit(WEXITSTATUS(status));
}

static void by_vfork(void)
{
	int status;
	pid_t child = vfork();
	if (child == 0) {
		execve(path, words, environ);
		_exit(errno == ENOENT ? 101 : errno == EACCES ? 102 : 103);
	}
	waitpid(child, &status, 0);
	end_as(status);
}

static void by_spawn(void)
{
	int status;
	pid_t child;
	errno = posix_spawn(&child, path, NULL, NULL, words, environ);
	if (errno != 0)
		failed();
	waitpid(child, &status, 0);
	end_as(status);
}

static void by_descriptor(int empty_path)
{
	int file = open(path, empty_path ? O_PATH | O_CLOEXEC : O_RDONLY);
	if (file < 0)
		failed();
	if (empty_path)
		syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
	else
		fexecve(file, words, environ);
	failed();
}

static void from_folder(void)
{
	char *folder = strdup(path), *slash = strrchr(folder, '/');
	*slash = 0;
	int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	syscall(SYS_execveat, directory, slash + 1, words, environ, 0);
	failed();
}

/* Many times, one after the other, and two at a time. */
static void often(int times)
{
	for (int count = 0; count < times; count += 2) {
		pid_t children[2];
		for (int index = 0; index < 2; index++)
			if (posix_spawn(&children[index], path, NULL, NULL, words, environ) != 0)
				failed();
		for (int index = 0; index < 2; index++) {
			int status;
			waitpid(children[index], &status, 0);
			if (status != 0)
				end_as(status);
		}
	}
	puts("all");
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	const char *way = argv[1];
	path = argv[2];
	words = argv + 2;
	if (strcmp(way, "execve") == 0)
		execute(NULL);
	else if (strcmp(way, "execvp") == 0)
		execvp(path, words), failed();
	else if (strcmp(way, "thread") == 0)
		start(execute), wait_for_ever(NULL);
	else if (strcmp(way, "beside-threads") == 0)
		start(wait_for_ever), start(wait_for_ever), execute(NULL);
	else if (strcmp(way, "race") == 0)
		start(execute), start(execute), execute(NULL);
	else if (strcmp(way, "vfork") == 0)
		by_vfork();
	else if (strcmp(way, "spawn") == 0)
		by_spawn();
	else if (strcmp(way, "fexecve") == 0)
		by_descriptor(0);
	else if (strcmp(way, "execveat") == 0)
		by_descriptor(1);
	else if (strcmp(way, "folder") == 0)
		from_folder();
	else if (strncmp(way, "often-", 6) == 0)
		often(atoi(way + 6));
	return 2;
}
