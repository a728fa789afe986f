/*
 * Threads that are made to call the kernel from outside (linux/injected_calls.ts), each in another situation.
 *
 * usage: injected SITUATION; prints the id of the thread that is meant, then does what the situation is. A line on standard
 * input has it go on; at the end it prints what came of it.
 */
#define _GNU_SOURCE
#include "../belong.h"
#include <asm/ldt.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
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
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif

static volatile int go_on, is_wrong;
static volatile sig_atomic_t last_code;
/* Several threads may handle at once. */
static atomic_int handled;
static volatile char selector;

/* Where a handler was not taken away, this status says so. */
static void leave(int signal)
{
	(void)signal;
	_exit(7);
}

static void count(int signal, siginfo_t *information, void *context)
{
	(void)signal;
	(void)context;
	handled++;
	last_code = information->si_code;
	selector = 0;
}

static void on(int signal)
{
	struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_NODEFER};
	sigaction(signal, &action, NULL);
}

static void ready(void)
{
	char line[32];
	int length = snprintf(line, sizeof line, "%d\n", gettid());
	if (write(1, line, length) != length)
		_exit(99);
}

/* Waits for a line. */
static void told(void)
{
	char byte = 0;
	while (byte != '\n')
		if (read(0, &byte, 1) != 1 && errno != EINTR)
			_exit(98);
}

static void *listener(void *unused)
{
	(void)unused;
	told();
	go_on = 1;
	return NULL;
}

static void listen_aside(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, listener, NULL);
}

/* Runs with a value in every register that a call has, and looks whether they stay. */
static void spin(void)
{
	while (!go_on) {
		uint64_t wrong;
		__asm__ volatile("mov $0x11111111, %%rdi; mov $0x22222222, %%rsi; mov $0x33333333, %%rdx; mov $0x44444444, %%r10;"
				 "mov $0x55555555, %%r8; mov $0x66666666, %%r9; mov $0x77777777, %%rcx; mov $0x88888, %%r11;"
				 "mov $100000, %%rax; std; 1: dec %%rax; jnz 1b; pushfq; popq %%rax; cld;"
				 "and $0x400, %%rax; xor $0x400, %%rax; mov %%rax, %0;"
				 "xor $0x11111111, %%rdi; or %%rdi, %0; xor $0x22222222, %%rsi; or %%rsi, %0;"
				 "xor $0x33333333, %%rdx; or %%rdx, %0; xor $0x44444444, %%r10; or %%r10, %0;"
				 "xor $0x55555555, %%r8; or %%r8, %0; xor $0x66666666, %%r9; or %%r9, %0;"
				 "xor $0x77777777, %%rcx; or %%rcx, %0; xor $0x88888, %%r11; or %%r11, %0"
				 : "=&b"(wrong)
				 :
				 : "rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "rcx", "r11", "cc", "memory");
		if (wrong != 0)
			is_wrong = 1;
	}
}

/* A page with `syscall; ret` that can be taken away, as memory of this file. */
__attribute__((aligned(PAGE), naked, used, section(".text.entering"))) static void entering(void)
{
	__asm__("syscall; ret; .balign 4096");
}
__attribute__((aligned(PAGE), naked, used, section(".text.looping"))) static void looping(void)
{
	__asm__("1: jmp 1b; .balign 4096");
}
__attribute__((aligned(PAGE), naked, used, section(".text.other"))) static void other(void)
{
	/* The instruction is where it was, and enters the kernel; what comes before it is another call. */
	__asm__("mov $39, %eax; syscall; ret; .balign 4096");
}

static char *copy_of(void (*code)(void), void *at)
{
	char line[512], path[256];
	unsigned long start, end, offset;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &start, &end, &offset, path) == 4 &&
		    (unsigned long)code >= start && (unsigned long)code < end)
			break;
	}
	fclose(maps);
	FILE *file = fopen("/proc/self/exe", "r");
	void *copy = mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | (at == NULL ? 0 : MAP_FIXED), fileno(file),
			  (long)(offset + ((unsigned long)code - start)));
	fclose(file);
	return copy == MAP_FAILED ? NULL : copy;
}

static long read_by(char *code)
{
	long result;
	char byte;
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	__asm__ volatile("call *%1" : "=a"(result) : "r"(code), "a"(0L), "D"((long)ends[0]), "S"(&byte), "d"(1L) : "rcx", "r11", "memory");
	return result;
}

static char *taken;
static void (*put)(void);

static void *taker(void *unused)
{
	(void)unused;
	told();
	if (put == NULL)
		munmap(taken, PAGE);
	else
		copy_of(put, taken);
	puts("taken");
	fflush(stdout);
	return NULL;
}

static void *vdso(void)
{
	return (void *)getauxval(AT_SYSINFO_EHDR);
}

static void *mover(void *unused)
{
	char *to = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	told();
	if (mremap(vdso(), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		_exit(94);
	puts("taken");
	return listener(unused);
}

static void filter(const char *what)
{
	unsigned action = strcmp(what, "errno") == 0   ? SECCOMP_RET_ERRNO | ENOTTY
			  : strcmp(what, "trap") == 0  ? SECCOMP_RET_TRAP
			  : strcmp(what, "kill") == 0  ? SECCOMP_RET_KILL_THREAD
			  : strcmp(what, "trace") == 0 ? SECCOMP_RET_TRACE
						       : SECCOMP_RET_KILL_PROCESS;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_personality, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(97);
}

/* 32-bit code of this 64-bit program: spins until go_on is set; its segment is that of 32-bit programs, or one of its own. */
extern char code32[], enter32[];
struct {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed)) far32 __attribute__((used));
static uint32_t kept32 __attribute__((used));
__asm__(".text\n.code32\ncode32: mov $0x12345678, %ecx\n mov $0x23456789, %ebx\n1: cmpl $0, go_on\n je 1b\n"
	" xor $0x12345678, %ecx\n xor $0x23456789, %ebx\n or %ebx, %ecx\n mov %ecx, kept32\n ljmp $0x33, $back64\n"
	".code64\nenter32: push %rbx; push %rbp; mov %rsp, saved\n mov $0x2b, %eax; mov %eax, %ds; mov %eax, %es\n ljmp *far32\n"
	"back64: mov saved, %rsp; pop %rbp; pop %rbx; ret\n.bss\nsaved: .quad 0\n.text\n");

static void run32(int is_local, uint32_t base)
{
	far32.offset = (uint32_t)(uintptr_t)code32 - base;
	far32.selector = 0x23;
	if (is_local) {
		struct user_desc segment = {.base_addr = base, .limit = 0xfffff, .seg_32bit = 1,
					    .contents = MODIFY_LDT_CONTENTS_CODE, .limit_in_pages = 1};
		if (syscall(SYS_modify_ldt, 1, &segment, sizeof segment) != 0)
			_exit(96);
		far32.selector = 7;
	}
	((void (*)(void))(uintptr_t)enter32)();
	if (kept32 != 0)
		is_wrong = 1;
}

static void *executing(void *unused)
{
	(void)unused;
	told();
	execl("/bin/true", "true", NULL);
	return NULL;
}

static atomic_int *sent;
static void *sender(void *process)
{
	for (int times = 0; !go_on; times++) {
		union sigval value = {.sival_int = times};
		if (sigqueue(*(int *)process, SIGRTMIN + 2, value) == 0)
			(*sent)++;
		usleep(50);
	}
	return NULL;
}

int main(int count_of_words, char **words)
{
	const char *what = count_of_words > 1 ? words[1] : "";
	pthread_t thread;
	setvbuf(stdout, NULL, _IOLBF, 0);
	on(SIGSEGV);
	on(SIGSYS);
	if (strcmp(what, "spin") == 0) {
		on(SIGUSR1);
		listen_aside();
		ready();
		spin();
	} else if (strcmp(what, "queue") == 0) {
		static atomic_int all;
		int process = getpid();
		sent = &all;
		on(SIGRTMIN + 2);
		listen_aside();
		pthread_create(&thread, NULL, sender, &process);
		ready();
		spin();
		pthread_join(thread, NULL);
		/* All that was sent to the process has been handled by one of its threads. */
		for (int times = 0; times < 200 && all != handled; times++)
			usleep(10000);
		if (all != handled)
			is_wrong = 2, fprintf(stdout, "sent %d ", (int)all);
	} else if (strcmp(what, "sleep") == 0) {
		struct timespec time = {2, 0}, left = {0, 0};
		ready();
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left) != 0)
			is_wrong = 1;
	} else if (strcmp(what, "taken") == 0 || strcmp(what, "taken-without") == 0 || strcmp(what, "looping") == 0 ||
		   strcmp(what, "other") == 0) {
		static char stack[65536];
		stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
		sigaltstack(&alternative, NULL);
		put = strcmp(what, "looping") == 0 ? looping : strcmp(what, "other") == 0 ? other : NULL;
		taken = copy_of(entering, NULL);
		if (strcmp(what, "taken-without") == 0)
			munmap(vdso(), 2 * PAGE);
		pthread_create(&thread, NULL, taker, NULL);
		signal(SIGSEGV, leave);
		ready();
		read_by(taken);
	} else if (strcmp(what, "moved") == 0) {
		pthread_create(&thread, NULL, mover, NULL);
		ready();
		spin();
	} else if (strcmp(what, "dispatch") == 0 || strcmp(what, "dispatch-inside") == 0 ||
		   strcmp(what, "dispatch-blocked") == 0) {
		listen_aside();
		long result = strcmp(what, "dispatch-inside") == 0
				      ? prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_INCLUSIVE_ON, PAGE, 1L << 46, &selector)
				      : prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector);
		if (result != 0) {
			puts("none");
			return 0;
		}
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGSYS);
		ready();
		if (strcmp(what, "dispatch-blocked") == 0)
			sigprocmask(SIG_BLOCK, &set, NULL);
		selector = 1;
		spin();
		if (strcmp(what, "dispatch-blocked") == 0) {
			selector = 0;
			sigprocmask(SIG_UNBLOCK, &set, NULL);
			selector = 1;
		}
		/* It is on as before: a call is turned into a signal. */
		getppid();
		selector = 0;
	} else if (strncmp(what, "filter-", 7) == 0) {
		listen_aside();
		filter(what + 7);
		ready();
		spin();
	} else if (strcmp(what, "traps") == 0) {
		on(SIGTRAP);
		listen_aside();
		ready();
		while (!go_on)
			__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop; pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
		handled = 0;
	} else if (strcmp(what, "code32") == 0 || strcmp(what, "local") == 0 || strcmp(what, "based") == 0) {
		listen_aside();
		ready();
		run32(strcmp(what, "code32") != 0, strcmp(what, "based") == 0 ? 0x1000 : 0);
	} else if (strcmp(what, "executes") == 0) {
		pthread_create(&thread, NULL, executing, NULL);
		ready();
		spin();
	} else if (strcmp(what, "parent") == 0) {
		const pid_t self = getpid();
		if (fork() == 0) {
			belong(self);
			pause();
		}
		listen_aside();
		ready();
		spin();
	} else {
		return 95;
	}
	printf("wrong %d handled %d code %d\n", is_wrong, (int)handled, (int)last_code);
	return 0;
}
