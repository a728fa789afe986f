/*
 * What a program may do with memory that it has trampolines in, beside calling them. Prints what is the same in every run.
 *
 *   memory rewrite     writes trampolines anew, after many calls, whole or in parts: the new ones are called
 *   memory kernel      has the kernel write them, by read(2) and readv(2)
 *   memory read        reads trampolines back: the bytes are its own
 *   memory protect     has the memory writable, then executable, and the other way round, again and again
 *   memory replace     splits, unmaps and replaces the memory
 *   memory move        calls a trampoline in memory that it has moved
 *   memory shared      has the memory shared with a child
 *   memory beside      has trampolines at odd places, over the edge of a page, and data in the same page
 *   memory many        has many pages full of them, and calls each twice
 *   memory confined    gives system calls up when its trampolines are there, and calls them then
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *memory;

/* Calls it often enough to have it made fast, where that is done. */
static void warm(function_t *function)
{
	call_often(function, 10);
}

static void say(const char *what, function_t *function)
{
	printf("%s: %ld", what, function(10));
	printf(" %ld\n", function(20));
}

static void rewrite(void)
{
	function_t *function = place_trampoline(memory, enter_add, 1);
	long constant;

	say("first", function);
	warm(function);
	place_trampoline(memory, enter_multiply, 2);
	say("by memcpy", function);
	warm(function);
	constant = 3;
	memcpy(memory + CONSTANT_AT, &constant, sizeof constant);
	say("the constant alone", function);
	warm(function);
	for (int n = 0; n < 5; n++) {
		memory[CONSTANT_AT]++;
		say("one byte", function);
	}
	warm(function);
	/* While another one in the page is called. */
	function_t *other = place_trampoline(memory + TRAMPOLINE_ROOM, enter_multiply, 6);
	for (int n = 0; n < 50; n++) {
		place_trampoline(memory, n % 2 ? enter_add : enter_multiply, n);
		if (function(n) != (n % 2 ? n + n : n * n) || other(n) != 6 * n || function(n) != (n % 2 ? n + n : n * n))
			printf("wrong at %d\n", n);
	}
	say("in turn", function);
	memset(memory, 0, PAGE_SIZE);
	function = place_trampoline(memory + 5 * TRAMPOLINE_ROOM, enter_add, 7);
	say("after zeros", function);
}

static void have_written(void)
{
	function_t *function = place_trampoline(memory, enter_multiply, 3);
	unsigned char bytes[TRAMPOLINE_LENGTH];
	int pipes[2];

	warm(function);
	need(pipe(pipes) == 0, "pipe");
	form_trampoline(bytes, memory, enter_add, 4);
	need(write(pipes[1], bytes, sizeof bytes) == sizeof bytes, "bytes in a pipe");
	printf("read gives %zd\n", read(pipes[0], memory, sizeof bytes));
	say("by read", function);
	warm(function);
	form_trampoline(bytes, memory, enter_add, 5);
	need(write(pipes[1], bytes, sizeof bytes) == sizeof bytes, "bytes in a pipe");
	struct iovec parts[] = { { memory, 3 }, { memory + 3, sizeof bytes - 3 } };
	printf("readv gives %zd\n", readv(pipes[0], parts, 2));
	say("by readv", function);
	warm(function);
}

static void read_back(void)
{
	unsigned char bytes[TRAMPOLINE_LENGTH], copy[TRAMPOLINE_LENGTH];
	int pipes[2];

	need(pipe(pipes) == 0, "pipe");
	for (int n = 0; n < 20; n++) {
		function_t *function = place_trampoline(memory, enter_add, n);
		form_trampoline(bytes, memory, enter_add, n);
		for (int calls = 0; calls < 4; calls++) {
			printf("%ld", function(1));
			printf(memcmp(memory, bytes, sizeof bytes) == 0 ? " same" : " other");
			need(write(pipes[1], memory, sizeof copy) == sizeof copy, "bytes in a pipe");
			need(read(pipes[0], copy, sizeof copy) == sizeof copy, "bytes from a pipe");
			puts(memcmp(copy, bytes, sizeof bytes) == 0 ? " same" : " other");
		}
	}
	int zeros = 1;
	for (int n = TRAMPOLINE_LENGTH; n < PAGE_SIZE; n++)
		zeros &= memory[n] == 0;
	puts(zeros ? "zeros" : "no zeros");
}

static void protect(void)
{
	unsigned char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(page != MAP_FAILED, "memory");
	for (int n = 0; n < 10; n++) {
		function_t *function = place_trampoline(page, n % 3 ? enter_add : enter_multiply, n);
		printf("executable: %d\n", mprotect(page, PAGE_SIZE, PROT_READ | PROT_EXEC));
		say("called", function);
		warm(function);
		printf("writable: %d\n", mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE));
	}
	/* Heap and stack of a program that asks for them itself. */
	unsigned char *heap = aligned_alloc(PAGE_SIZE, 2 * PAGE_SIZE);
	function_t *function = place_trampoline(heap + 100, enter_add, 11);
	printf("heap: %d\n", mprotect(heap, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	say("heap", function);
	unsigned char local[2 * PAGE_SIZE], *aligned = (unsigned char *)(((uintptr_t)local + PAGE_SIZE - 1) & -(uintptr_t)PAGE_SIZE);
	function = place_trampoline(aligned + 8, enter_multiply, 12);
	printf("stack: %d\n", mprotect(aligned, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	say("stack", function);
	static unsigned char data[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	function = place_trampoline(data + 16, enter_add, 13);
	printf("data: %d\n", mprotect(data, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	say("data", function);
}

static void replace(void)
{
	unsigned char *pages = executable_memory(8);

	for (int n = 0; n < 8; n++)
		warm(place_trampoline(pages + n * PAGE_SIZE, enter_add, n));
	munmap(pages + 3 * PAGE_SIZE, PAGE_SIZE);
	say("before the hole", (function_t *)(pages + 2 * PAGE_SIZE));
	say("behind the hole", (function_t *)(pages + 4 * PAGE_SIZE));
	void *again = mmap(pages + 4 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	need(again == pages + 4 * PAGE_SIZE, "memory over other memory");
	int zeros = 1;
	for (int n = 0; n < 2 * PAGE_SIZE; n++)
		zeros &= pages[4 * PAGE_SIZE + n] == 0;
	puts(zeros ? "new memory is empty" : "new memory is not empty");
	say("in new memory", place_trampoline(pages + 4 * PAGE_SIZE, enter_multiply, 21));
	say("beside it", (function_t *)(pages + 6 * PAGE_SIZE));
	printf("given back: %d\n", madvise(pages + 6 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED));
	zeros = 1;
	for (int n = 0; n < PAGE_SIZE; n++)
		zeros &= pages[6 * PAGE_SIZE + n] == 0;
	puts(zeros ? "then it is empty" : "then it is not empty");
	say("then written anew", place_trampoline(pages + 6 * PAGE_SIZE, enter_add, 22));
	printf("all gone: %d\n", munmap(pages, 8 * PAGE_SIZE));
}

static void move(void)
{
	say("before", place_trampoline(memory, enter_add, 1));
	unsigned char *room = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *moved = mremap(memory, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	need(moved == room && moved != memory, "memory that moves");
	say("moved", place_trampoline(moved, enter_multiply, 20));
}

static void shared(void)
{
	unsigned char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	need(page != MAP_FAILED, "shared memory");
	function_t *function = place_trampoline(page, enter_add, 1);
	say("parent", function);
	warm(function);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		say("child", function);
		place_trampoline(page, enter_multiply, 2);
		say("child, another", function);
		fflush(stdout);
		_Exit(0);
	}
	need(waitpid(child, &status, 0) == child && status == 0, "child");
	say("parent has the child's", function);
}

static void beside(void)
{
	unsigned char *pages = executable_memory(3);

	for (int n = 0; n < 40; n++)
		say("odd place", place_trampoline(pages + n * 67 + 1, enter_add, n));
	for (int n = 0; n < 40; n += 7)
		say("odd place again", (function_t *)(pages + n * 67 + 1));
	for (int n = 1; n < TRAMPOLINE_LENGTH; n++) {
		function_t *function = place_trampoline(pages + 2 * PAGE_SIZE - n, enter_multiply, n);
		say("over the edge", function);
		warm(function);
	}
	/* Data beside code: counted while it is called. */
	volatile long *counter = (volatile long *)(pages + 2 * PAGE_SIZE + 512);
	function_t *function = place_trampoline(pages + 2 * PAGE_SIZE + 1024, enter_add, 5);
	for (int n = 0; n < 200; n++)
		*counter += function(n);
	printf("counted %ld\n", *counter);
	function = place_trampoline(pages + 3 * PAGE_SIZE - TRAMPOLINE_LENGTH, enter_add, 6);
	say("at the very end", function);
}

static void many(void)
{
	enum { PAGES = 64 };
	unsigned char *pages = executable_memory(PAGES);
	long sum = 0;

	for (int n = 0; n < PAGES * IN_A_PAGE; n++)
		place_trampoline(pages + n * TRAMPOLINE_ROOM, n % 2 ? enter_add : enter_multiply, n);
	for (int round = 0; round < 2; round++)
		for (int n = 0; n < PAGES * IN_A_PAGE; n++)
			sum += ((function_t *)(pages + n * TRAMPOLINE_ROOM))(round + 2);
	printf("sum %ld\n", sum);
}

/* From here on a process may write, end, and return from handlers; all else kills it. */
static void give_system_calls_up(void)
{
#define PERMIT(number) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		PERMIT(SYS_write),
		PERMIT(SYS_exit_group),
		PERMIT(SYS_rt_sigreturn),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "filter");
}

static void confined(void)
{
	unsigned char *pages = executable_memory(2);
	long sum = 0;

	/* One that was called before, others that were not. */
	for (int n = 0; n < IN_A_PAGE; n++)
		place_trampoline(pages + n * TRAMPOLINE_ROOM, enter_add, n);
	place_trampoline(pages + PAGE_SIZE, enter_multiply, 3);
	/* What is printed first may need other calls. */
	say("before", (function_t *)pages);
	give_system_calls_up();
	for (int round = 0; round < 3; round++)
		for (int n = 0; n < IN_A_PAGE; n++)
			sum += ((function_t *)(pages + n * TRAMPOLINE_ROOM))(round);
	sum += call_often((function_t *)(pages + PAGE_SIZE), 20);
	place_trampoline(pages, enter_multiply, 1000);
	sum += ((function_t *)pages)(7);
	printf("confined: %ld\n", sum);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	memory = executable_memory(1);
	if (strcmp(what, "rewrite") == 0)
		rewrite();
	else if (strcmp(what, "kernel") == 0)
		have_written();
	else if (strcmp(what, "read") == 0)
		read_back();
	else if (strcmp(what, "protect") == 0)
		protect();
	else if (strcmp(what, "replace") == 0)
		replace();
	else if (strcmp(what, "move") == 0)
		move();
	else if (strcmp(what, "shared") == 0)
		shared();
	else if (strcmp(what, "beside") == 0)
		beside();
	else if (strcmp(what, "many") == 0)
		many();
	else if (strcmp(what, "confined") == 0)
		confined();
	else
		return 2;
	return 44;
}
