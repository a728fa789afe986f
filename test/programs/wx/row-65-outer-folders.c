/*
 * Row 65: folders around the root folder that the run has: out of a root folder of its own by descriptors, working folders,
 * links of /proc, and ".."; then a file there, mapped twice.
 *
 * Where WX_MARKER is in the environment, it is the path of a file that stands outside alone: to open it is the outcome OPENED.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <sched.h>
#include <sys/socket.h>

enum { DEEPEST = 64 };

/* In a child, which has one thread and may go where it likes. */
static void *in_child(void *(*attempt)(void))
{
	char *what = map_writable(MAP_SHARED | MAP_ANONYMOUS);
	const pid_t child = fork();
	if (child == 0) {
		for (int number = SIGILL; number <= SIGSEGV; number++)
			signal(number, SIG_DFL);
		void *page = attempt();
		strcpy(what, outcome_elsewhere != NULL ? outcome_elsewhere
			     : page == NULL            ? strerrorname_np(errno)
						       : execute(page));
		_exit(0);
	}
	judge_child(child);
	if (what[0] != 0)
		outcome_elsewhere = what;
	return NULL;
}

/* What is done in the folder that an attempt has come to, by a descriptor of it. */
static void *use(int top)
{
	char path[64];
	const char *marker = getenv("WX_MARKER");
	if (top < 0)
		return NULL;
	if (marker != NULL && faccessat(top, marker + 1, F_OK, 0) == 0) {
		outcome_elsewhere = "OPENED";
		return NULL;
	}
	snprintf(path, sizeof path, "tmp/row-65-%d", (int)getpid());
	const int file = openat(top, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (file < 0)
		return NULL;
	unlinkat(top, path, 0);
	return mapped_twice(file, 0);
}

/* Up from a folder, by a descriptor for each step. */
static int climb(int folder)
{
	for (int depth = 0; depth < DEEPEST && folder >= 0; depth++) {
		const int parent = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(folder);
		folder = parent;
	}
	return folder;
}

static int open_folder(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Up from the working folder; what is there becomes the root folder. */
static void *climb_here(void)
{
	for (int depth = 0; depth < DEEPEST; depth++) {
		if (chdir("..") != 0)
			return NULL;
	}
	return chroot(".") != 0 ? NULL : use(open_folder("/"));
}

static void *by_descriptor(void)
{
	const int outside = open_folder("/");
	if (chroot(own_folder()) != 0 || fchdir(outside) != 0)
		return NULL;
	return climb_here();
}

static void *by_working_folder(void)
{
	if (chdir("/") != 0 || chroot(own_folder()) != 0)
		return NULL;
	return climb_here();
}

static void *by_parents(void)
{
	const int outside = open_folder("/");
	return chroot(own_folder()) != 0 ? NULL : use(climb(outside));
}

/* A root folder in a root folder: the first descriptor leads out of both. */
static void *nested(void)
{
	const int outside = open(own_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char inner[32];
	snprintf(inner, sizeof inner, "row-65-%d", (int)getpid());
	need(fchdir(outside) == 0 && mkdir(inner, 0700) == 0, "mkdir");
	const int left = chroot(own_folder()) == 0 && chroot(inner) == 0 && fchdir(outside) == 0;
	return left ? climb_here() : NULL;
}

/* Links of /proc lead to the root folders of processes, without a name. */
static void *by_own_link(void)
{
	const int links = open_folder("/proc/self");
	if (chroot(own_folder()) != 0)
		return NULL;
	return use(climb(openat(links, "root", O_PATH | O_DIRECTORY | O_CLOEXEC)));
}

/* The parent's root folder is the one that this process had. */
static void *by_link_of_parent(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", (int)getppid());
	const int links = open_folder(path);
	if (chroot(own_folder()) != 0)
		return NULL;
	return use(climb(openat(links, "root", O_PATH | O_DIRECTORY | O_CLOEXEC)));
}

static void *by_link_of_first(void)
{
	return use(climb(open_folder("/proc/1/root")));
}

static void *by_link_of_other(void)
{
	char path[64];
	const char *other = getenv("WX_OUTSIDE");
	snprintf(path, sizeof path, "/proc/%s/root", other == NULL ? "1" : other);
	return use(climb(open_folder(path)));
}

/* From every folder that is open from the start. */
static void *by_inherited(void)
{
	errno = EBADF;
	for (int number = 0; number < 1024; number++) {
		const int top = openat(number, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		void *page = top < 0 ? NULL : use(climb(top));
		if (page != NULL || outcome_elsewhere != NULL)
			return page;
	}
	return NULL;
}

/* A folder of the parent's, which a child in another root folder receives. */
static void *passed(void)
{
	int ends[2];
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	const int outside = open_folder("/");
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof outside), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &outside, sizeof outside);
	need(sendmsg(ends[0], &message, 0) == 1, "sendmsg");
	close(outside);
	if (chroot(own_folder()) != 0)
		return NULL;
	int received = -1;
	need(recvmsg(ends[1], &message, 0) == 1, "recvmsg");
	memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
	return use(climb(received));
}

/* The namespace's own root folder. */
static void *by_namespace(void)
{
	const int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return setns(namespace, CLONE_NEWNS) != 0 ? NULL : use(open_folder("/"));
}

static void *exchanged(void)
{
	return syscall(SYS_pivot_root, ".", ".") != 0 ? NULL : use(open_folder("/"));
}

#define IN_CHILD(name)                      \
	static void *name##_in_child(void)  \
	{                                   \
		return in_child(name);      \
	}
IN_CHILD(by_descriptor)
IN_CHILD(by_working_folder)
IN_CHILD(by_parents)
IN_CHILD(nested)
IN_CHILD(by_own_link)
IN_CHILD(by_link_of_parent)
IN_CHILD(by_link_of_first)
IN_CHILD(by_link_of_other)
IN_CHILD(by_inherited)
IN_CHILD(passed)
IN_CHILD(by_namespace)
IN_CHILD(exchanged)

VARIANTS({"descriptor", by_descriptor_in_child}, {"working-folder", by_working_folder_in_child},
	 {"parents", by_parents_in_child}, {"nested", nested_in_child}, {"own-link", by_own_link_in_child},
	 {"link-of-parent", by_link_of_parent_in_child}, {"link-of-first", by_link_of_first_in_child},
	 {"link-of-other", by_link_of_other_in_child}, {"inherited", by_inherited_in_child}, {"passed", passed_in_child},
	 {"namespace", by_namespace_in_child}, {"pivot_root", exchanged_in_child})
