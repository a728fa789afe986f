/*
 * trampfd() where no supervisor answers: ENOSYS, whatever the pointer is, also when its lower half is the number of an
 * open pidfd, for which the kernel's own call 440 (process_madvise) succeeds. The same for trampfd_create_user(),
 * whatever descriptor 0 is. Then both under seccomp filters that answer the call: the errnos of trampfd pass, all others
 * are ENOSYS.
 */
#define _GNU_SOURCE
#include <trampfd.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../conformance/tap.h"

/*
 * A number for a pidfd, and the address of writable memory whose lower 32 bits are that number. A 32-bit pointer is all
 * lower half, and the wrapper lets only those above 65535 through: there the number must be as high, which needs a hard
 * limit that not every machine has.
 */
#define COLLIDING_FD (sizeof(void *) == 8 ? 64 : 0xf0040)
#define COLLIDING_ADDRESS ((uintptr_t)COLLIDING_FD + (sizeof(void *) == 8 ? (uintptr_t)1 << 46 : 0))

static void says_enosys(struct trampfd_info *info, const char *what)
{
	errno = 0;
	int fd = trampfd(info);
	ok(fd == -1 && errno == ENOSYS, "%s: %d, %s", what, fd, strerrorname_np(errno));
}

static void pointers_of_every_kind(void)
{
	struct trampfd_info on_stack;
	struct trampfd_info *on_heap = malloc(sizeof *on_heap);
	static struct trampfd_info constant_data;

	says_enosys(&on_stack, "a pointer to the stack");
	says_enosys(on_heap, "a pointer to the heap");
	says_enosys(&constant_data, "a pointer to static data");
	says_enosys(NULL, "NULL");
	says_enosys((struct trampfd_info *)1, "1");
	says_enosys((struct trampfd_info *)65535, "65535");
	says_enosys((struct trampfd_info *)65536, "65536");
	says_enosys((struct trampfd_info *)UINTPTR_MAX, "the highest address");
	says_enosys((struct trampfd_info *)(UINTPTR_MAX / 2), "the middle of the address space");
	for (int fd = -10003; fd <= -9999; fd++)
		says_enosys((struct trampfd_info *)(uintptr_t)fd, "a pidfd that means oneself");
	free(on_heap);
}

static void pointers_of_many_values(void)
{
	int wrong = 0;
	uintptr_t address = 1;

	for (int i = 0; i < 100000; i++) {
		address = address * (uintptr_t)6364136223846793005u + 1442695041u;
		errno = 0;
		if (trampfd((struct trampfd_info *)address) != -1 || errno != ENOSYS)
			wrong++;
	}
	ok(wrong == 0, "100000 pointers: %d not ENOSYS", wrong);
}

static void pointer_that_is_a_pidfd(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= (rlim_t)COLLIDING_FD) {
		struct rlimit higher = { COLLIDING_FD + 1, limit.rlim_max > (rlim_t)COLLIDING_FD ? limit.rlim_max : COLLIDING_FD + 1 };
		if (setrlimit(RLIMIT_NOFILE, &higher) != 0) {
			printf("# this process can have no descriptor of number %#x, so no pointer can be one\n", COLLIDING_FD);
			return;
		}
	}

	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ok(pidfd >= 0 && dup2(pidfd, COLLIDING_FD) == COLLIDING_FD, "a pidfd has the number %#x", COLLIDING_FD);
	void *page = (void *)(COLLIDING_ADDRESS & ~(uintptr_t)4095);
	ok(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page,
	   "memory at an address that ends in this number");

	struct trampfd_info *info = (struct trampfd_info *)COLLIDING_ADDRESS;
	memset(info, 0x55, sizeof *info);
	long bare = syscall(SYS_trampfd, info, NULL, 0, MADV_COLD, 0);
	ok(bare == 0, "process_madvise takes the pointer for the pidfd and succeeds: %ld, %s", bare, strerror(errno));
	says_enosys(info, "trampfd() with the same pointer");
	ok(info->ntrampolines == 0x55555555, "the memory is untouched");
}

static void user_says_enosys(const char *what)
{
	errno = 0;
	int fd = trampfd_create_user();
	ok(fd == -1 && errno == ENOSYS, "a trampoline of version 1, %s: %d, %s", what, fd, strerrorname_np(errno));
}

static void descriptor_0_of_every_kind(void)
{
	struct trampfd_user user = { 0, 0 };
	int saved = dup(STDIN_FILENO);
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	user_says_enosys("standard input as it is");
	close(STDIN_FILENO);
	user_says_enosys("descriptor 0 closed");
	ok(pidfd >= 0 && dup2(pidfd, STDIN_FILENO) == STDIN_FILENO, "a pidfd is descriptor 0");
	long bare = syscall(SYS_trampfd, 0, &user, 0, MADV_COLD, 0);
	ok(bare == 0, "process_madvise takes the type for the pidfd and succeeds: %ld, %s", bare, strerror(errno));
	user_says_enosys("descriptor 0 a pidfd");
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(pidfd);
}

/* Stands for an info that asks for a trampoline of version 1, which has none. */
#define VERSION_1 ((struct trampfd_info *)2)

/*
 * In a child: answers call 440 with an errno, then asks for a table, or a trampoline of version 1; the exit status is
 * the errno that came out.
 */
static int answered_with(int number, struct trampfd_info *info)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_trampfd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
			_exit(255);
		_exit((info == VERSION_1 ? trampfd_create_user() : trampfd(info)) == -1 ? errno : 254);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

static void answers(void)
{
	static const int own[] = { EFAULT, EMFILE, ENOMEM, EOPNOTSUPP };
	static const int others[] = { EPERM, EACCES, EINVAL, ENOSYS, EBADF, ESRCH, EAGAIN };
	struct trampfd_info info;

	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		int got = answered_with(own[i], &info);
		ok(got == own[i], "an answer %s: %s", strerrorname_np(own[i]), strerrorname_np(got));
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		int got = answered_with(others[i], &info);
		ok(got == ENOSYS, "an answer %s: %s", strerrorname_np(others[i]), strerrorname_np(got));
	}
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		/* The address that version 1 passes is always good. */
		int expected = own[i] == EFAULT ? ENOSYS : own[i];
		int got = answered_with(own[i], VERSION_1);
		ok(got == expected, "version 1, an answer %s: %s", strerrorname_np(own[i]), strerrorname_np(got));
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		int got = answered_with(others[i], VERSION_1);
		ok(got == ENOSYS, "version 1, an answer %s: %s", strerrorname_np(others[i]), strerrorname_np(got));
	}
	int got = answered_with(EFAULT, NULL);
	ok(got == EINVAL, "NULL, and somebody answers: %s", strerrorname_np(got));
	got = answered_with(EFAULT, (struct trampfd_info *)65535);
	ok(got == EFAULT, "65535, and somebody answers: %s", strerrorname_np(got));
}

int main(void)
{
	pointers_of_every_kind();
	pointers_of_many_values();
	pointer_that_is_a_pidfd();
	descriptor_0_of_every_kind();
	answers();
	return done();
}
