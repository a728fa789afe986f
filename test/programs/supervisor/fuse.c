/*
 * A file system that this process serves (fuse(4)) at the path of the first argument: an empty folder, but for a file
 * `changing`, which is another one as soon as it was opened; their inodes have numbers that differ in the last of 54 bits.
 * Executes the other arguments when it is mounted, serves as long as they run, and ends as they do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(int device, uint64_t unique, int error, const void *body, size_t size)
{
	char buffer[512];
	struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = error, .unique = unique};
	memcpy(buffer, &header, sizeof header);
	if (size > 0)
		memcpy(buffer + sizeof header, body, size);
	if (write(device, buffer, header.len) < 0 && errno != ENOENT)
		perror("answer");
}

enum { FILE_NODE = 2, OTHER_NODE };

/* Whether the file that has the name first was opened. */
static int is_opened;

static struct fuse_attr attributes(uint64_t node)
{
	if (node == FUSE_ROOT_ID)
		return (struct fuse_attr){.ino = node, .mode = S_IFDIR | 0755, .nlink = 2, .uid = getuid(), .gid = getgid()};
	return (struct fuse_attr){
		.ino = (1ULL << 53) + node - FILE_NODE, .mode = S_IFREG | 0644, .nlink = 1, .uid = getuid(), .gid = getgid()};
}

static void serve(int device)
{
	static _Alignas(8) char request[1 << 17];
	if (read(device, request, sizeof request) < (ssize_t)sizeof(struct fuse_in_header))
		return;
	const struct fuse_in_header *in = (const void *)request;
	switch (in->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_in *wanted = (const void *)(request + sizeof *in);
		const struct fuse_init_out out = {
			.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = wanted->max_readahead, .max_write = 4096};
		return answer(device, in->unique, 0, &out, sizeof out);
	}
	case FUSE_GETATTR: {
		const struct fuse_attr_out out = {.attr = attributes(in->nodeid)};
		return answer(device, in->unique, 0, &out, sizeof out);
	}
	case FUSE_OPEN:
		is_opened = 1;
		/* fallthrough */
	case FUSE_OPENDIR: {
		const struct fuse_open_out out = {0};
		return answer(device, in->unique, 0, &out, sizeof out);
	}
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_READDIR:
	case FUSE_RELEASEDIR:
		return answer(device, in->unique, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	case FUSE_LOOKUP:
		if (strcmp(request + sizeof *in, "changing") == 0) {
			const uint64_t node = is_opened ? OTHER_NODE : FILE_NODE;
			const struct fuse_entry_out out = {.nodeid = node, .attr = attributes(node)};
			return answer(device, in->unique, 0, &out, sizeof out);
		}
		return answer(device, in->unique, -ENOENT, NULL, 0);
	default:
		return answer(device, in->unique, -ENOSYS, NULL, 0);
	}
}

int main(int count, char **words)
{
	if (count < 3)
		return 2;
	const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=%u,group_id=%u,allow_other", device, getuid(), getgid());
	if (device < 0 || mount("served", words[1], "fuse.served", MS_NODEV | MS_NOSUID, options) != 0) {
		perror("mount");
		return 1;
	}
	const pid_t child = fork();
	if (child == 0) {
		execvp(words[2], words + 2);
		perror(words[2]);
		_exit(127);
	}
	for (int status;;) {
		struct pollfd waiting = {.fd = device, .events = POLLIN};
		if (poll(&waiting, 1, 50) > 0)
			serve(device);
		else if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
}
