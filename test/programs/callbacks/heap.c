/*
 * Nested functions' trampolines on the heap: what the output of GCC 14 with -ftrampoline-impl=heap does, by two functions
 * with the names and the bytes of the two that its library has. Each thread has pages of code of its own, and takes and
 * gives trampolines back in the order of a stack.
 *
 * With CALLBACKS_WAIT in the environment it waits while they live: look.h.
 */
#define _GNU_SOURCE
#include "look.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT 200
#define THREADS 8
#define DEPTH 400

/* endbr64; movabs $function, %r11; movabs $chain, %r10; jmp *%r11 with a prefix that says nothing; nop */
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

/* A page holds nothing but code; what is known of it stands elsewhere. */
struct page {
	struct page *before;
	struct trampoline *code;
	size_t used;
};

static __thread struct page *newest;

void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer);
void __gcc_nested_func_ptr_deleted(void);

void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (newest == NULL || newest->used == size / sizeof form) {
		struct page *page = malloc(sizeof *page);
		if (page == NULL)
			abort();
		page->code = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page->code == MAP_FAILED)
			abort();
		page->before = newest;
		page->used = 0;
		newest = page;
	}
	struct trampoline *trampoline = &newest->code[newest->used++], filled = form;
	filled.function = function;
	filled.chain = chain;
	memcpy(trampoline, &filled, sizeof filled);
	__builtin___clear_cache((char *)trampoline, (char *)(trampoline + 1));
	memcpy(pointer, &trampoline, sizeof trampoline);
}

void __gcc_nested_func_ptr_deleted(void)
{
	if (--newest->used > 0)
		return;
	struct page *empty = newest;
	newest = empty->before;
	munmap(empty->code, (size_t)sysconf(_SC_PAGESIZE));
	free(empty);
}

/* What a nested function finds by its chain. */
struct frame {
	int middle;
	long calls;
};

__attribute__((used)) static int compare(const void *a, const void *b, struct frame *frame)
{
	int one = *(const int *)a, other = *(const int *)b;
	int far = abs(one - frame->middle) - abs(other - frame->middle);

	frame->calls++;
	return far != 0 ? far : one - other;
}

/* The chain comes in a register that no ordinary argument does. */
__attribute__((naked)) static void nested_compare(void)
{
	__asm__("movq %r10, %rdx\n\tjmp compare");
}

__attribute__((used)) static long add(long value, struct frame *frame)
{
	return value + frame->middle;
}

__attribute__((naked)) static void nested_add(void)
{
	__asm__("movq %r10, %rsi\n\tjmp add");
}

static void nearest(int middle, int *numbers)
{
	struct frame frame = { .middle = middle };
	int (*function)(const void *, const void *);

	for (int n = 0; n < COUNT; n++)
		numbers[n] = n * 7919 % 1009;
	__gcc_nested_func_ptr_created(&frame, nested_compare, &function);
	qsort(numbers, COUNT, sizeof *numbers, function);
	__gcc_nested_func_ptr_deleted();
	if (frame.calls < COUNT)
		exit(2);
}

static void show_nearest(int middle)
{
	int numbers[COUNT];

	nearest(middle, numbers);
	printf("near %d: %d %d %d %d\n", middle, numbers[0], numbers[1], numbers[2], numbers[3]);
}

/* A trampoline for each depth, on several pages, and all are called in the deepest. */
static long deeper(int depth, long (**functions)(long), void (*at_the_end)(void))
{
	struct frame frame = { .middle = depth };
	long value = 0;

	__gcc_nested_func_ptr_created(&frame, nested_add, &functions[depth]);
	if (depth + 1 < DEPTH) {
		value = deeper(depth + 1, functions, at_the_end);
	} else {
		for (int round = 0; round < 3; round++)
			for (int n = 0; n < DEPTH; n++)
				value = functions[n](value);
		at_the_end();
	}
	value = functions[depth](value);
	__gcc_nested_func_ptr_deleted();
	return value;
}

static void nothing(void)
{
}

static void *work(void *argument)
{
	long (*functions[DEPTH])(long), *result = argument, factor = *result;
	int numbers[COUNT];

	nearest((int)factor * 100, numbers);
	*result = numbers[0] + deeper(0, functions, nothing) * factor;
	return NULL;
}

static void in_threads(void)
{
	pthread_t threads[THREADS];
	long results[THREADS];

	for (long n = 0; n < THREADS; n++) {
		results[n] = n + 1;
		if (pthread_create(&threads[n], NULL, work, &results[n]) != 0)
			exit(3);
	}
	printf("threads:");
	for (int n = 0; n < THREADS; n++) {
		pthread_join(threads[n], NULL);
		printf(" %ld", results[n]);
	}
	puts("");
}

int main(void)
{
	long (*functions[DEPTH])(long);

	for (int middle = 0; middle < 1000; middle += 50)
		show_nearest(middle);
	in_threads();
	printf("deep: %ld\n", deeper(0, functions, wait_to_be_looked_at));
	for (int middle = 25; middle < 1000; middle += 50)
		show_nearest(middle);
	in_threads();
	return 30;
}
