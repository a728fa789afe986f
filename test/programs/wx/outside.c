/*
 * Sets up what a run inherits, and becomes the program that starts it.
 *
 * usage: outside FOLDER PROCESS PROGRAM [ARGUMENT ...]
 *
 * FOLDER is the user's own, on a file system whose files may be executed; PROCESS is another one of the same user.
 * Standard input becomes a regular file, the working folder FOLDER, or with WX_REMOVED in the environment a folder in it
 * that has been removed. WX_WITH names those of the special descriptors that there are, for a run may refuse to start with
 * them: unnamed, memfd, removed-folder, in-flight, detached-mount. See outside.h.
 */
#define _GNU_SOURCE
#include "file.h"
#include "outside.h"

#include <err.h>
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

static int socket_with_memfd(void)
{
	int ends[2], memory = memfd_create("in flight", MFD_CLOEXEC);
	char control[CMSG_SPACE(sizeof memory)] = {0}, byte = 0;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof memory)};
	memcpy(CMSG_DATA(header), &memory, sizeof memory);
	if (memory < 0 || fill_harmless(memory) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
	    sendmsg(ends[0], &message, 0) != 1)
		err(2, "socket");
	return ends[1];
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
		at(INHERITED_SOCKET, socket_with_memfd());
	at(INHERITED_PIDFD, (int)syscall(SYS_pidfd_open, atoi(process), 0));
	fcntl(INHERITED_PIDFD, F_SETFD, 0);
	at(INHERITED_NAMESPACE, open("/proc/self/ns/mnt", O_RDONLY));
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
