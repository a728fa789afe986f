/*
 * A page, a file or code that another process delivers: after some milliseconds, or never, where these are 0; and the calls
 * by which a supervisor comes to read or write it.
 */
#ifndef SERVED_H
#define SERVED_H

#define _GNU_SOURCE
#include "../belong.h"
#include "../emulation/trampoline.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <trampfd.h>
#include <unistd.h>

/* What the page holds when it is delivered. */
static _Alignas(PAGE_SIZE) unsigned char content[PAGE_SIZE];
static unsigned char *served;
static int milliseconds;

static void wait_a_while(void)
{
	if (milliseconds == 0)
		pause();
	usleep((useconds_t)milliseconds * 1000);
}

static int faults;
/* Whether whoever else closes the file waits for ever. */
static int never_flushes;

static void *deliver(void *nothing)
{
	struct uffd_msg message;
	while (read(faults, &message, sizeof message) == sizeof message) {
		wait_a_while();
		struct uffdio_copy copy = {.dst = (uintptr_t)served, .src = (uintptr_t)content, .len = PAGE_SIZE};
		ioctl(faults, UFFDIO_COPY, &copy);
	}
	return nothing;
}

/* Has the page at `served`, which nothing was written to, be delivered by a thread of this process. */
static void serve_by_thread(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.range = {(uintptr_t)served, PAGE_SIZE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t thread;
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	need(faults >= 0, "userfaultfd");
	need(ioctl(faults, UFFDIO_API, &api) == 0, "interface of userfaultfd");
	need(ioctl(faults, UFFDIO_REGISTER, &range) == 0, "range of userfaultfd");
	need(pthread_create(&thread, NULL, deliver, NULL) == 0, "thread");
}

static void answer(int device, uint64_t unique, int error, const void *body, size_t size)
{
	static unsigned char buffer[2 * PAGE_SIZE];
	struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = error, .unique = unique};
	memcpy(buffer, &header, sizeof header);
	if (size > 0)
		memcpy(buffer + sizeof header, body, size);
	if (write(device, buffer, header.len) < 0 && errno != ENOENT)
		perror("answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .size = PAGE_SIZE, .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0777, .nlink = 1};
}

/* Serves a folder with one file, of one page, as long as its parent lives. */
static void serve(int device)
{
	static _Alignas(8) char request[1 << 17];
	while (read(device, request, sizeof request) >= (ssize_t)sizeof(struct fuse_in_header)) {
		const struct fuse_in_header *in = (const void *)request;
		switch (in->opcode) {
		case FUSE_INIT: {
			const struct fuse_init_out out = {
				.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = PAGE_SIZE};
			answer(device, in->unique, 0, &out, sizeof out);
			break;
		}
		case FUSE_LOOKUP: {
			const struct fuse_entry_out out = {.nodeid = 2, .entry_valid = 60, .attr_valid = 60, .attr = attributes(2)};
			answer(device, in->unique, 0, &out, sizeof out);
			break;
		}
		case FUSE_GETATTR: {
			const struct fuse_attr_out out = {.attr_valid = 60, .attr = attributes(in->nodeid)};
			answer(device, in->unique, 0, &out, sizeof out);
			break;
		}
		case FUSE_OPEN:
		case FUSE_OPENDIR: {
			const struct fuse_open_out out = {0};
			answer(device, in->unique, 0, &out, sizeof out);
			break;
		}
		case FUSE_READ:
			if (milliseconds == 0)
				break;
			wait_a_while();
			answer(device, in->unique, 0, content, PAGE_SIZE);
			break;
		case FUSE_WRITE: {
			const struct fuse_write_out out = {.size = PAGE_SIZE};
			answer(device, in->unique, 0, &out, sizeof out);
			break;
		}
		case FUSE_FLUSH:
			/* Of its own process a file can be closed, so that it ends. */
			if (never_flushes && syscall(SYS_tgkill, getppid(), in->pid, 0) != 0)
				break;
			/* fallthrough */
		case FUSE_RELEASE:
		case FUSE_RELEASEDIR:
			answer(device, in->unique, 0, NULL, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			answer(device, in->unique, -ENOSYS, NULL, 0);
		}
	}
	_exit(0);
}

static char file[64];

static void write_text(const char *path, const char *text)
{
	const int target = open(path, O_WRONLY);
	need(target >= 0 && write(target, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(target);
}

/* Mounts a file system of this user's own, whose file has the page; the file's path is in `file`. */
static void mount_file(void)
{
	static char folder[] = "/tmp/trampfd-served-XXXXXX";
	char text[64];
	const unsigned user = getuid(), group = getgid();
	need(mkdtemp(folder) != NULL, "folder");
	need(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "namespaces");
	write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof text, "0 %u 1", user);
	write_text("/proc/self/uid_map", text);
	snprintf(text, sizeof text, "0 %u 1", group);
	write_text("/proc/self/gid_map", text);
	const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	need(device >= 0, "/dev/fuse");
	snprintf(text, sizeof text, "fd=%d,rootmode=40755,user_id=0,group_id=0", device);
	need(mount("served", folder, "fuse.served", MS_NODEV | MS_NOSUID, text) == 0, "file system");
	const pid_t owner = getpid();
	if (fork() == 0) {
		belong(owner);
		serve(device);
	}
	close(device);
	rmdir(folder);
	snprintf(file, sizeof file, "%s/file", folder);
}

/* Maps that page at `served`, where nothing is read before it is touched. */
static void serve_by_file(void)
{
	const int descriptor = open(file, O_RDWR);
	need(descriptor >= 0, "file");
	need(mmap(served, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0) == served, "mapping");
	need(madvise(served, PAGE_SIZE, MADV_RANDOM) == 0, "advice");
}

static int a_table(void)
{
	struct trampfd_info info;
	return trampfd(&info);
}

static long info(void)
{
	return trampfd((struct trampfd_info *)served) >= 0 ? 0 : -1;
}

static long code(void)
{
	return pwrite(a_table(), served, 16, TRAMPFD_CODE);
}

static long written(void)
{
	return write(a_table(), served, 16);
}

static long context(void)
{
	return pwrite(trampfd_create_user(), served, TRAMPFD_REGS_SIZE(1), TRAMPFD_REGS_OFFSET);
}

static long map(void)
{
	return pread(trampfd_create_user(), served, sizeof(struct trampfd_map), TRAMPFD_MAP_OFFSET);
}

static long user(void)
{
	return syscall(SYS_trampfd, 0, served, 0) >= 0 ? 0 : -1;
}

static long modem(void)
{
	return ioctl(STDIN_FILENO, TIOCMBIS, served);
}

/* The descriptor of a command is of the file. */
static long command(void)
{
	int lines = 0;
	return ioctl(open(file, O_RDONLY), TIOCMBIS, &lines);
}

static long disposition(void)
{
	/* Whoever has trampolines of its own is traced. */
	executable_memory(1);
	return syscall(SYS_rt_sigaction, SIGSEGV, served, 0, 8);
}

static long old_mmap(void)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(90L), "b"(served) : "memory", "cc", "r8", "r9", "r10", "r11");
	return (unsigned int)result < 0xfffff000U ? 0 : result;
}

static long execution(void)
{
	const pid_t self = getpid(), child = vfork();
	if (child == 0) {
		belong(self);
		execl((const char *)served, "true", NULL);
		_exit(errno);
	}
	int status = -1;
	waitpid(child, &status, 0);
	return status;
}

static long execution_of_file(void)
{
	const pid_t self = getpid(), child = vfork();
	if (child == 0) {
		belong(self);
		execl(file, file, NULL);
		_exit(errno == ENOEXEC ? 0 : errno);
	}
	int status = -1;
	waitpid(child, &status, 0);
	return status;
}

static long trampoline(void)
{
	return ((function_t *)served)(3);
}

/* Does something with the stack pointer in the served page. */
static long stack(void)
{
	function_t *function = place_trampoline(executable_memory(1), enter_add, 5);
	long result = 3;
	/* It jumps, for to call is to write; what it returns to stands in the page when that is delivered. */
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rax, content+2048(%%rip)\n\t"
			 "leaq 2048(%2), %%rsp\n\t"
			 "jmp *%1\n"
			 "1:\tmovq %%rbx, %%rsp"
			 : "+D"(result)
			 : "r"(function), "r"(served)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return 0;
}

static long request(void)
{
	long result = SYS_mmap;
	register long flags __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS;
	register long none __asm__("r8") = -1;
	register long offset __asm__("r9") = 0;
	__asm__ volatile("movq %%rsp, %%rbx\n\tleaq 2048(%5), %%rsp\n\tsyscall\n\tmovq %%rbx, %%rsp"
			 : "+a"(result)
			 : "D"(0L), "S"((long)PAGE_SIZE), "d"(7L), "r"(flags), "r"(served), "r"(none), "r"(offset)
			 : "rbx", "rcx", "r11", "memory", "cc");
	return result > 0 ? 0 : result;
}

static const struct call {
	const char *name;
	long (*make)(void);
} calls[] = {
	{"info", info},
	{"code", code},
	{"written", written},
	{"context", context},
	{"map", map},
	{"user", user},
	{"modem", modem},
	{"command", command},
	{"disposition", disposition},
	{"old-mmap", old_mmap},
	{"execution", execution},
	{"execution-of-file", execution_of_file},
	{"trampoline", trampoline},
	{"stack", stack},
	{"request", request},
};

static void prepare(const char *name)
{
	/* As old_mmap reads it: length, protection, flags, no descriptor. */
	static const uint32_t words[6] = {0, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, UINT32_MAX, 0};
	static uintptr_t slot[1];
	const struct trampfd_code structure = {.ntrampolines = 1, .reg = x64_r11, .table = (uintptr_t)slot};
	if (strcmp(name, "code") == 0 || strcmp(name, "written") == 0)
		memcpy(content, &structure, sizeof structure);
	else if (strcmp(name, "context") == 0) {
		struct trampfd_regs *regs = (struct trampfd_regs *)content;
		regs->nregs = 1;
		regs->regs[0] = (struct trampfd_reg){trampfd_user_x64_rip, 0, (uintptr_t)prepare};
	} else if (strcmp(name, "user") == 0)
		content[0] = 0;
	else if (strcmp(name, "old-mmap") == 0)
		memcpy(content, words, sizeof words);
	else if (strcmp(name, "execution") == 0)
		strcpy((char *)content, "/bin/true");
	else if (strcmp(name, "trampoline") == 0)
		form_trampoline(content, served, enter_add, 5);
}

/* The call that is made. */
static const struct call *wanted;

#endif
