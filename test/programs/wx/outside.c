/*
 * Sets up what a run inherits, and becomes the program that starts it.
 *
 * usage: outside FOLDER PROCESS PROGRAM [ARGUMENT ...]
 *
 * FOLDER is the user's own, on a file system whose files may be executed; PROCESS is another one of the same user.
 * Standard input becomes a regular file, the working folder FOLDER, or with WX_REMOVED in the environment a folder in it
 * that has been removed. WX_WITH names those of the special descriptors that there are, for a run may refuse to start with
 * them: unnamed, memfd, removed-folder, in-flight, detached-mount, queues, objects. See outside.h.
 */
#define _GNU_SOURCE
#include "file.h"
#include "outside.h"

#include <err.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* The calls for detached mounts; sys/mount.h of older C libraries has none of them. */
enum { FSCONFIG_CREATE = 6 };

static void at(int number, int descriptor)
{
	if (descriptor < 0 || dup2(descriptor, number) < 0)
		err(2, "descriptor %d", number);
	close(descriptor);
}

/* Whether a special descriptor is wanted. */
static int with(const char *name)
{
	const char *wanted = getenv("WX_WITH");
	return wanted != NULL && strstr(wanted, name) != NULL;
}

static int file(const char *folder, const char *name, int flags)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	const int descriptor = open(path, O_RDWR | O_CREAT, 0777);
	if (descriptor < 0 || fill_harmless(descriptor) < 0)
		err(2, "%s", path);
	close(descriptor);
	return open(path, flags);
}

/* Sends a message: of `length` bytes, with a descriptor where that is one. */
static void send_along(int socket, size_t length, int descriptor)
{
	char control[CMSG_SPACE(sizeof descriptor)] = {0}, byte = 0;
	struct iovec vector = {&byte, length};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	if (descriptor >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
		memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
	}
	if (sendmsg(socket, &message, 0) != (ssize_t)length)
		err(2, "sendmsg");
}

/* A socket in whose queue a descriptor waits, behind so many messages without data. */
static int holding(int type, int descriptor, int before)
{
	int ends[2];
	if (descriptor < 0 || socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
		err(2, "socket");
	for (; before > 0; before--)
		send_along(ends[0], 0, -1);
	send_along(ends[0], 1, descriptor);
	return ends[1];
}

static int filled_memfd(void)
{
	return fill_harmless(memfd_create("in flight", MFD_CLOEXEC));
}

/* What this user or this kernel cannot have stays closed. */
static void at_if(int number, int descriptor)
{
	if (descriptor >= 0)
		at(number, descriptor);
}

static void objects(void)
{
	unsigned char parameters[120] = {0};
	struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_DUMMY, .exclude_kernel = 1, .exclude_hv = 1};
	union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = PAGE_SIZE, .max_entries = 1, .map_flags = BPF_F_MMAPABLE};
	at_if(INHERITED_RING, (int)syscall(SYS_io_uring_setup, 8, parameters));
	at_if(INHERITED_COUNTER, (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
	at_if(INHERITED_BPF_MAP, (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
	at_if(INHERITED_PACKETS, socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

/* Only root can have one: the number stays closed otherwise. */
static void detached_mount(void)
{
	const int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
	if (context < 0)
		return;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CREATE, NULL, NULL, 0) == 0)
		at(INHERITED_DETACHED, (int)syscall(SYS_fsmount, context, 0, 0));
	close(context);
}

int main(int count, char **arguments)
{
	char path[PATH_MAX];
	if (count < 4)
		errx(2, "usage: outside FOLDER PROCESS PROGRAM [ARGUMENT ...]");
	const char *folder = arguments[1], *process = arguments[2];
	if (chdir(folder) != 0)
		err(2, "%s", folder);
	at(0, file(folder, "standard-input", O_RDWR));
	at(INHERITED_READ_WRITE, file(folder, "read-write", O_RDWR));
	at(INHERITED_WRITE_ONLY, file(folder, "write-only", O_WRONLY));
	at(INHERITED_READ_ONLY, file(folder, "read-only", O_RDONLY));
	at(INHERITED_PATH, file(folder, "path", O_PATH));
	if (with("unnamed"))
		at(INHERITED_UNNAMED, fill_harmless(open(folder, O_TMPFILE | O_RDWR, 0700)));
	if (with("memfd"))
		at(INHERITED_MEMFD, fill_harmless(memfd_create("inherited", MFD_CLOEXEC)));
	at(INHERITED_FOLDER, open(folder, O_RDONLY | O_DIRECTORY));
	at(INHERITED_FOLDER_PATH, open(folder, O_PATH | O_DIRECTORY));
	at(INHERITED_ROOT, open("/", O_RDONLY | O_DIRECTORY));
	at(INHERITED_PROC, open("/proc", O_RDONLY | O_DIRECTORY));
	at(INHERITED_DEVICES, open("/dev", O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof path, "/proc/%s", process);
	at(INHERITED_PROCESS, open(path, O_RDONLY | O_DIRECTORY));
	if (with("in-flight"))
		at(INHERITED_SOCKET, holding(SOCK_STREAM, filled_memfd(), 0));
	at(INHERITED_PIDFD, (int)syscall(SYS_pidfd_open, atoi(process), 0));
	fcntl(INHERITED_PIDFD, F_SETFD, 0);
	at(INHERITED_NAMESPACE, open("/proc/self/ns/mnt", O_RDONLY));
	at(INHERITED_ZERO, open("/dev/zero", O_RDWR));
	at(INHERITED_ZERO_READING, open("/dev/zero", O_RDONLY));
	at(INHERITED_ZERO_PATH, open("/dev/zero", O_PATH));
	if (with("queues")) {
		at(INHERITED_NESTED, holding(SOCK_DGRAM, holding(SOCK_STREAM, filled_memfd(), 0), 0));
		at(INHERITED_BEHIND_EMPTY, holding(SOCK_DGRAM, filled_memfd(), 2));
		at(INHERITED_ZERO_IN_FLIGHT, holding(SOCK_STREAM, open("/dev/zero", O_RDWR), 0));
	}
	if (with("objects"))
		objects();
	if (with("detached-mount"))
		detached_mount();
	if (mkdir("removed", 0700) != 0 && errno != EEXIST)
		err(2, "removed");
	if (with("removed-folder"))
		at(INHERITED_REMOVED_FOLDER, open("removed", O_RDONLY | O_DIRECTORY));
	if (getenv("WX_REMOVED") != NULL && chdir("removed") != 0)
		err(2, "removed");
	snprintf(path, sizeof path, "%s/removed", folder);
	rmdir(path);
	execvp(arguments[3], arguments + 3);
	err(2, "%s", arguments[3]);
}
