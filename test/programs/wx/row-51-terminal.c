/*
 * Row 51: commands typed into a terminal, for who reads from it next: a shell outside of the run. What is typed here goes to a
 * terminal of the attempt's own, where it is read back: EXEC says that it came.
 */
#define _GNU_SOURCE
#include "attempt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <linux/kd.h>

enum { I386_IOCTL = 54, X86_64_IOCTL = 16 };

/* The controlling terminal of a session of its own. */
static int terminal(void)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
	if (setsid() < 0)
		need(getsid(0) == getpid(), "setsid");
	const int slave = open(ptsname(master), O_RDWR | O_CLOEXEC);
	need(slave >= 0, "terminal");
	ioctl(slave, TIOCSCTTY, 0);
	return slave;
}

static void *typed(int slave, int64_t result)
{
	if (result < 0)
		return NULL;
	char byte = 0;
	struct pollfd waiting = {.fd = slave, .events = POLLIN};
	outcome_elsewhere = poll(&waiting, 1, 1000) == 1 && read(slave, &byte, 1) == 1 && byte == '\n' ? "EXEC" : "UNCHANGED";
	return NULL;
}

/* Below 4 GiB, for both entries. */
static char *low_byte(void)
{
	char *byte = mmap((void *)0x20000000, PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(byte != MAP_FAILED, "mmap");
	*byte = '\n';
	return byte;
}

static void *in_a_session(void *(*attempt)(void))
{
	int ends[2];
	char said[32] = "";
	need(pipe(ends) == 0, "pipe");
	const pid_t child = fork();
	if (child == 0) {
		attempt();
		const char *word = outcome_elsewhere != NULL ? outcome_elsewhere : strerrorname_np(errno);
		_exit(write(ends[1], word, strlen(word)) < 0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	close(ends[1]);
	const ssize_t length = read(ends[0], said, sizeof said - 1);
	need(length > 0, "an answer");
	outcome_elsewhere = strdup(said);
	return NULL;
}

static void *native(void)
{
	const int slave = terminal();
	return typed(slave, ioctl(slave, TIOCSTI, "\n"));
}

static void *by_i386(void)
{
	const int slave = terminal();
	return typed(slave, i386_call(I386_IOCTL, (uint64_t)slave, TIOCSTI, number_of(low_byte()), 0, 0, 0));
}

static void *by_x86_64(void)
{
	const int slave = terminal();
	return typed(slave, x86_64_call(X86_64_IOCTL, (uint64_t)slave, TIOCSTI, number_of(low_byte()), 0, 0, 0));
}

/* The kernel reads the lower half of the register that has the command. */
static void *upper_half(void)
{
	const int slave = terminal();
	const uint64_t command = 0x1234567800000000 | TIOCSTI;
	return typed(slave, native_call(NATIVE(IOCTL), (uint64_t)slave, command, number_of(low_byte()), 0, 0, 0));
}

static void *sti(void)
{
	return in_a_session(native);
}

static void *sti_i386(void)
{
	return in_a_session(by_i386);
}

static void *sti_x86_64(void)
{
	return in_a_session(by_x86_64);
}

static void *sti_upper_half(void)
{
	return in_a_session(upper_half);
}

/* Consoles: nothing is changed, for the addresses are none. */
static void *command(unsigned long request)
{
	const int slave = terminal();
	return ioctl(slave, request, 1) < 0 ? NULL : typed(slave, 0);
}

static void *selection(void)
{
	return command(TIOCLINUX);
}

static void *key_strings(void)
{
	return command(KDSKBSENT);
}

static void *key_table(void)
{
	return command(KDSKBENT);
}

/* Lines of a modem, of which one has a serial line read what is written to it. They stand in memory. */
static uint32_t *loop_line(void)
{
	uint32_t *lines = (uint32_t *)low_byte();
	*lines = 0x8000; /* TIOCM_LOOP */
	return lines;
}

static void *added_line(void)
{
	const int slave = terminal();
	return typed(slave, ioctl(slave, TIOCMBIS, loop_line()));
}

static void *set_line(void)
{
	const int slave = terminal();
	return typed(slave, ioctl(slave, TIOCMSET, loop_line()));
}

static void *added_line_by_i386(void)
{
	const int slave = terminal();
	return typed(slave, i386_call(I386_IOCTL, (uint64_t)slave, TIOCMBIS, number_of(loop_line()), 0, 0, 0));
}

static void *added_line_by_upper_half(void)
{
	const int slave = terminal();
	const uint64_t command = 0x1234567800000000 | TIOCMBIS;
	return typed(slave, native_call(NATIVE(IOCTL), (uint64_t)slave, command, number_of(loop_line()), 0, 0, 0));
}

static void *loop_added(void)
{
	return in_a_session(added_line);
}

static void *loop_set(void)
{
	return in_a_session(set_line);
}

static void *loop_i386(void)
{
	return in_a_session(added_line_by_i386);
}

static void *loop_upper_half(void)
{
	return in_a_session(added_line_by_upper_half);
}

static void *paste(void)
{
	return in_a_session(selection);
}

static void *strings(void)
{
	return in_a_session(key_strings);
}

static void *keys(void)
{
	return in_a_session(key_table);
}

VARIANTS({"TIOCSTI", sti}, {"TIOCSTI-i386", sti_i386}, {"TIOCSTI-x86-64", sti_x86_64},
	 {"TIOCSTI-upper-half", sti_upper_half}, {"TIOCLINUX", paste}, {"KDSKBSENT", strings}, {"KDSKBENT", keys},
	 {"TIOCMBIS", loop_added}, {"TIOCMSET", loop_set}, {"TIOCMBIS-i386", loop_i386},
	 {"TIOCMBIS-upper-half", loop_upper_half})
