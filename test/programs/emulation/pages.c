/*
 * Trampolines in pages that hold nothing else, at one address: as the output of GCC 14 has them on the heap, by functions
 * with the names of those of its library; and of the other forms, in pages of the program's own. Prints what is the same
 * in every run.
 *
 *   pages storm N      makes, calls and deletes them, N times, some deep in others
 *   pages threads N    the same in four threads; all of them call some of one page, which is written to meanwhile
 *   pages forks N      the same in children, grandchildren and their parents, with a thread that never rests
 *   pages signals N    the same, in a handler too that interrupts it anywhere
 *   pages reuse N      one place is used for one function and another in turn
 *   pages unmapped     pages are unmapped, and others are mapped in their place
 *   pages protected    pages are protected in other ways, and made executable again
 *   pages forms        every form, each called until it runs by itself
 *   pages half         one is half written; pages forged: one leads to data
 *   pages maps         what /proc/self/maps says when some were called
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define IN_A_PAGE (PAGE_SIZE / sizeof(struct trampoline))

typedef long function_t(long value);

struct __attribute__((packed)) trampoline {
	uint8_t landing_pad[4], load_function[2];
	void *function;
	uint8_t load_chain[2];
	void *chain;
	uint8_t jump[4];
};

static const struct trampoline form = {
	.landing_pad = { 0xf3, 0x0f, 0x1e, 0xfa },
	.load_function = { 0x49, 0xbb },
	.load_chain = { 0x49, 0xba },
	.jump = { 0x41, 0xff, 0xe3, 0x90 },
};

/* value + chain, and value * chain; both leave alone what a caller may count on. */
__attribute__((naked)) static void add(void)
{
	__asm__("leaq (%rdi,%r10), %rax\n\tret");
}

__attribute__((naked)) static void multiply(void)
{
	__asm__("movq %rdi, %rax\n\timulq %r10, %rax\n\tret");
}

static void need(int holds, const char *what)
{
	if (holds)
		return;
	printf("no %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_Exit(99);
}

/* A page holds nothing but code; what is known of it stands elsewhere. */
struct page {
	struct page *before;
	struct trampoline *code;
	size_t used;
};

static __thread struct page *newest;

void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer);
void __gcc_nested_func_ptr_deleted(void);

/* In three steps, as the library does it: the bytes, the function, the chain. */
__attribute__((noinline)) void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer)
{
	if (newest == NULL || newest->used == IN_A_PAGE) {
		struct page *page = malloc(sizeof *page);
		need(page != NULL, "memory");
		page->code = mmap(NULL, PAGE_SIZE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(page->code != MAP_FAILED, "executable memory");
		page->before = newest;
		page->used = 0;
		newest = page;
	}
	volatile struct trampoline *trampoline = &newest->code[newest->used++];
	memcpy((void *)trampoline, &form, sizeof form);
	trampoline->function = function;
	trampoline->chain = chain;
	memcpy(pointer, &trampoline, sizeof trampoline);
}

/* The last page stays, as in the library: the next function finds what the last one has left. */
void __gcc_nested_func_ptr_deleted(void)
{
	if (--newest->used > 0 || newest->before == NULL)
		return;
	struct page *empty = newest;
	newest = empty->before;
	munmap(empty->code, PAGE_SIZE);
	free(empty);
}

static function_t *created(void (*function)(void), long chain)
{
	function_t *pointer;

	__gcc_nested_func_ptr_created((void *)chain, (void *)function, &pointer);
	return pointer;
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Makes one, calls it some times, may make others meanwhile, and calls it again; the number of wrong results. */
static long nest(uint32_t *state, int depth)
{
	long chain = (long)(next(state) % 1000), wrong = 0;
	int multiplies = next(state) % 2, calls = next(state) % 8;
	function_t *function = created(multiplies ? multiply : add, chain);

	for (long n = 0; n < calls; n++)
		wrong += function(n) != (multiplies ? n * chain : n + chain);
	if (depth > 0 && next(state) % 3 > 0)
		wrong += nest(state, depth - 1);
	wrong += function(5) != (multiplies ? 5 * chain : 5 + chain);
	__gcc_nested_func_ptr_deleted();
	return wrong;
}

static long storm(uint32_t seed, long times)
{
	uint32_t state = seed * 2654435761u + 1;
	long wrong = 0;

	for (long n = 0; n < times; n++)
		wrong += nest(&state, (int)(next(&state) % 16));
	return wrong;
}

/* More than a page of them, one in the other. */
static long deep(int depth)
{
	function_t *function = created(add, depth);
	long wrong = function(1) != 1 + depth;

	if (depth > 0)
		wrong += deep(depth - 1);
	wrong += function(2) != 2 + depth;
	wrong += function(3) != 3 + depth;
	__gcc_nested_func_ptr_deleted();
	return wrong;
}

#define SHARED 20
static function_t *shared[SHARED];
static atomic_int done;

static void *call_shared(void *argument)
{
	long wrong = 0, seed = (long)argument;

	for (long n = seed; !atomic_load(&done); n++)
		wrong += shared[n % SHARED](n) != (n % SHARED % 2 ? n * (n % SHARED) : n + n % SHARED);
	return (void *)wrong;
}

static void *run_storm(void *argument)
{
	return (void *)storm((uint32_t)((long)argument >> 32), (long)argument & 0xffffffff);
}

static void make_shared(void)
{
	for (long n = 0; n < SHARED; n++)
		shared[n] = created(n % 2 ? multiply : add, n);
}

static void threads(long times)
{
	pthread_t callers[2], makers[4];
	void *wrong;

	make_shared();
	for (long n = 0; n < 2; n++)
		need(pthread_create(&callers[n], NULL, call_shared, (void *)n) == 0, "thread");
	for (long n = 0; n < 4; n++)
		need(pthread_create(&makers[n], NULL, run_storm, (void *)(n << 32 | times)) == 0, "thread");
	/* These are in the page that the others call. */
	printf("wrong here: %ld\n", storm(9, times));
	for (long n = 0; n < 4; n++) {
		pthread_join(makers[n], &wrong);
		printf("wrong there: %ld\n", (long)wrong);
	}
	atomic_store(&done, 1);
	for (long n = 0; n < 2; n++) {
		pthread_join(callers[n], &wrong);
		printf("wrong in what is shared: %ld\n", (long)wrong);
	}
}

static void expect(pid_t child, const char *what)
{
	int status;

	need(child > 0 && waitpid(child, &status, 0) == child, "child");
	if (status != 0)
		printf("%s: status %#x\n", what, status);
}

static long call_all(void)
{
	long wrong = 0;

	for (long n = 0; n < SHARED; n++)
		wrong += shared[n](n + 1) != (n % 2 ? (n + 1) * n : n + 1 + n);
	return wrong;
}

static void forks(long times)
{
	pthread_t caller;
	void *wrong;

	make_shared();
	call_all();
	need(pthread_create(&caller, NULL, call_shared, NULL) == 0, "thread");
	for (long n = 0; n < times; n++) {
		call_all();
		pid_t child = fork();
		if (child == 0) {
			long faults = call_all() + storm((uint32_t)n, 3) + call_all();
			pid_t grandchild = fork();
			if (grandchild == 0)
				_Exit(call_all() + storm((uint32_t)n + 1, 3) + call_all() != 0);
			faults += storm((uint32_t)n + 2, 3) + call_all();
			expect(grandchild, "grandchild");
			_Exit(faults != 0);
		}
		if (storm((uint32_t)n + 3, 2) + call_all() != 0)
			printf("wrong in the parent\n");
		expect(child, "child");
	}
	atomic_store(&done, 1);
	pthread_join(caller, &wrong);
	printf("wrong in the thread: %ld\n", (long)wrong);
}

static volatile long wrong_in_handler, interruptions;

static void interrupt(int signal)
{
	static uint32_t state = 77;

	(void)signal;
	interruptions++;
	wrong_in_handler += nest(&state, 2);
}

static void signals(long times)
{
	struct itimerval often = { { 0, 700 }, { 0, 700 } };
	long wrong = 0;

	make_shared();
	signal(SIGALRM, interrupt);
	need(setitimer(ITIMER_REAL, &often, NULL) == 0, "timer");
	/* All that they make is in the page that is called here. */
	while (interruptions < times)
		wrong += call_all();
	memset(&often, 0, sizeof often);
	setitimer(ITIMER_REAL, &often, NULL);
	printf("wrong: %ld, in the handler: %ld\n", wrong, wrong_in_handler);
}

static void reuse(long times)
{
	long wrong = 0;

	for (long n = 0; n < times; n++) {
		function_t *function = created(n % 2 ? add : multiply, n);
		for (long value = 0; value < 4; value++)
			wrong += function(value) != (n % 2 ? value + n : value * n);
		__gcc_nested_func_ptr_deleted();
	}
	printf("wrong: %ld\n", wrong);
}

static long often(function_t *function, int times)
{
	long sum = 0;

	for (int n = 0; n < times; n++)
		sum += function(n);
	return sum;
}

/* Enough for any page. */
#define OFTEN 600

static unsigned char *executable(void *place, int flags)
{
	void *page = mmap(place, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	need(page != MAP_FAILED, "executable memory");
	return page;
}

static function_t *written(void *place, void (*function)(void), long chain)
{
	struct trampoline one = form;

	one.function = (void *)function;
	one.chain = (void *)chain;
	memcpy(place, &one, sizeof one);
	return (function_t *)place;
}

static void unmapped(void)
{
	for (int n = 0; n < 40; n++) {
		unsigned char *page = executable(NULL, 0);
		printf("called: %ld\n", often(written(page, add, n), OFTEN));
		if (n % 4 == 0)
			munmap(page, PAGE_SIZE);
		/* Memory without X in its place stays as the program writes it. */
		unsigned char *plain = mmap(page, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		need(plain == page, "memory");
		memset(plain, n, PAGE_SIZE);
		printf("plain: %d\n", plain[100] == n && plain[PAGE_SIZE - 1] == n);
		page = executable(page, MAP_FIXED);
		printf("empty: %d\n", page[0] == 0 && page[PAGE_SIZE - 1] == 0);
		printf("called: %ld\n", often(written(page + 28, multiply, n), OFTEN));
		munmap(page, PAGE_SIZE);
	}
}

static void protected(void)
{
	unsigned char *page = executable(NULL, 0);
	function_t *function = written(page, add, 3);

	printf("called: %ld\n", often(function, OFTEN));
	printf("protected: %d\n", mprotect(page, PAGE_SIZE, PROT_READ | PROT_EXEC));
	printf("same: %d\n", memcmp(page, &form, 6) == 0);
	printf("called: %ld\n", often(function, OFTEN));
	printf("protected: %d\n", mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE));
	written(page, multiply, 4);
	printf("protected: %d\n", mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	printf("called: %ld\n", often(function, OFTEN));
	unsigned char *other = executable(NULL, 0);
	function = written(other, add, 5);
	printf("called: %ld\n", often(function, OFTEN));
	printf("protected: %d\n", mprotect(other, PAGE_SIZE, PROT_READ));
	pid_t child = fork();
	if (child == 0) {
		/* It may not write there, whatever stands there. */
		other[0] = 1;
		_Exit(0);
	}
	int status;
	need(waitpid(child, &status, 0) == child, "child");
	printf("a write: signal %d\n", WTERMSIG(status));
	printf("protected: %d\n", mprotect(other, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	printf("called: %ld\n", often(function, OFTEN));
}

static void forms(void)
{
	static const struct {
		const char *name;
		uint8_t code[32];
		int function_at, function_size, chain_at, length;
	} all[] = {
		{ "heap", { 0x49, 0xbb, [10] = 0x49, 0xba, [20] = 0x41, 0xff, 0xe3, 0x90 }, 2, 8, 12, 24 },
		{ "heap, landing pad", { 0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xbb, [14] = 0x49, 0xba, [24] = 0x41, 0xff, 0xe3, 0x90 }, 6, 8, 16, 28 },
		{ "stack", { 0x49, 0xbb, [10] = 0x49, 0xba, [20] = 0x49, 0xff, 0xe3, 0x90 }, 2, 8, 12, 24 },
		{ "stack, landing pad", { 0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xbb, [14] = 0x49, 0xba, [24] = 0x49, 0xff, 0xe3, 0x90 }, 6, 8, 16, 28 },
		{ "stack, low function", { 0x41, 0xbb, [6] = 0x49, 0xba, [16] = 0x49, 0xff, 0xe3, 0x90 }, 2, 4, 8, 20 },
		{ "stack, low function, landing pad", { 0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb, [10] = 0x49, 0xba, [20] = 0x49, 0xff, 0xe3, 0x90 }, 6, 4, 12, 24 },
		{ "LLVM's", { 0x49, 0xbb, [10] = 0x49, 0xba, [20] = 0x49, 0xff, 0xe3 }, 2, 8, 12, 23 },
	};
	unsigned char *mixed = executable(NULL, 0);
	int at = 0;

	for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
		unsigned char *page = executable(NULL, 0);
		/* In a page of its own, in one with the others, and in the last bytes of a page. */
		for (int place = 0; place < 3; place++) {
			unsigned char *code = place == 0 ? page + 33 : place == 1 ? mixed + at : page + PAGE_SIZE - all[n].length;
			void *function = (void *)(place == 1 ? multiply : add);
			long chain = -5 - (long)n;
			memcpy(code, all[n].code, (size_t)all[n].length);
			memcpy(code + all[n].function_at, &function, (size_t)all[n].function_size);
			memcpy(code + all[n].chain_at, &chain, sizeof chain);
			printf("%s: %ld\n", all[n].name, often((function_t *)code, OFTEN));
			at += place == 1 ? all[n].length : 0;
		}
		page[0] = 1;
		printf("%s, beside data: %ld\n", all[n].name, often((function_t *)(page + 33), OFTEN));
	}
	/* The flags of all of them, one after the other, in one page. */
	for (size_t n = 0, place = 0; n < sizeof all / sizeof *all; place += (size_t)all[n++].length)
		printf("%s, in turn: %ld\n", all[n].name, often((function_t *)(mixed + place), 3));
}

static void half(void)
{
	function_t *function = created(add, 1);

	printf("called: %ld\n", often(function, OFTEN));
	fflush(stdout);
	/* The second half of another. */
	memset((unsigned char *)function + 14, 0x90, 2);
	printf("not reached: %ld\n", function(1));
}

static long data = 1;

static void forged(void)
{
	function_t *function = created(add, 1);
	void *nowhere = &data;

	printf("called: %ld\n", often(function, OFTEN));
	fflush(stdout);
	memcpy((unsigned char *)function + 6, &nowhere, sizeof nowhere);
	printf("not reached: %ld\n", function(1));
}

static void maps(void)
{
	char line[512];
	FILE *file = fopen("/proc/self/maps", "r");

	need(file != NULL, "mappings");
	for (long n = 0; n < 5; n++)
		often(written(executable(NULL, 0), add, n), OFTEN);
	make_shared();
	call_all();
	call_all();
	while (fgets(line, sizeof line, file))
		fputs(line, stdout);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long times = argc > 2 ? atol(argv[2]) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "storm") == 0)
		printf("wrong: %ld, deep: %ld\n", storm(1, times), deep(400) + deep(400));
	else if (strcmp(what, "threads") == 0)
		threads(times);
	else if (strcmp(what, "forks") == 0)
		forks(times);
	else if (strcmp(what, "signals") == 0)
		signals(times);
	else if (strcmp(what, "reuse") == 0)
		reuse(times);
	else if (strcmp(what, "unmapped") == 0)
		unmapped();
	else if (strcmp(what, "protected") == 0)
		protected();
	else if (strcmp(what, "forms") == 0)
		forms();
	else if (strcmp(what, "half") == 0)
		half();
	else if (strcmp(what, "forged") == 0)
		forged();
	else if (strcmp(what, "maps") == 0)
		maps();
	else
		return 2;
	return 0;
}
