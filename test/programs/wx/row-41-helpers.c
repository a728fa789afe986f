/*
 * Row 41: programs that the kernel itself starts, outside of every run, when root has written their path to a file of
 * /proc or /sys; and core files. The program is a script in WX_FOLDER, which makes a file beside itself.
 *
 * The settings are the machine's. Each is put back as soon as the attempt is over.
 */
#define _GNU_SOURCE
#include "child.h"
#include "file.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

static char setting[512];
static const char *setting_path;

static int write_to(const char *path, const char *text)
{
	const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	const int64_t length = descriptor < 0 ? -1 : write(descriptor, text, strlen(text));
	const int kept = errno;
	if (descriptor >= 0)
		close(descriptor);
	errno = kept;
	return length < 0 ? -1 : 0;
}

/* Changes a setting of the machine; -1 with errno. */
static int set(const char *path, const char *text)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return -1;
	const ssize_t length = read(descriptor, setting, sizeof setting - 1);
	close(descriptor);
	setting[length < 0 ? 0 : length] = 0;
	setting_path = path;
	return write_to(path, text);
}

static void put_back(void)
{
	write_to(setting_path, setting[0] == 0 ? "\n" : setting);
}

/* The helper: a script, so that it needs no library, with the marked file's path in it. */
static const char *helper(char **mark)
{
	const char *path = new_path(own_folder());
	need(asprintf(mark, "%s.ran", path) > 0, "asprintf");
	const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (descriptor < 0)
		return NULL;
	dprintf(descriptor, "#!/bin/sh\n: >%s\n", *mark);
	close(descriptor);
	return path;
}

/* Whether the helper came, which nobody waits for otherwise. */
static void *came(const char *path, const char *mark)
{
	outcome_elsewhere = "UNCHANGED";
	for (int attempt = 0; attempt < 1000; attempt++, usleep(1000)) {
		if (access(mark, F_OK) == 0) {
			outcome_elsewhere = "EXEC";
			break;
		}
	}
	unlink(mark);
	unlink(path);
	return NULL;
}

static void crash(void)
{
	const pid_t child = fork();
	if (child == 0) {
		const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
		setrlimit(RLIMIT_CORE, &all);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
}

static void *core_pattern(void)
{
	char *mark, *text;
	const char *path = helper(&mark);
	need(path != NULL && asprintf(&text, "|%s", path) > 0, "helper");
	if (set("/proc/sys/kernel/core_pattern", text) != 0)
		return NULL;
	crash();
	put_back();
	return came(path, mark);
}

/* Asked for when a socket of a family is wanted that no module has. */
static void *modprobe(void)
{
	char *mark;
	const char *path = helper(&mark);
	if (set("/proc/sys/kernel/modprobe", path) != 0)
		return NULL;
	socket(AF_APPLETALK, SOCK_DGRAM, 0);
	put_back();
	return came(path, mark);
}

static void *hotplug(void)
{
	char *mark;
	const char *path = helper(&mark);
	if (set("/sys/kernel/uevent_helper", path) != 0)
		return NULL;
	write_to("/sys/class/mem/null/uevent", "change");
	put_back();
	return came(path, mark);
}

/* A control group of version 1 that has become empty. */
static void *release_agent(void)
{
	static const char *const hierarchies[] = {"freezer", "pids", "cpuacct", "memory", "devices", "blkio", "systemd"};
	char agent[128], group[128], file[192];
	char *mark;
	const char *path = helper(&mark);
	int error = ENOENT;
	for (size_t index = 0; index < sizeof hierarchies / sizeof hierarchies[0]; index++) {
		snprintf(agent, sizeof agent, "/sys/fs/cgroup/%s/release_agent", hierarchies[index]);
		snprintf(group, sizeof group, "/sys/fs/cgroup/%s/wx-%d", hierarchies[index], (int)getpid());
		if (set(agent, path) != 0 || mkdir(group, 0700) != 0) {
			error = errno == ENOENT ? error : errno;
			continue;
		}
		snprintf(file, sizeof file, "%s/notify_on_release", group);
		write_to(file, "1");
		const pid_t child = fork();
		if (child == 0) {
			snprintf(file, sizeof file, "%s/cgroup.procs", group);
			_exit(write_to(file, "0"));
		}
		need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
		came(path, mark);
		put_back();
		rmdir(group);
		return NULL;
	}
	errno = error;
	return NULL;
}

/* Who starts such a file has the attacker's interpreter started. */
static void *binary_format(void)
{
	const char *path = copied(beside("ordinary")), *file = new_path(own_folder());
	char *text;
	need(path != NULL && asprintf(&text, ":wx:M::wxwx::%s:F", path) > 0, "asprintf");
	if (write_to("/proc/sys/fs/binfmt_misc/register", text) != 0)
		return NULL;
	const int descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	dprintf(descriptor, "wxwx");
	close(descriptor);
	void *result = start(file);
	write_to("/proc/sys/fs/binfmt_misc/wx", "-1");
	return result;
}

/*
 * A key that nobody has, with callout data: the kernel starts /sbin/request-key for it. Where the system has none, one is made
 * for that moment; where it has one, its settings name the helper.
 */
static void *request_key(void)
{
	static const char program[] = "/sbin/request-key", settings[] = "/etc/request-key.d/wx.conf";
	char *mark, *name;
	const char *path = helper(&mark);
	/* That nobody has a key is remembered for a minute. */
	need(asprintf(&name, "wx:%ld:%d", (long)time(NULL), (int)getpid()) > 0, "asprintf");
	const int is_missing = access(program, F_OK) != 0;
	const char *made = is_missing ? program : settings;
	const int descriptor = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (descriptor >= 0) {
		dprintf(descriptor, is_missing ? "#!/bin/sh\n: >%s\n" : "create user wx:* * %s\n", is_missing ? mark : path);
		close(descriptor);
	}
	const int64_t key = syscall(SYS_request_key, "user", name, "callout", 0);
	const int error = errno;
	if (descriptor >= 0)
		unlink(made);
	if (key < 0 && (error == EPERM || descriptor < 0)) {
		unlink(path);
		errno = error;
		return NULL;
	}
	return came(path, mark);
}

/* A core file holds memory as it was, and can be mapped like any other. */
static void *core_file(void)
{
	char path[64], pattern[256] = "";
	const int descriptor = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	if (descriptor < 0 || read(descriptor, pattern, sizeof pattern - 1) < 0 || chdir(own_folder()) != 0)
		return NULL;
	unsigned char *page = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	write_payload(page);
	const pid_t child = fork();
	if (child == 0) {
		const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
		setrlimit(RLIMIT_CORE, &all);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	snprintf(path, sizeof path, "core.%d", (int)child);
	int core = open(path, O_RDONLY | O_CLOEXEC);
	if (core < 0)
		core = open("core", O_RDONLY | O_CLOEXEC);
	if (core < 0)
		return NULL;
	struct stat found;
	need(fstat(core, &found) == 0, "fstat");
	unlink(path);
	unlink("core");
	for (off_t at = 0; at < found.st_size; at += PAGE_SIZE) {
		unsigned char bytes[6], wanted[6];
		write_payload(wanted);
		if (pread(core, bytes, sizeof bytes, at) != sizeof bytes || memcmp(bytes, wanted, sizeof bytes) != 0)
			continue;
		void *mapped = mmap(NULL, PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, core, at);
		return mapped == MAP_FAILED ? NULL : mapped;
	}
	outcome_elsewhere = "UNCHANGED";
	return NULL;
}

VARIANTS({"core_pattern", core_pattern}, {"modprobe", modprobe}, {"uevent_helper", hotplug},
	 {"release_agent", release_agent}, {"binfmt_misc", binary_format}, {"request_key", request_key}, {"core-file", core_file})
