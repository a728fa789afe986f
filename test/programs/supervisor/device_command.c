/*
 * Commands of devices whose structure decides: lines of a modem, buffers of video devices.
 *
 *     calls          what each of them gives on what is no such device
 *     race COUNT     lines without the loop, while a thread puts it there: whether one was refused as the terminal refuses it
 *     serial PATH    whether a serial line reads what is written to it, and whether its other lines can be set
 *     video PATH     whether a video device writes to a page that is executable, and whether it records as usual
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <linux/videodev2.h>

enum { LOOP = 0x8000, PAGE = 4096 };

static const char *said(int result)
{
	return result < 0 ? strerrorname_np(errno) : "0";
}

static struct v4l2_requestbuffers request(uint32_t memory)
{
	return (struct v4l2_requestbuffers){.count = 2, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = memory};
}

static int terminal(void)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	return open(ptsname(master), O_RDWR | O_NOCTTY);
}

static void calls(void)
{
	const int slave = terminal(), null = open("/dev/null", O_RDWR);
	int lines = LOOP | TIOCM_DTR, dtr = TIOCM_DTR;
	printf("set loop: %s\n", said(ioctl(slave, TIOCMSET, &lines)));
	printf("add loop: %s\n", said(ioctl(slave, TIOCMBIS, &lines)));
	printf("add loop, no terminal: %s\n", said(ioctl(null, TIOCMBIS, &lines)));
	printf("set DTR: %s\n", said(ioctl(slave, TIOCMSET, &dtr)));
	printf("add DTR: %s\n", said(ioctl(slave, TIOCMBIS, &dtr)));
	printf("add DTR, no terminal: %s\n", said(ioctl(null, TIOCMBIS, &dtr)));
	printf("clear loop: %s\n", said(ioctl(slave, TIOCMBIC, &lines)));
	printf("at no address: %s\n", said(ioctl(slave, TIOCMBIS, (void *)8)));
	printf("on no descriptor: %s\n", said(ioctl(-1, TIOCMBIS, &dtr)));
	struct v4l2_requestbuffers own = request(V4L2_MEMORY_USERPTR), mapped = request(V4L2_MEMORY_MMAP);
	struct v4l2_create_buffers more = {.count = 1, .memory = V4L2_MEMORY_USERPTR};
	printf("buffers, own: %s\n", said(ioctl(null, VIDIOC_REQBUFS, &own)));
	printf("buffers, mapped: %s\n", said(ioctl(null, VIDIOC_REQBUFS, &mapped)));
	printf("more, own: %s\n", said(ioctl(null, VIDIOC_CREATE_BUFS, &more)));
	more.memory = V4L2_MEMORY_MMAP;
	printf("more, mapped: %s\n", said(ioctl(null, VIDIOC_CREATE_BUFS, &more)));
}

static volatile int shared = TIOCM_DTR;

static void *change(void *unused)
{
	(void)unused;
	for (;;)
		shared ^= LOOP;
	return NULL;
}

static void race(int count)
{
	const int slave = terminal();
	pthread_t thread;
	int refused = 0, made = 0;
	pthread_create(&thread, NULL, change, NULL);
	for (int at = 0; at < count; at++) {
		ioctl(slave, TIOCMBIS, &shared);
		refused += errno == EPERM;
		made += errno == ENOTTY;
	}
	printf("made %s, refused %s\n", made > 0 ? "some" : "none", refused > 0 ? "some" : "none");
}

static void serial(const char *path)
{
	const int line = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (line < 0) {
		printf("loop: open: %s\n", said(-1));
		return;
	}
	struct termios raw;
	tcgetattr(line, &raw);
	cfmakeraw(&raw);
	tcsetattr(line, TCSANOW, &raw);
	tcflush(line, TCIOFLUSH);
	int loop = LOOP, dtr = TIOCM_DTR;
	char byte = 0;
	if (ioctl(line, TIOCMBIS, &loop) < 0) {
		printf("loop: %s\n", said(-1));
	} else {
		struct pollfd waiting = {.fd = line, .events = POLLIN};
		const int arrives = write(line, "x", 1) == 1 && poll(&waiting, 1, 5000) == 1 && read(line, &byte, 1) == 1 && byte == 'x';
		printf("loop: %s\n", arrives ? "EXEC" : "UNCHANGED");
		ioctl(line, TIOCMBIC, &loop);
	}
	printf("clear DTR: %s\n", said(ioctl(line, TIOCMBIC, &dtr)));
	printf("set DTR: %s\n", said(ioctl(line, TIOCMBIS, &dtr)));
	int now = 0;
	ioctl(line, TIOCMGET, &now);
	printf("DTR is %s\n", now & TIOCM_DTR ? "set" : "not set");
}

/* Has a device record to one buffer, and gives the error's name of the step that failed, or NULL. */
static const char *record(int device, uint32_t memory, uintptr_t own, uint32_t size)
{
	struct v4l2_requestbuffers wanted = request(memory);
	wanted.count = 4;
	if (ioctl(device, VIDIOC_REQBUFS, &wanted) < 0)
		return said(-1);
	for (uint32_t index = 0; index < wanted.count; index++) {
		struct v4l2_buffer buffer = {.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = memory};
		if (memory == V4L2_MEMORY_USERPTR) {
			buffer.m.userptr = own;
			buffer.length = size;
		}
		if (ioctl(device, VIDIOC_QBUF, &buffer) < 0)
			return said(-1);
	}
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_buffer done = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = memory};
	if (ioctl(device, VIDIOC_STREAMON, &type) < 0 || ioctl(device, VIDIOC_DQBUF, &done) < 0)
		return said(-1);
	return NULL;
}

static void video(const char *path, const char *file)
{
	for (int turn = 0; turn < 2; turn++) {
		const char *name = turn == 0 ? "own pages" : "mapped";
		const int device = open(path, O_RDWR), code = open(file, O_RDONLY);
		struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
		if (device < 0 || code < 0 || ioctl(device, VIDIOC_G_FMT, &format) < 0) {
			printf("%s: open: %s\n", name, said(-1));
			continue;
		}
		format.fmt.pix.width = 320;
		format.fmt.pix.height = 180;
		ioctl(device, VIDIOC_S_FMT, &format);
		const uint32_t size = (format.fmt.pix.sizeimage + PAGE - 1) / PAGE * PAGE;
		char *page = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE, code, 0), before[PAGE];
		if (page == MAP_FAILED) {
			printf("%s: mmap: %s\n", name, said(-1));
			continue;
		}
		memcpy(before, page, PAGE);
		const char *failed = record(device, turn == 0 ? V4L2_MEMORY_USERPTR : V4L2_MEMORY_MMAP, (uintptr_t)page, size);
		if (failed != NULL)
			printf("%s: %s\n", name, failed);
		else if (turn == 0)
			printf("%s: %s\n", name, memcmp(before, page, PAGE) != 0 ? "EXEC" : "UNCHANGED");
		else
			printf("%s: recorded\n", name);
		close(device);
	}
}

int main(int count, char **words)
{
	if (count == 2 && strcmp(words[1], "calls") == 0)
		calls();
	else if (count == 3 && strcmp(words[1], "race") == 0)
		race(atoi(words[2]));
	else if (count == 3 && strcmp(words[1], "serial") == 0)
		serial(words[2]);
	else if (count == 4 && strcmp(words[1], "video") == 0)
		video(words[2], words[3]);
	else
		return 2;
	return 0;
}
