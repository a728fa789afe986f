/*
 * Row 44: descriptors that a run inherits, the memory and the folders behind them, and the working folder. They were
 * opened through the mounts of whoever started the run.
 */
#define _GNU_SOURCE
#include "file.h"
#include "outside.h"

#include <sys/socket.h>
#include <sys/syscall.h>

/* The same file once more, through the link of /proc. */
static int again(int descriptor, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return open(path, flags | O_CLOEXEC);
}

static void *standard_input(void)
{
	return mapped_twice(0, 0);
}

static void *standard_input_again(void)
{
	return mapped_twice(again(0, O_RDWR), 0);
}

static void *read_write(void)
{
	return mapped_twice(INHERITED_READ_WRITE, 0);
}

static void *read_write_again(void)
{
	return mapped_twice(again(INHERITED_READ_WRITE, O_RDWR), 0);
}

static void *write_only(void)
{
	return mapped_twice(again(INHERITED_WRITE_ONLY, O_RDWR), 0);
}

/* Written by the one description, executed by another. */
static void *written_by_first(void)
{
	void *page = map_executable(again(INHERITED_WRITE_ONLY, O_RDONLY), MAP_SHARED);
	return page == NULL || fill(INHERITED_WRITE_ONLY) < 0 ? NULL : page;
}

static void *read_only(void)
{
	void *page = map_executable(INHERITED_READ_ONLY, MAP_SHARED);
	return page == NULL || fill(again(INHERITED_READ_ONLY, O_RDWR)) < 0 ? NULL : page;
}

static void *path(void)
{
	return mapped_twice(again(INHERITED_PATH, O_RDWR), 0);
}

static void *unnamed(void)
{
	return mapped_twice(INHERITED_UNNAMED, 0);
}

static void *unnamed_again(void)
{
	return mapped_twice(again(INHERITED_UNNAMED, O_RDWR), 0);
}

static void *memory_file(void)
{
	return mapped_twice(INHERITED_MEMFD, 0);
}

static void *memory_file_again(void)
{
	return mapped_twice(again(INHERITED_MEMFD, O_RDWR), 0);
}

static int new_in(int folder, const char *name)
{
	const int descriptor = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	if (descriptor >= 0)
		unlinkat(folder, name, 0);
	return descriptor;
}

static void *folder(void)
{
	return mapped_twice(new_in(INHERITED_FOLDER, "row-44"), 0);
}

static void *folder_path(void)
{
	return mapped_twice(new_in(INHERITED_FOLDER_PATH, "row-44"), 0);
}

static void *folder_parent(void)
{
	return mapped_twice(new_in(INHERITED_FOLDER, "../row-44"), 0);
}

static void *folder_entered(void)
{
	return fchdir(INHERITED_FOLDER) != 0 ? NULL : mapped_twice(new_in(AT_FDCWD, "row-44"), 0);
}

static void *removed_folder(void)
{
	return mapped_twice(new_in(INHERITED_REMOVED_FOLDER, "../row-44"), 0);
}

static void *root_folder(void)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "%s/row-44", own_folder() + 1);
	return mapped_twice(new_in(INHERITED_ROOT, name), 0);
}

/* A /proc in which memory can be written. */
static void *proc_folder(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char name[64];
	snprintf(name, sizeof name, "%d/mem", (int)getpid());
	const int descriptor = openat(INHERITED_PROC, name, O_RDWR | O_CLOEXEC);
	unsigned char bytes[6];
	write_payload(bytes);
	return descriptor >= 0 && pwrite64(descriptor, bytes, sizeof bytes, (off64_t)number_of(page)) > 0 ? page : NULL;
}

/* The root folder of the process outside, through its folder in /proc. */
static void *process_root(void)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "root%s/row-44", own_folder());
	return mapped_twice(new_in(INHERITED_PROCESS, name), 0);
}

static void *process_folder(void)
{
	return mapped_twice(new_in(INHERITED_PROCESS, "cwd/row-44"), 0);
}

static void *process_descriptor(void)
{
	return mapped_twice(openat(INHERITED_PROCESS, "fd/5", O_RDWR | O_CLOEXEC), 0);
}

static void *devices(void)
{
	return mapped_twice(new_in(INHERITED_DEVICES, "shm/row-44"), 0);
}

static void *pidfd(void)
{
	return mapped_twice((int)syscall(SYS_pidfd_getfd, INHERITED_PIDFD, 6, 0), 0);
}

static void *namespace_entered(void)
{
	if (syscall(SYS_setns, INHERITED_NAMESPACE, 0) != 0)
		return NULL;
	return mapped_twice(new_file(own_folder()), 0);
}

/* The mount namespace of another process, by its pidfd. */
static void *namespace_of_pidfd(void)
{
	if (syscall(SYS_setns, INHERITED_PIDFD, 0x00020000 /* CLONE_NEWNS; linux/sched.h */) != 0)
		return NULL;
	return mapped_twice(new_file(own_folder()), 0);
}

static void *detached_mount(void)
{
	return mapped_twice(new_in(INHERITED_DETACHED, "row-44"), 0);
}

/* A message that was on its way when the run began, with a descriptor in it. */
static void *in_flight(void)
{
	int memory = -1;
	char control[CMSG_SPACE(sizeof memory)], byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (recvmsg(INHERITED_SOCKET, &message, MSG_DONTWAIT) < 0)
		return NULL;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header == NULL) {
		errno = ENOMSG;
		return NULL;
	}
	memcpy(&memory, CMSG_DATA(header), sizeof memory);
	return mapped_twice(memory, 0);
}

static void *working_folder(void)
{
	return mapped_twice(new_in(AT_FDCWD, "row-44"), 0);
}

static void *parent_of_working_folder(void)
{
	return mapped_twice(new_in(AT_FDCWD, "../row-44"), 0);
}

static void *working_folder_link(void)
{
	const int folder_again = open("/proc/self/cwd/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_again < 0 ? NULL : mapped_twice(new_in(folder_again, "row-44"), 0);
}

VARIANTS({"standard-input", standard_input}, {"standard-input-again", standard_input_again}, {"read-write", read_write},
	 {"read-write-again", read_write_again}, {"write-only", write_only}, {"written-by-first", written_by_first},
	 {"read-only", read_only}, {"path", path}, {"unnamed", unnamed}, {"unnamed-again", unnamed_again},
	 {"memfd", memory_file}, {"memfd-again", memory_file_again}, {"folder", folder}, {"folder-path", folder_path},
	 {"folder-parent", folder_parent}, {"folder-entered", folder_entered}, {"removed-folder", removed_folder},
	 {"root-folder", root_folder}, {"proc-folder", proc_folder}, {"process-root", process_root},
	 {"process-folder", process_folder}, {"process-descriptor", process_descriptor}, {"devices", devices},
	 {"pidfd", pidfd}, {"namespace", namespace_entered}, {"namespace-of-pidfd", namespace_of_pidfd},
	 {"detached-mount", detached_mount}, {"in-flight", in_flight}, {"working-folder", working_folder},
	 {"parent-of-working-folder", parent_of_working_folder}, {"working-folder-link", working_folder_link})
