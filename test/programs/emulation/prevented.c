/*
 * A process that keeps the supervisor from making it call the kernel, and its parent, which then asks for memory itself.
 *
 * usage: prevented HOW; prints what became of the one, and what the other got.
 *   gone, gone-32        the instruction of its own call is unmapped meanwhile, after each of many waits
 *   dispatched, -threads it has syscall user dispatch on while it calls trampolines, in one thread or several
 *   code32, local        32-bit code of a 64-bit process calls a trampoline, in a segment of its own as well
 *   blocked32            the same with SIGSEGV blocked, and a handler
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define OWN (MAP_PRIVATE | MAP_ANONYMOUS)

static char *code;
static volatile int goes;
static int waits;

__attribute__((aligned(PAGE), naked, used, section(".text.entering"))) static void entering(void)
{
	__asm__("syscall; ret; .balign 2048; int $0x80; ret; .balign 4096");
}

static char *copy(void)
{
	char line[512], path[256];
	unsigned long start, end, offset;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &start, &end, &offset, path) == 4 &&
		    (unsigned long)entering >= start && (unsigned long)entering < end)
			break;
	}
	fclose(maps);
	FILE *file = fopen("/proc/self/exe", "r");
	char *at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE, fileno(file),
			(long)(offset + ((unsigned long)entering - start)));
	fclose(file);
	return at;
}

static void *unmapper(void *unused)
{
	while (!goes)
		;
	for (int times = 0; times < waits; times++)
		__asm__ volatile("pause");
	munmap(code, PAGE);
	return unused;
}

static void gone(int is_32)
{
	pthread_t thread;
	long result;
	register long flags __asm__("r10") = OWN;
	register long descriptor __asm__("r8") = -1;
	register long offset __asm__("r9") = 0;
	/* It is traced already. */
	mmap(NULL, PAGE, RWX, OWN, -1, 0);
	code = copy();
	unsigned *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, OWN | MAP_32BIT, -1, 0);
	unsigned given[] = {0, PAGE, PROT_READ, OWN, -1u, 0};
	memcpy(words, given, sizeof given);
	pthread_create(&thread, NULL, unmapper, NULL);
	usleep(1000);
	goes = 1;
	if (is_32)
		__asm__ volatile("call *%1" : "=a"(result) : "r"(code + 2048), "a"(90L), "b"(words)
				 : "rcx", "r8", "r9", "r10", "r11", "memory");
	else
		__asm__ volatile("call *%1" : "=a"(result) : "r"(code), "a"(9L), "D"(0L), "S"((long)PAGE), "d"((long)RWX),
				 "r"(flags), "r"(descriptor), "r"(offset) : "rcx", "r11", "memory");
	_exit(0);
}

static _Thread_local volatile char selector;
static volatile int called;

static int target(void)
{
	return __atomic_add_fetch(&called, 1, __ATOMIC_RELAXED);
}

/* Where the kernel still turned calls into signals behind the supervisor's, and none before. */
static volatile sig_atomic_t signals;
static void dispatched(int signal)
{
	(void)signal;
	selector = 0;
	signals++;
}

static void *calling(void *unused)
{
	unsigned char bytes[24] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xff, 0xe3, 0x90};
	void *function = (void *)(uintptr_t)target;
	char *page = mmap(NULL, PAGE, RWX, OWN, -1, 0);
	memcpy(bytes + 2, &function, 8);
	memcpy(page, bytes, sizeof bytes);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) != 0)
		return NULL;
	selector = 1;
	for (int times = 0; times < 600; times++)
		((int (*)(void))(uintptr_t)page)();
	int before = signals;
	getppid();
	selector = 0;
	if (signals == before)
		_exit(3);
	return unused;
}

static void dispatch(int threads)
{
	pthread_t thread[8];
	signal(SIGSYS, dispatched);
	for (int index = 0; index < threads; index++)
		pthread_create(&thread[index], NULL, calling, NULL);
	for (int index = 0; index < threads; index++)
		pthread_join(thread[index], NULL);
	_exit(called == 600 * threads ? 0 : 4);
}

extern char code32[], enter32[], target32[];
static struct {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed)) far32 __attribute__((used));
static uint32_t trampoline32 __attribute__((used)), got32 __attribute__((used));
__asm__(".text\n.code32\ncode32: movl $stack32, %esp\n movl trampoline32, %eax\n call *%eax\n movl %ecx, got32\n"
	" ljmp $0x33, $back64\ntarget32: ret\n.code64\n"
	"enter32: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; mov %rsp, saved\n"
	" mov $0x2b, %eax; mov %eax, %ds; mov %eax, %es\n ljmp *far32\n"
	"back64: mov saved, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".bss\n.align 16\nsaved: .quad 0\n.skip 8192\nstack32: .skip 64\n.text\n");

static void handler(int signal)
{
	(void)signal;
	_exit(5);
}

static void run32(int is_local, int is_blocked)
{
	unsigned char *page = mmap((void *)0x20000000, PAGE, RWX, OWN | MAP_FIXED, -1, 0);
	uint32_t at = 0x20000000, value = 0x1234;
	int32_t distance = (int32_t)((uint32_t)(uintptr_t)target32 - (at + 10));
	far32.offset = (uint32_t)(uintptr_t)code32;
	far32.selector = 0x23;
	if (is_local) {
		struct user_desc segment = {.limit = 0xfffff, .seg_32bit = 1, .contents = MODIFY_LDT_CONTENTS_CODE, .limit_in_pages = 1};
		syscall(SYS_modify_ldt, 1, &segment, sizeof segment);
		far32.selector = 7;
	}
	/* movl $0x1234, %ecx; jmp target32 */
	page[0] = 0xb9;
	memcpy(page + 1, &value, 4);
	page[5] = 0xe9;
	memcpy(page + 6, &distance, 4);
	trampoline32 = at;
	struct sigaction now, action = {.sa_handler = handler};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	if (is_blocked) {
		sigaction(SIGSEGV, &action, NULL);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
	for (int times = 0; times < 5; times++)
		((void (*)(void))(uintptr_t)enter32)();
	sigaction(SIGSEGV, NULL, &now);
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (is_blocked && (now.sa_handler != handler || !sigismember(&set, SIGSEGV)))
		_exit(6);
	_exit(got32 == value ? 0 : 7);
}

static double seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words)
{
	const char *how = count > 1 ? words[1] : "";
	int status = 0, is_gone = strncmp(how, "gone", 4) == 0;
	double longest = 0;
	for (int times = 0; times < (is_gone ? 40 : 1); times++) {
		waits = times * times * 60;
		pid_t child = fork();
		if (child == 0) {
			if (is_gone)
				gone(strcmp(how, "gone-32") == 0);
			else if (strncmp(how, "dispatched", 10) == 0)
				dispatch(how[10] == '\0' ? 1 : 8);
			else
				run32(strcmp(how, "local") == 0, strcmp(how, "blocked32") == 0);
		}
		double before = seconds();
		void *page = mmap(NULL, PAGE, RWX, OWN, -1, 0);
		waitpid(child, &status, 0);
		if (page == MAP_FAILED)
			printf("refused\n");
		if (seconds() - before > longest)
			longest = seconds() - before;
		/* One whose code is gone may fail of that, and of nothing else. */
		if (is_gone && (!WIFSIGNALED(status) || WTERMSIG(status) == SIGSEGV))
			status = 0;
	}
	printf("status %x\n", status);
	fprintf(stderr, "%.3f s\n", longest);
	return 0;
}
