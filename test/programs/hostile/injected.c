/*
 * Processes that do all they can to keep the supervisor waiting while it makes them call the kernel, and an honest one
 * beside them, which asks for memory every 10 ms and notes its longest wait.
 *
 * usage: injected REQUESTS SEED; prints `busy`, and at the end how many requests were made and the longest wait.
 */
#define _GNU_SOURCE
#include "../belong.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

static struct {
	atomic_long requests, honest, longest, refused;
	atomic_int is_over;
} *all;
static long most;
static unsigned long state;
static volatile char selector;
static volatile long called;

static unsigned long chance(unsigned long below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void wait_some(void)
{
	for (unsigned long times = chance(60000); times > 0; times--)
		__asm__ volatile("pause");
}

static void *ask(void)
{
	all->requests++;
	return mmap(NULL, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | (chance(8) == 0 ? MAP_POPULATE : 0), -1, 0);
}

static int target(void)
{
	called++;
	return 0;
}

/* A trampoline of GCC's form. */
static int (*trampoline(void))(void)
{
	char *page = ask();
	if (page == MAP_FAILED)
		return NULL;
	unsigned char code[] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xff, 0xe3, 0x90};
	void *function = (void *)(uintptr_t)target;
	memcpy(code + 2, &function, 8);
	memcpy(page, code, sizeof code);
	return (int (*)(void))(uintptr_t)page;
}

static void call(int (*function)(void), int times)
{
	while (function != NULL && times-- > 0) {
		all->requests++;
		function();
	}
}

__attribute__((aligned(PAGE), naked, used, section(".text.entering"))) static void entering(void)
{
	__asm__("syscall; ret; .balign 2048; int $0x80; ret; .balign 4096");
}
__attribute__((aligned(PAGE), naked, used, section(".text.looping"))) static void looping(void)
{
	__asm__("1: jmp 1b; .balign 2048; 1: jmp 1b; .balign 4096");
}

static char *copy_of(void (*code)(void), void *at)
{
	char line[512], path[256];
	unsigned long start, end, offset;
	FILE *maps = fopen("/proc/self/maps", "r"), *file;
	if (maps == NULL)
		return NULL;
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &start, &end, &offset, path) == 4 &&
		    (unsigned long)code >= start && (unsigned long)code < end)
			break;
	}
	fclose(maps);
	file = fopen("/proc/self/exe", "r");
	/* MAP_DENYWRITE, which the kernel ignores, has it be nobody's to judge. */
	void *copy = mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE | (at == NULL ? 0 : MAP_FIXED),
			  fileno(file), (long)(offset + ((unsigned long)code - start)));
	fclose(file);
	return copy == MAP_FAILED ? NULL : copy;
}

static char *code_page;
static volatile int goes;
static int what_comes;

static void *disturb(void *unused)
{
	while (!goes)
		sched_yield();
	wait_some();
	switch (what_comes) {
	case 0:
		munmap(code_page, PAGE);
		break;
	case 1:
		copy_of(looping, code_page);
		break;
	case 2:
		kill(getpid(), SIGKILL);
		break;
	case 3:
		_exit(0);
		break;
	case 4:
		execl("/bin/true", "true", NULL);
		break;
	case 5:
		kill(getpid(), SIGSTOP);
		break;
	}
	return unused;
}

static void disturbed(int what)
{
	pthread_t thread;
	what_comes = what;
	code_page = copy_of(entering, NULL);
	if (code_page == NULL || pthread_create(&thread, NULL, disturb, NULL) != 0)
		return;
	long result;
	register long flags __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS;
	register long descriptor __asm__("r8") = -1;
	register long offset __asm__("r9") = 0;
	goes = 1;
	if (chance(3) == 0) {
		/* The old mmap of 32-bit programs, whose arguments stand in memory. */
		unsigned *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		unsigned given[] = {0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1u, 0};
		memcpy(words, given, sizeof given);
		all->requests++;
		__asm__ volatile("call *%1" : "=a"(result) : "r"(code_page + 2048), "a"(90L), "b"(words)
				 : "rcx", "r8", "r9", "r10", "r11", "memory");
		return;
	}
	for (int times = 0; times < 4; times++) {
		all->requests++;
		__asm__ volatile("call *%1" : "=a"(result) : "r"(code_page), "a"(9L), "D"(0L), "S"((long)PAGE), "d"((long)RWX),
				 "r"(flags), "r"(descriptor), "r"(offset) : "rcx", "r11", "memory");
	}
}

static void ignore(int signal)
{
	(void)signal;
	selector = 0;
}

static void timers(void)
{
	struct sigaction action = {.sa_handler = ignore, .sa_flags = chance(2) ? SA_RESTART : 0};
	struct itimerval often = {{0, 50}, {0, 50}};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int times = 0; times < 10; times++)
		ask();
	call(trampoline(), 20);
}

static void dispatched(void)
{
	int (*function)(void) = trampoline();
	signal(SIGSYS, ignore);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) != 0)
		return;
	for (int times = 0; times < 20; times++) {
		selector = 1;
		call(function, 1 + (int)chance(300));
		selector = 0;
		ask();
	}
}

static void filtered(void)
{
	static const unsigned actions[] = {SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO | ENOMEM, SECCOMP_RET_KILL_THREAD,
					   SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRACE};
	static const int numbers[] = {__NR_mmap, __NR_mremap, __NR_mprotect, __NR_rt_sigaction, __NR_close};
	int (*function)(void) = chance(2) ? trampoline() : NULL;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[chance(5)], 0, 1),
		BPF_STMT(BPF_RET | BPF_K, actions[chance(5)]),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	signal(SIGSYS, ignore);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	call(function, 200);
	for (int times = 0; times < 5; times++)
		ask();
}

static void stackless(void)
{
	int (*function)(void) = trampoline();
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	signal(SIGSEGV, ignore);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (function != NULL)
		__asm__ volatile("mov %0, %%rax; mov $0x1000, %%rsp; jmp *%%rax" : : "r"(function) : "memory");
}

static void blocked(void)
{
	int (*function)(void) = trampoline();
	sigset_t set;
	sigfillset(&set);
	signal(SIGSEGV, ignore);
	sigprocmask(SIG_BLOCK, &set, NULL);
	call(function, 40);
	if (chance(2)) {
		munmap((void *)getauxval(AT_SYSINFO_EHDR), 2 * PAGE);
		call(function, 200);
	}
}

static void *asking(void *unused)
{
	for (int times = 0; times < 10; times++) {
		void *page = ask();
		if (page != MAP_FAILED)
			munmap(page, PAGE);
	}
	return unused;
}

static void threads(void)
{
	pthread_t thread;
	for (int count = 0; count < 6; count++)
		if (pthread_create(&thread, NULL, asking, NULL) != 0)
			return;
	wait_some();
	if (chance(2))
		syscall(SYS_exit, 0);
}

static void made(void)
{
	for (int times = 0; times < 4; times++) {
		pid_t child = chance(2) ? vfork() : fork();
		if (child == 0) {
			ask();
			_exit(0);
		}
		call(trampoline(), 5);
		ptrace(PTRACE_SEIZE, child, 0, 0);
		ptrace(PTRACE_SEIZE, getppid(), 0, 0);
		waitpid(child, NULL, 0);
	}
}

static void hostile(unsigned long what, pid_t parent)
{
	belong(parent);
	if (chance(2))
		ask();
	switch (what) {
	case 0: disturbed(0); break;
	/* It costs the supervisor its patience, which is little then. */
	case 1: disturbed(chance(8) == 0 ? 1 : 0); break;
	case 2: disturbed(2); break;
	case 3: disturbed(3); break;
	case 4: disturbed(4); break;
	case 5: disturbed(5); break;
	case 6: timers(); break;
	case 7: dispatched(); break;
	case 8: filtered(); break;
	case 9: stackless(); break;
	case 10: blocked(); break;
	case 11: threads(); break;
	default: made();
	}
	_exit(0);
}

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void honest(pid_t parent)
{
	belong(parent);
	while (!all->is_over) {
		long before = now();
		void *page = mmap(NULL, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int file = memfd_create("honest", 0);
		long took = now() - before;
		if (page == MAP_FAILED || file < 0)
			all->refused++;
		else
			munmap(page, PAGE);
		close(file);
		all->honest++;
		if (took > all->longest)
			all->longest = took;
		usleep(10000);
	}
	_exit(0);
}

int main(int count, char **words)
{
	enum { AT_ONCE = 6 };
	struct {
		pid_t process;
		long until;
	} running[AT_ONCE] = {{0, 0}};
	most = count > 1 ? atol(words[1]) : 1000;
	state = (count > 2 ? strtoul(words[2], NULL, 10) : 1) * 2654435761u + 88172645463325252u;
	all = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t self = getpid(), first = fork();
	if (first == 0)
		honest(self);
	puts("busy");
	fflush(stdout);
	while (all->requests < most) {
		for (int index = 0; index < AT_ONCE; index++) {
			if (running[index].process != 0) {
				/* One that was stopped is killed: its time is up. */
				if (now() > running[index].until)
					kill(running[index].process, SIGKILL);
				if (waitpid(running[index].process, NULL, WNOHANG) == 0)
					continue;
			}
			unsigned long what = chance(13), seed = chance(1ul << 62) | 1;
			running[index].until = now() + 300000;
			running[index].process = fork();
			if (running[index].process == 0) {
				state = seed;
				hostile(what, self);
			}
		}
		usleep(500);
	}
	for (int index = 0; index < AT_ONCE; index++)
		if (running[index].process > 0) {
			kill(running[index].process, SIGKILL);
			waitpid(running[index].process, NULL, 0);
		}
	all->is_over = 1;
	waitpid(first, NULL, 0);
	printf("hostile %ld honest %ld refused %ld longest %ld ms\n", (long)all->requests, (long)all->honest,
	       (long)all->refused, (long)all->longest / 1000);
	return 0;
}
