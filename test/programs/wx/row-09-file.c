/* Row 9: a file that the program makes, mapped twice, or mapped executable and then written; on every mount. */
#define _GNU_SOURCE
#include "file.h"

static void *own_twice(void)
{
	return mapped_twice(new_file(own_folder()), 0);
}

static void *tmp_twice(void)
{
	return mapped_twice(new_file("/tmp"), 1);
}

static void *shm_twice(void)
{
	return mapped_twice(new_file("/dev/shm"), 0);
}

static void *then_written(void)
{
	const int descriptor = new_file(own_folder());
	if (descriptor < 0 || fill_harmless(descriptor) < 0)
		return NULL;
	void *page = map_executable(descriptor, MAP_SHARED);
	return page == NULL || fill(descriptor) < 0 ? NULL : page;
}

static void *then_written_below_private(void)
{
	const int descriptor = new_file(own_folder());
	if (descriptor < 0 || fill_harmless(descriptor) < 0)
		return NULL;
	void *page = map_executable(descriptor, MAP_PRIVATE);
	return page == NULL || fill(descriptor) < 0 ? NULL : page;
}

static void *written_before(void)
{
	const int descriptor = new_file(own_folder());
	return descriptor < 0 ? NULL : map_executable(fill(descriptor), MAP_PRIVATE);
}

/* A file without a name from the beginning. */
static void *unnamed(void)
{
	return mapped_twice(open(own_folder(), O_TMPFILE | O_RDWR, 0700), 0);
}

static void *then_mprotect(void)
{
	const int descriptor = new_file(own_folder());
	void *page = descriptor < 0 || fill(descriptor) < 0 ? NULL : map(PAGE_SIZE, PROT_READ, MAP_SHARED, descriptor);
	return page == NULL || protect(page, READ_EXECUTE) != 0 ? NULL : page;
}

/* The path of a mount, in a line of /proc/self/mountinfo, with \040 and its like as they stand. */
static char *mount_point(char *line)
{
	char *word = strtok(line, " ");
	for (int index = 0; word != NULL && index < 4; index++)
		word = strtok(NULL, " ");
	return word;
}

/* Each mount in turn: the first on which the bytes become executable, or what the last one answered. */
static void *every_mount(void)
{
	char line[8192];
	void *page = NULL;
	int answered = ENOENT;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	need(mounts != NULL, "open /proc/self/mountinfo");
	while (page == NULL && fgets(line, sizeof line, mounts) != NULL) {
		const char *folder = mount_point(line);
		struct stat found;
		if (folder == NULL || stat(folder, &found) != 0 || !S_ISDIR(found.st_mode))
			continue;
		page = mapped_twice(new_file(folder), 0);
		if (page == NULL && errno == EPERM)
			answered = EPERM;
	}
	errno = answered;
	return page;
}

/* Folders that every system has, and that somebody may forget. */
static void *every_folder(void)
{
	static const char *const folders[] = {"/", "/var/tmp", "/run", "/run/lock", "/run/user/0", "/dev", "/dev/mqueue",
					      "/dev/hugepages", "/root", "/home", "/srv", "/mnt", "/media", "/var/crash",
					      "/usr", "/usr/local/lib", "/opt", "/bin", "/sbin", "/lib", "/lib64", "/boot",
					      "/etc", "/sys", "/sys/fs/cgroup", "/sys/kernel/debug", "/sys/kernel/tracing",
					      "/sys/fs/bpf", "/proc", "."};
	void *page = NULL;
	int answered = EACCES;
	for (size_t index = 0; page == NULL && index < sizeof folders / sizeof folders[0]; index++) {
		page = mapped_twice(new_file(folders[index]), 0);
		if (page == NULL && errno == EPERM)
			answered = EPERM;
	}
	errno = answered;
	return page;
}

VARIANTS({"own-twice", own_twice}, {"tmp-twice", tmp_twice}, {"shm-twice", shm_twice}, {"then-written", then_written},
	 {"then-written-below-private", then_written_below_private}, {"written-before", written_before},
	 {"unnamed", unnamed}, {"then-mprotect", then_mprotect}, {"every-mount", every_mount},
	 {"every-folder", every_folder})
