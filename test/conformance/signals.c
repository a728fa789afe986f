/*
 * A storm of signals over a program that creates and drops tables: no descriptor may be left behind, and no call may fail
 * for it. Where the handler has no SA_RESTART, a call may end with EINTR. Then nothing may have been done, so that the same
 * call made again gives the answer that it would have given.
 *
 * usage: signals [restart|interrupt [TABLES]]
 */
#define _GNU_SOURCE
#include "table.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>

static volatile sig_atomic_t arrived;

static void count(int signal)
{
	(void)signal;
	arrived++;
}

static void storm(int flags, long microseconds)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = flags };
	struct itimerval every = { { 0, microseconds }, { 0, microseconds } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int number = 0;

	while (readdir(folder) != NULL)
		number++;
	closedir(folder);
	return number;
}

static int failed;
static int interrupted;

/* Makes a call again for as long as it is interrupted. */
#define UNINTERRUPTED(call) \
	__extension__({ \
		__auto_type result_ = (call); \
		while (result_ == (__typeof__(result_))-1 && errno == EINTR) { \
			interrupted++; \
			result_ = (call); \
		} \
		result_; \
	})

static int check(int holds, const char *what, int table)
{
	if (!holds && failed++ < 10)
		printf("# table %d: %s: %s\n", table, what, errno_name(errno));
	return holds;
}

static void one_table(int number)
{
	static struct table table;
	struct trampfd_code code;
	struct trampfd_data data;

	/* Not trampfd(), which would try again after EINTR. */
	table.fd = (int)UNINTERRUPTED(syscall(SYS_trampfd, &table.info));
	if (!check(table.fd >= 0, "create", number))
		return;
	code = code_of(&table, table.info.ntrampolines);
	data = data_of(&table);
	check(UNINTERRUPTED(pwrite(table.fd, &code, sizeof code, TRAMPFD_CODE)) == sizeof code, "set the code", number);
	check(UNINTERRUPTED(pwrite(table.fd, &data, sizeof data, TRAMPFD_DATA)) == sizeof data, "set the data", number);
	if (check(UNINTERRUPTED(table_map(&table, number % 2 ? other_flags() : MAP_PRIVATE)) == 0, "map", number)) {
		slot_set(&table, 0, target_data, (uintptr_t)number);
		check(call(&table, 0) == (uintptr_t)number, "call", number);
		check(UNINTERRUPTED(table_map(&table, MAP_PRIVATE)) == -1 && errno == EEXIST, "map twice", number);
		check(table_unmap(&table) == 0, "unmap", number);
	}
	check(UNINTERRUPTED(lseek(table.fd, 1, SEEK_SET)) == 1, "lseek", number);
	check(UNINTERRUPTED(read(table.fd, &code, sizeof code)) == -1 && errno == EINVAL, "read", number);
	int copy = UNINTERRUPTED(dup(table.fd));
	check(copy >= 0 && close(copy) == 0, "dup", number);
	check(close(table.fd) == 0, "close", number);
}

int main(int argc, char **argv)
{
	int flags = argc > 1 && strcmp(argv[1], "interrupt") == 0 ? 0 : SA_RESTART;
	int tables = argc > 2 ? atoi(argv[2]) : 1000;
	const char *how = flags ? "with-sa-restart" : "without-sa-restart";

	require_tables();
	other_flags();
	int before = open_descriptors();
	storm(flags, 1000);
	for (int i = 0; i < tables; i++)
		one_table(i);
	storm(flags, 0);
	expect_row("storm", how, failed == 0, "%d tables: %d wrong answers", tables, failed);
	ok(arrived > tables / 100, "%d signals arrived", (int)arrived);
	ok(!(flags & SA_RESTART) || interrupted == 0, "%d calls were interrupted, and made again", interrupted);
	int after = open_descriptors();
	ok(before == after, "open descriptors before and after: %d and %d", before, after);
	return done();
}
