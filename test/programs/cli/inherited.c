/*
 * Prints what a program inherits, a line for each thing: "name: value". Strings are in hexadecimal, as they may hold any
 * byte. What it learns through a descriptor of its own is left out of the list of descriptors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
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

static void print_strings(FILE *out, const char *name, char **strings)
{
	fprintf(out, "%s:", name);
	for (; *strings; strings++) {
		fputs(" \"", out);
		for (const char *at = *strings; *at; at++)
			fprintf(out, "%02x", (unsigned char)*at);
		fputc('"', out);
	}
	fputc('\n', out);
}

static void print_signals(FILE *out)
{
	sigset_t blocked;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int ignored = 0; ignored < 2; ignored++) {
		fprintf(out, "%s:", ignored ? "ignored" : "blocked");
		for (int signal = 1; signal <= 64; signal++) {
			struct sigaction action;
			if (ignored ? sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN
			            : sigismember(&blocked, signal) == 1)
				fprintf(out, " %d", signal);
		}
		fputc('\n', out);
	}
}

static void print_limits(FILE *out)
{
	fputs("limits:", out);
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit limit;
		getrlimit(resource, &limit);
		fprintf(out, " %d=%lld/%lld", resource, (long long)limit.rlim_cur, (long long)limit.rlim_max);
	}
	fputc('\n', out);
}

/* The highest number that is looked at; the report itself is there. */
static int highest(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 4096 ? 4095 : (int)limit.rlim_cur - 1;
}

static void print_descriptors(FILE *out)
{
	fputs("descriptors:", out);
	for (int descriptor = 0; descriptor < highest(); descriptor++) {
		char path[64], target[4096];
		int flags = fcntl(descriptor, F_GETFD);
		if (flags < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
		ssize_t length = readlink(path, target, sizeof target - 1);
		target[length < 0 ? 0 : length] = 0;
		fprintf(out, " %d->%s,%o,%d,%lld", descriptor, target, (unsigned)fcntl(descriptor, F_GETFL), flags,
		        (long long)lseek(descriptor, 0, SEEK_CUR));
	}
	fputc('\n', out);
}

int main(int argc, char **argv)
{
	/* The report goes to a file that the caller names, so that every standard descriptor can be of any kind. */
	if (argc < 2)
		return 2;
	int report = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fdopen(fcntl(report, F_DUPFD_CLOEXEC, highest()), "w");
	if (out == NULL)
		return 3;
	close(report);
	print_descriptors(out);
	print_strings(out, "arguments", argv + 2);
	print_strings(out, "environment", environ);
	print_signals(out);
	print_limits(out);
	char folder[4096] = "";
	if (readlink("/proc/self/cwd", folder, sizeof folder - 1) < 0)
		return 4;
	fprintf(out, "folder: %s\n", folder);
	mode_t mask = umask(0);
	fprintf(out, "umask: %o\n", (unsigned)mask);
	fprintf(out, "group: %d\nsession: %d\n", getpgrp(), getsid(0));
	fprintf(out, "user: %d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
	fprintf(out, "priority: %d\n", getpriority(PRIO_PROCESS, 0));
	fprintf(out, "dumpable: %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	fprintf(out, "death signal: %d\n", ({ int signal = -1; prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0); signal; }));
	fprintf(out, "timer slack: %d\n", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	return fclose(out) == 0 ? 0 : 5;
}
