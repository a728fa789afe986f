/*
 * Makes descriptors of many kinds, and becomes a program that inherits them.
 *
 * usage: inherit KIND=NUMBER ... -- PROGRAM [ARGUMENT ...]
 *
 * What this kernel or this user cannot have is named on standard error (`KIND: ENOENT`), and its number stays closed. Files
 * are made in the working folder.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <pty.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Constants of calls that the headers of some systems do not have. */
enum { FSCONFIG_CREATE = 6, TREE_CLONE = 1, FAMILY_XDP = 44 };

static int new_file(const char *name, int flags)
{
	const int made = open(name, O_RDWR | O_CREAT, 0777);
	if (made < 0 || ftruncate(made, 4096) != 0)
		err(2, "%s", name);
	close(made);
	return open(name, flags);
}

static int file(void) { return new_file("file", O_RDWR); }
static int file_path(void) { return new_file("file-path", O_PATH); }
static int folder(void) { return open(".", O_RDONLY | O_DIRECTORY); }
static int folder_path(void) { return open(".", O_PATH); }
static int link_path(void)
{
	unlink("link");
	return symlink("/", "link") == 0 ? open("link", O_PATH | O_NOFOLLOW) : -1;
}
static int unlinked(void)
{
	const int descriptor = new_file("unlinked", O_RDWR);
	unlink("unlinked");
	return descriptor;
}
static int unlinked_reading(void)
{
	const int descriptor = new_file("reading", O_RDONLY);
	unlink("reading");
	return descriptor;
}
static int unnamed(void) { return open(".", O_TMPFILE | O_RDWR, 0777); }
static int memory_file(void)
{
	const int descriptor = memfd_create("inherited", 0);
	return ftruncate(descriptor, 4096) == 0 ? descriptor : -1;
}
static int memory_file_reading(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory_file());
	return open(path, O_RDONLY);
}
static int memory_file_huge(void) { return memfd_create("huge", MFD_HUGETLB); }
static int secret(void) { return (int)syscall(SYS_memfd_secret, 0); }
static int own_memory(void) { return open("/proc/self/mem", O_RDWR); }
static int kernel_setting(void) { return open("/proc/self/oom_score_adj", O_RDWR); }
static int processes(void) { return open("/proc", O_RDONLY | O_DIRECTORY); }
static int devices(void) { return open("/dev", O_RDONLY | O_DIRECTORY); }

static int null(void) { return open("/dev/null", O_RDWR); }
static int zero(void) { return open("/dev/zero", O_RDWR); }
static int zero_reading(void) { return open("/dev/zero", O_RDONLY); }
static int zero_path(void) { return open("/dev/zero", O_PATH); }
static int full(void) { return open("/dev/full", O_RDWR); }
static int random_device(void) { return open("/dev/random", O_RDWR); }
static int urandom(void) { return open("/dev/urandom", O_RDONLY); }
/* The same device by a node of another name, as in a container. */
static int zero_elsewhere(void)
{
	unlink("zero");
	return mknod("zero", S_IFCHR | 0666, 0x105) == 0 ? open("zero", O_RDWR) : -1;
}
static int null_removed(void)
{
	unlink("null");
	const int descriptor = mknod("null", S_IFCHR | 0666, 0x103) == 0 ? open("null", O_RDWR) : -1;
	unlink("null");
	return descriptor;
}
static int kvm(void) { return open("/dev/kvm", O_RDWR); }
static int fuse(void) { return open("/dev/fuse", O_RDWR); }
static int tun(void) { return open("/dev/net/tun", O_RDWR); }
static int disk(void)
{
	unlink("disk");
	return mknod("disk", S_IFBLK | 0600, 0x700) == 0 ? open("disk", O_PATH) : -1;
}
static int terminal_end(int wanted)
{
	int ends[2];
	return openpty(&ends[0], &ends[1], NULL, NULL, NULL) == 0 ? ends[wanted] : -1;
}
static int terminal(void) { return terminal_end(1); }
static int terminal_master(void) { return terminal_end(0); }
static int terminal_hung_up(void)
{
	int ends[2];
	if (openpty(&ends[0], &ends[1], NULL, NULL, NULL) != 0)
		return -1;
	close(ends[0]);
	return ends[1];
}

static int pipe_end(void)
{
	int ends[2];
	return pipe(ends) == 0 ? ends[0] : -1;
}
static int named_pipe(void)
{
	unlink("pipe");
	return mkfifo("pipe", 0600) == 0 ? open("pipe", O_RDWR) : -1;
}
static int named_pipe_path(void)
{
	unlink("pipe-path");
	return mkfifo("pipe-path", 0600) == 0 ? open("pipe-path", O_PATH) : -1;
}

/* Sends `length` bytes, and a descriptor where one is given. */
static void send_along(int socket, size_t length, int descriptor)
{
	static char data[1 << 21];
	char control[CMSG_SPACE(sizeof descriptor)] = {0};
	struct iovec vector = {data, length};
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

/* A socket whose other end stays open in the program, at a high number. */
static int pair(int type, int *other)
{
	int ends[2];
	if (socketpair(AF_UNIX, type, 0, ends) != 0)
		err(2, "socketpair");
	*other = ends[1];
	return ends[0];
}
static int holding(int type, int descriptor)
{
	int other;
	if (descriptor < 0)
		return -1;
	const int socket = pair(type, &other);
	send_along(other, 1, descriptor);
	return socket;
}

static int socket_stream(void)
{
	int other;
	const int end = pair(SOCK_STREAM, &other);
	send_along(other, 5, -1);
	return end;
}
static int socket_at_its_end(void)
{
	int other;
	const int end = pair(SOCK_STREAM, &other);
	send_along(other, 5, -1);
	close(other);
	return end;
}
static int queue_pipe(void) { return holding(SOCK_STREAM, pipe_end()); }
static int queue_null(void) { return holding(SOCK_DGRAM, null()); }
static int queue_file(void) { return holding(SOCK_STREAM, file()); }
static int queue_path(void) { return holding(SOCK_STREAM, file_path()); }
static int queue_folder(void) { return holding(SOCK_SEQPACKET, folder()); }
static int queue_memory_file(void) { return holding(SOCK_DGRAM, memory_file()); }
static int queue_zero(void) { return holding(SOCK_STREAM, zero()); }
static int queue_object(void) { return holding(SOCK_STREAM, (int)syscall(SYS_userfaultfd, 1)); }
static int queue_in_queue(void) { return holding(SOCK_STREAM, queue_file()); }
static int queue_deep(void) { return holding(SOCK_DGRAM, holding(SOCK_SEQPACKET, queue_in_queue())); }
static int queue_pipe_in_queue(void) { return holding(SOCK_DGRAM, queue_pipe()); }
/* Both ends, each in the other's queue. */
static int queue_of_itself(void)
{
	int other;
	const int end = pair(SOCK_DGRAM, &other);
	send_along(other, 1, end);
	send_along(end, 1, other);
	send_along(other, 1, other);
	return end;
}
static int queue_in_circle(void)
{
	int other;
	const int end = queue_of_itself(), holder = pair(SOCK_DGRAM, &other);
	send_along(other, 1, end);
	send_along(other, 1, file());
	return holder;
}
static int queue_behind_others(void)
{
	int other;
	const int end = pair(SOCK_SEQPACKET, &other);
	for (int count = 0; count < 5; count++)
		send_along(other, 1, count == 4 ? file() : pipe_end());
	return end;
}
static int queue_behind_empty(void)
{
	int other;
	const int end = pair(SOCK_DGRAM, &other);
	send_along(other, 0, -1);
	send_along(other, 0, pipe_end());
	send_along(other, 0, file());
	return end;
}
static int queue_behind_long(void)
{
	int other;
	const int end = pair(SOCK_STREAM, &other);
	send_along(other, 100000, pipe_end());
	send_along(other, 1, file());
	return end;
}
/* A message without data that was looked at before is passed over by who looks at all. */
static int queue_looked_at(void)
{
	int other;
	const int end = pair(SOCK_DGRAM, &other);
	send_along(other, 0, file());
	send_along(other, 1, -1);
	char byte;
	recv(end, &byte, 1, MSG_PEEK);
	return end;
}
static int listening(void)
{
	const int socket_made = socket(AF_UNIX, SOCK_STREAM, 0);
	const struct sockaddr_un address = {.sun_family = AF_UNIX};
	return bind(socket_made, (const struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(socket_made, 5) == 0 ? socket_made : -1;
}
static int queue_listening(void) { return holding(SOCK_STREAM, listening()); }
static int socket_path(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	unlink("socket");
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address) == 0 ? open("socket", O_PATH) : -1;
}
static int tcp(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int tcp_listening(void)
{
	const int made = tcp();
	return listen(made, 5) == 0 ? made : -1;
}
static int udp6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }
static int netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static int vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
static int packet(void) { return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)); }
static int xdp(void) { return socket(FAMILY_XDP, SOCK_RAW, 0); }
static int alg(void) { return socket(AF_ALG, SOCK_SEQPACKET, 0); }

static int event(void) { return eventfd(0, 0); }
static int timer(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static int signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	return signalfd(-1, &set, 0);
}
static int epoll(void)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	const int set = epoll_create1(0);
	return epoll_ctl(set, EPOLL_CTL_ADD, pipe_end(), &wanted) == 0 ? set : -1;
}
static int watches(void) { return inotify_init1(0); }
static int process(void)
{
	const int descriptor = (int)syscall(SYS_pidfd_open, getppid(), 0);
	fcntl(descriptor, F_SETFD, 0);
	return descriptor;
}
static int name_space(void) { return open("/proc/self/ns/mnt", O_RDONLY); }
static int messages(void)
{
	char name[64];
	snprintf(name, sizeof name, "/trampfd-%d", (int)getpid());
	const int queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	mq_unlink(name);
	return queue;
}
static int rules(void)
{
	const unsigned long long access = 1;
	return (int)syscall(SYS_landlock_create_ruleset, &access, sizeof access, 0);
}
static int events_of_files(void) { return fanotify_init(0, O_RDONLY); }
static int faults(void) { return (int)syscall(SYS_userfaultfd, 1); }
static int ring(void)
{
	unsigned char parameters[120] = {0};
	return (int)syscall(SYS_io_uring_setup, 4, parameters);
}
static int counter(void)
{
	struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_DUMMY, .exclude_kernel = 1};
	return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static int bpf_map(void)
{
	union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4096, .max_entries = 1, .map_flags = BPF_F_MMAPABLE};
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}
static int context(void) { return (int)syscall(SYS_fsopen, "tmpfs", 0); }
static int mount_folder(void)
{
	const int made = context();
	return made >= 0 && syscall(SYS_fsconfig, made, FSCONFIG_CREATE, NULL, NULL, 0) == 0 ? (int)syscall(SYS_fsmount, made, 0, 0) : -1;
}
static int mount_file(void) { return (int)syscall(SYS_open_tree, AT_FDCWD, "/etc/passwd", TREE_CLONE); }
static int mount_of(const char *path) { return (int)syscall(SYS_open_tree, AT_FDCWD, path, TREE_CLONE); }
static int mount_of_root(void) { return mount_of("/"); }
static int mount_of_devices(void) { return mount_of("/dev"); }
static int mount_of_processes(void) { return mount_of("/proc"); }
static int mount_of_temporary(void) { return mount_of("/tmp"); }
/* A folder that the path below the mount does not lead to. */
static int mount_within(void)
{
	const int tree = mount_of("/etc");
	return tree < 0 ? -1 : openat(tree, "alternatives", O_RDONLY | O_DIRECTORY);
}
static int kernel_log(void) { return open("/dev/kmsg", O_RDONLY | O_NONBLOCK); }
/* The listener of a child's filter, taken from the child. */
static int listener(void)
{
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	const pid_t child = fork();
	if (child == 0) {
		struct sock_filter let[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog program = {1, let};
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		const int made = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
		if (write(ends[1], &made, sizeof made) != sizeof made)
			_exit(1);
		for (;;)
			pause();
	}
	int number = -1;
	if (read(ends[0], &number, sizeof number) != sizeof number)
		err(2, "listener");
	const int taken = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, child, 0), number, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return taken;
}

static const struct kind {
	const char *name;
	int (*make)(void);
} kinds[] = {
	{"file", file}, {"file-path", file_path}, {"folder", folder}, {"folder-path", folder_path}, {"link-path", link_path},
	{"unlinked", unlinked}, {"unlinked-reading", unlinked_reading}, {"unnamed", unnamed}, {"memory-file", memory_file},
	{"memory-file-reading", memory_file_reading}, {"memory-file-huge", memory_file_huge}, {"secret", secret},
	{"own-memory", own_memory}, {"kernel-setting", kernel_setting}, {"processes", processes}, {"devices", devices},
	{"null", null}, {"zero", zero}, {"zero-reading", zero_reading}, {"zero-path", zero_path}, {"full", full},
	{"random", random_device}, {"urandom", urandom}, {"zero-elsewhere", zero_elsewhere}, {"null-removed", null_removed},
	{"kvm", kvm}, {"fuse", fuse}, {"tun", tun}, {"disk", disk}, {"terminal", terminal},
	{"terminal-master", terminal_master}, {"terminal-hung-up", terminal_hung_up}, {"pipe", pipe_end},
	{"named-pipe", named_pipe}, {"named-pipe-path", named_pipe_path}, {"socket", socket_stream},
	{"socket-at-its-end", socket_at_its_end}, {"queue-pipe", queue_pipe}, {"queue-null", queue_null},
	{"queue-file", queue_file}, {"queue-path", queue_path}, {"queue-folder", queue_folder},
	{"queue-memory-file", queue_memory_file}, {"queue-zero", queue_zero}, {"queue-object", queue_object},
	{"queue-in-queue", queue_in_queue}, {"queue-deep", queue_deep}, {"queue-pipe-in-queue", queue_pipe_in_queue},
	{"queue-of-itself", queue_of_itself}, {"queue-in-circle", queue_in_circle},
	{"queue-behind-others", queue_behind_others}, {"queue-behind-empty", queue_behind_empty},
	{"queue-behind-long", queue_behind_long}, {"queue-looked-at", queue_looked_at}, {"listening", listening},
	{"queue-listening", queue_listening}, {"socket-path", socket_path}, {"tcp", tcp}, {"tcp-listening", tcp_listening},
	{"udp6", udp6}, {"netlink", netlink}, {"vsock", vsock}, {"packet", packet}, {"xdp", xdp}, {"alg", alg},
	{"event", event}, {"timer", timer}, {"signals", signals}, {"epoll", epoll}, {"watches", watches},
	{"process", process}, {"namespace", name_space}, {"messages", messages}, {"rules", rules},
	{"events-of-files", events_of_files}, {"faults", faults}, {"ring", ring}, {"counter", counter}, {"bpf-map", bpf_map},
	{"context", context}, {"mount-folder", mount_folder}, {"mount-file", mount_file},
	{"mount-of-root", mount_of_root}, {"mount-of-devices", mount_of_devices},
	{"mount-of-processes", mount_of_processes}, {"mount-of-temporary", mount_of_temporary},
	{"mount-within", mount_within}, {"kernel-log", kernel_log}, {"listener", listener},
};

static void make(const char *name, int number)
{
	for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
		if (strcmp(kinds[index].name, name) != 0)
			continue;
		errno = 0;
		const int made = kinds[index].make();
		if (made < 0)
			fprintf(stderr, "%s: %s\n", name, strerrorname_np(errno));
		else if (dup2(made, number) < 0)
			err(2, "%s", name);
		return;
	}
	errx(2, "no kind has the name %s", name);
}

int main(int count, char **arguments)
{
	int at = 1;
	for (; at < count && strcmp(arguments[at], "--") != 0; at++) {
		char *equals = strchr(arguments[at], '=');
		if (equals == NULL)
			errx(2, "usage: inherit KIND=NUMBER ... -- PROGRAM [ARGUMENT ...]");
		*equals = 0;
		make(arguments[at], atoi(equals + 1));
		/* What was made on the way is not passed on: but for the numbers that were asked for, from 400 on. */
		close_range(3, 399, CLOSE_RANGE_CLOEXEC);
	}
	if (at + 1 >= count)
		errx(2, "no program");
	execvp(arguments[at + 1], arguments + at + 1);
	err(2, "%s", arguments[at + 1]);
}
