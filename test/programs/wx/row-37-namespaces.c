/*
 * Row 37: mounts of the attacker's own: a new namespace with a tmpfs or a /proc in it, a mount that is made writable or
 * executable again or taken away, and other root folders.
 */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>

/* linux/mount.h, newer than sys/mount.h of older C libraries. */
enum { TREE_CLONE = 1, EMPTY_PATH = 0x1000, ATTRIBUTE_READ_ONLY = 1, ATTRIBUTE_NOEXEC = 8,
       CREATE_COMMAND = 6 };
enum { NUMBER_OPEN_TREE_ATTR = 467 };

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static int uid, gid;

/* Who is in a new namespace of users has to be somebody there. */
static int map_users(void)
{
	const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map"};
	char texts[3][32] = {"deny"};
	snprintf(texts[1], sizeof texts[1], "0 %d 1", uid);
	snprintf(texts[2], sizeof texts[2], "0 %d 1", gid);
	for (int index = 0; index < 3; index++) {
		const int descriptor = open(files[index], O_WRONLY | O_CLOEXEC);
		if (descriptor < 0 || write(descriptor, texts[index], strlen(texts[index])) < 0)
			return -1;
		close(descriptor);
	}
	return 0;
}

/* Nothing that is mounted here shows elsewhere. */
static int keep_to_ourselves(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int new_namespaces(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || map_users() != 0)
		return -1;
	return keep_to_ourselves();
}

static void *on_tmpfs(const char *folder)
{
	return mount("none", folder, "tmpfs", 0, NULL) != 0 ? NULL : mapped_twice(new_file(folder), 0);
}

/* In a child, which has one thread and may go where it likes. */
static void *in_child(void *(*attempt)(void))
{
	uid = (int)getuid(), gid = (int)getgid();
	char *what = map_writable(MAP_SHARED | MAP_ANONYMOUS);
	const pid_t child = fork();
	if (child == 0) {
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

static void *tmpfs_here(void)
{
	return unshare(CLONE_NEWNS) != 0 ? NULL : keep_to_ourselves() != 0 ? NULL : on_tmpfs("/mnt");
}

static void *tmpfs_as_user(void)
{
	return new_namespaces() != 0 ? NULL : on_tmpfs("/mnt");
}

static void *tmpfs_mounted(void)
{
	return in_child(tmpfs_here);
}

static void *tmpfs_of_user(void)
{
	return in_child(tmpfs_as_user);
}

/*
 * In a namespace that is not the machine's, whose mounts WX_NAMESPACE names and are not for tests to change: a new one, or
 * where that is refused the one that the run has.
 */
static int apart(void)
{
	char name[64] = "";
	if ((unshare(CLONE_NEWNS) == 0 && keep_to_ourselves() == 0) || new_namespaces() == 0)
		return 0;
	const int kept = errno;
	const char *machine = getenv("WX_NAMESPACE");
	need(readlink("/proc/self/ns/mnt", name, sizeof name - 1) > 0, "readlink");
	errno = kept;
	return machine == NULL || strcmp(machine, name) == 0 ? -1 : 0;
}

/* A mount that is bound once more has flags of its own. */
static void *bound(void)
{
	if (apart() != 0 || mount(own_folder(), own_folder(), NULL, MS_BIND, NULL) != 0)
		return NULL;
	if (mount(NULL, own_folder(), NULL, MS_BIND | MS_REMOUNT, NULL) != 0)
		return NULL;
	return mapped_twice(new_file(own_folder()), 0);
}

static void *bound_again(void)
{
	return in_child(bound);
}

/* The new calls for mounts. */
static void *tree(void)
{
	struct attributes executable = {.clear = ATTRIBUTE_NOEXEC | ATTRIBUTE_READ_ONLY};
	if (new_namespaces() != 0)
		return NULL;
	const int copy = (int)syscall(SYS_open_tree, AT_FDCWD, own_folder(), TREE_CLONE | O_CLOEXEC);
	if (copy < 0 || syscall(SYS_mount_setattr, copy, "", EMPTY_PATH, &executable, sizeof executable) != 0)
		return NULL;
	const int descriptor = openat(copy, "row-37", O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	return mapped_twice(descriptor, 0);
}

static void *open_tree_call(void)
{
	return in_child(tree);
}

/* Without a namespace: what a process with CAP_SYS_ADMIN can do where it is. */
static void *tree_here(void)
{
	struct attributes executable = {.clear = ATTRIBUTE_NOEXEC | ATTRIBUTE_READ_ONLY};
	const int copy = (int)syscall(SYS_open_tree, AT_FDCWD, own_folder(), TREE_CLONE | O_CLOEXEC);
	if (copy < 0 || syscall(SYS_mount_setattr, copy, "", EMPTY_PATH, &executable, sizeof executable) != 0)
		return NULL;
	return mapped_twice(openat(copy, "row-37", O_RDWR | O_CREAT | O_CLOEXEC, 0700), 0);
}

static void *tree_with_attributes(void)
{
	struct attributes executable = {.clear = ATTRIBUTE_NOEXEC | ATTRIBUTE_READ_ONLY};
	const int copy = (int)syscall(NUMBER_OPEN_TREE_ATTR, AT_FDCWD, own_folder(), TREE_CLONE | O_CLOEXEC, &executable,
				      sizeof executable);
	return copy < 0 ? NULL : mapped_twice(openat(copy, "row-37", O_RDWR | O_CREAT | O_CLOEXEC, 0700), 0);
}

static void *detached_here(void)
{
	const int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
	if (context < 0 || syscall(SYS_fsconfig, context, CREATE_COMMAND, NULL, NULL, 0) != 0)
		return NULL;
	const int tmpfs = (int)syscall(SYS_fsmount, context, 0, 0);
	return tmpfs < 0 ? NULL : mapped_twice(openat(tmpfs, "row-37", O_RDWR | O_CREAT | O_CLOEXEC, 0700), 0);
}

static void *detached_as_user(void)
{
	return new_namespaces() != 0 ? NULL : detached_here();
}

static void *fsmount_of_user(void)
{
	return in_child(detached_as_user);
}

/* A new /proc, in which memory files can be written; it needs a namespace of processes. */
static void *proc_as_user(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0)
		return NULL;
	struct shared_result *result = share_result();
	const pid_t child = fork();
	if (child == 0) {
		void *page = anonymous_page();
		int descriptor = -1;
		if (keep_to_ourselves() == 0 && mount("proc", "/mnt", "proc", 0, NULL) == 0)
			descriptor = open("/mnt/self/mem", O_RDWR);
		if (descriptor < 0 || pwrite64(descriptor, payload(), PAYLOAD_SIZE, (off64_t)number_of(page)) < 0)
			result->error = errno;
		_exit(result->error == 0 && strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	judge_child(child);
	return result->error == 0 ? NULL : judge_error(result->error);
}

static void *new_proc(void)
{
	return in_child(proc_as_user);
}

/* What lies below a mount comes to light when the mount goes. */
static void *unmounted_here(void)
{
	if (apart() != 0)
		return NULL;
	return umount2("/dev/shm", MNT_DETACH) != 0 ? NULL : mapped_twice(new_file("/dev/shm"), 0);
}

static void *unmounted(void)
{
	return in_child(unmounted_here);
}

/* A namespace by clone(2) and by clone3(2), whose flags stand in memory. */
static void *cloned_with(uint64_t flags, int by_clone3)
{
	uid = (int)getuid(), gid = (int)getgid();
	struct shared_result *result = share_result();
	struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
	const pid_t child = (pid_t)(by_clone3 ? syscall(SYS_clone3, &arguments, sizeof arguments)
					      : syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
	if (child < 0)
		return NULL;
	if (child == 0) {
		void *page = NULL;
		if (((flags & CLONE_NEWUSER) == 0 || map_users() == 0) && keep_to_ourselves() == 0)
			page = on_tmpfs("/mnt");
		result->error = page == NULL ? errno : 0;
		_exit(page != NULL && strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	judge_child(child);
	return result->error == 0 ? NULL : judge_error(result->error);
}

static void *clone_user(void)
{
	return cloned_with(CLONE_NEWUSER | CLONE_NEWNS, 0);
}

static void *clone_mounts(void)
{
	return cloned_with(CLONE_NEWNS, 0);
}

static void *clone3_user(void)
{
	return cloned_with(CLONE_NEWUSER | CLONE_NEWNS, 1);
}

static void *clone3_mounts(void)
{
	return cloned_with(CLONE_NEWNS, 1);
}

/* The same from a thread of its own, in two steps: a user namespace first, then the mounts. */
static void *two_steps(void)
{
	if (unshare(CLONE_NEWUSER) != 0 || map_users() != 0)
		return NULL;
	return unshare(CLONE_NEWNS) != 0 || keep_to_ourselves() != 0 ? NULL : on_tmpfs("/mnt");
}

static void *in_two_steps(void)
{
	return in_child(two_steps);
}

/* Another root folder shows the same mounts by other names. */
static void *other_root(void)
{
	if (chroot(own_folder()) != 0 || chdir("/") != 0)
		return NULL;
	return mapped_twice(new_file("/"), 0);
}

static void *chrooted(void)
{
	return in_child(other_root);
}

/* Out of a root folder by a descriptor from before. */
static void *root_left(void)
{
	const int outside = open("/", O_RDONLY | O_DIRECTORY);
	if (chroot(own_folder()) != 0 || fchdir(outside) != 0)
		return NULL;
	for (int depth = 0; depth < 8; depth++)
		need(chdir("..") == 0, "chdir");
	return chroot(".") != 0 ? NULL : mapped_twice(new_file(own_folder()), 0);
}

static void *chroot_left(void)
{
	return in_child(root_left);
}

#ifdef __x86_64__
static int64_t unshare_by_other_entry(uint64_t flags)
{
	return i386_call(I386_UNSHARE, flags, 0, 0, 0, 0, 0);
}
#else
static int64_t unshare_by_other_entry(uint64_t flags)
{
	return x86_64_call(X86_64_UNSHARE, flags, 0, 0, 0, 0, 0);
}
#endif

static void *tmpfs_by_other_entry(void)
{
	if (unshare_by_other_entry(CLONE_NEWUSER | CLONE_NEWNS) != 0 || map_users() != 0)
		return NULL;
	return keep_to_ourselves() != 0 ? NULL : on_tmpfs("/mnt");
}

static void *other_entry(void)
{
	return in_child(tmpfs_by_other_entry);
}

VARIANTS({"tmpfs", tmpfs_mounted}, {"tmpfs-of-user", tmpfs_of_user}, {"two-steps", in_two_steps}, {"bind", bound_again},
	 {"open_tree", tree_here}, {"open_tree-of-user", open_tree_call}, {"open_tree_attr", tree_with_attributes},
	 {"fsmount", detached_here}, {"fsmount-of-user", fsmount_of_user}, {"new-proc", new_proc}, {"umount", unmounted},
	 {"clone-user", clone_user}, {"clone-mounts", clone_mounts}, {"clone3-user", clone3_user},
	 {"clone3-mounts", clone3_mounts}, {"chroot", chrooted}, {"chroot-left", chroot_left}, {"other-entry", other_entry})
