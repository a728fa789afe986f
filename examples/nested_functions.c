/*
 * Nested functions as GCC 14 compiles them with -ftrampoline-impl=heap, written out in C and run by any compiler: it is
 * shown that the two functions of gcc_heap_trampolines.c are all that such a program needs.
 *
 *     cc -I TRAMPFD/include -pthread -o nested_functions nested_functions.c gcc_heap_trampolines.c
 *     trampfd run -- ./nested_functions                         (TRAMPFD is the folder of this package)
 *
 * What the compiler does with a nested function is done by hand here: the variables of the function around it that it
 * uses become a structure, the frame; the nested function is an ordinary one that finds the frame in the register of
 * the static chain; and a pointer to it is created where the function around it begins, and deleted wherever that ends.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __gcc_nested_func_ptr_created(void *chain, void *function, void *pointer);
void __gcc_nested_func_ptr_deleted(void);

/*
 * The entry of a nested function of two arguments: the frame is in the register of the static chain, where C has no word
 * for it, and becomes a third argument of NAME.
 */
#if defined(__x86_64__)
#define NESTED(name) \
	__asm__(".pushsection .text\n" \
		#name "_entry:\n" \
		"endbr64\n" \
		"movq %r10, %rdx\n" \
		"jmp " #name "\n" \
		".popsection"); \
	extern char name##_entry[]
#elif defined(__i386__)
#define NESTED(name) \
	__asm__(".pushsection .text\n" \
		#name "_entry:\n" \
		"endbr32\n" \
		"pushl %ecx\n" \
		"pushl 12(%esp)\n" \
		"pushl 12(%esp)\n" \
		"call " #name "\n" \
		"addl $12, %esp\n" \
		"ret\n" \
		".popsection"); \
	extern char name##_entry[]
#else
#error "trampfd serves programs on x86-64 and i386"
#endif
#define OF_NESTED __attribute__((used, visibility("hidden")))

static void delete_pointer(void *pointer)
{
	(void)pointer;
	__gcc_nested_func_ptr_deleted();
}

/* A pointer to a nested function, for as long as the block lasts: however that is left, the pointer is deleted. */
#define NESTED_POINTER(type, variable, name, frame) \
	__attribute__((cleanup(delete_pointer))) type variable; \
	__gcc_nested_func_ptr_created(frame, name##_entry, &variable)

static void require(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "nested_functions: %s\n", what);
		exit(1);
	}
}

/*
 * void sort_by(int *numbers, size_t count, int sign)
 * {
 *         int compared = 0;
 *         int compare(const void *a, const void *b)
 *         {
 *                 compared++;
 *                 return sign * (*(const int *)a - *(const int *)b);
 *         }
 *         qsort(numbers, count, sizeof *numbers, compare);
 *         printf(...);
 * }
 */
struct sort_frame {
	int sign, compared;
};

OF_NESTED int compare(const void *a, const void *b, struct sort_frame *frame);
NESTED(compare);
int compare(const void *a, const void *b, struct sort_frame *frame)
{
	frame->compared++;
	return frame->sign * (*(const int *)a - *(const int *)b);
}

static void sort_by(int *numbers, size_t count, int sign)
{
	struct sort_frame frame = { sign, 0 };
	NESTED_POINTER(__compar_fn_t, pointer, compare, &frame);

	qsort(numbers, count, sizeof *numbers, pointer);
	require(frame.compared > 0, "qsort compared nothing");
	for (size_t index = 0; index < count; index++)
		printf("%d%c", numbers[index], index + 1 < count ? ' ' : '\n');
}

/*
 * int man_or_boy(int k, getter x1, x2, x3, x4, x5)
 * {
 *         int b(void) { return man_or_boy(--k, b, x1, x2, x3, x4); }
 *         return k <= 0 ? x4() + x5() : b();
 * }
 *
 * Knuth's test whether a compiler gives each call its own frame; -67 for 10. The pointers of frames deep below are called
 * from above, and there are more of them at a time than a table has trampolines.
 */
typedef int getter(const void *, const void *);

struct man_frame {
	int k;
	getter *x1, *x2, *x3, *x4, *b;
};

static int deep, deepest;

static int man_or_boy(int k, getter *x1, getter *x2, getter *x3, getter *x4, getter *x5);

OF_NESTED int b(const void *, const void *, struct man_frame *frame);
NESTED(b);
int b(const void *unused, const void *unused_too, struct man_frame *frame)
{
	(void)unused, (void)unused_too;
	return man_or_boy(--frame->k, frame->b, frame->x1, frame->x2, frame->x3, frame->x4);
}

static int man_or_boy(int k, getter *x1, getter *x2, getter *x3, getter *x4, getter *x5)
{
	struct man_frame frame = { k, x1, x2, x3, x4, NULL };
	int result;
	NESTED_POINTER(getter *, pointer, b, &frame);

	frame.b = pointer;
	deepest = ++deep > deepest ? deep : deepest;
	result = k <= 0 ? x4(NULL, NULL) + x5(NULL, NULL) : pointer(NULL, NULL);
	deep--;
	return result;
}

static int one(const void *a, const void *b)
{
	(void)a, (void)b;
	return 1;
}

static int minus_one(const void *a, const void *b)
{
	(void)a, (void)b;
	return -1;
}

static int zero(const void *a, const void *b)
{
	(void)a, (void)b;
	return 0;
}

/* Each thread counts in a frame of its own, as deep as told, and back: no thread's trampolines are another's. */
struct count_frame {
	uintptr_t thread;
	long depth, called;
};

OF_NESTED int count(const void *thread, const void *depth, struct count_frame *frame);
NESTED(count);
int count(const void *thread, const void *depth, struct count_frame *frame)
{
	require((uintptr_t)thread == frame->thread && (uintptr_t)depth == (uintptr_t)frame->depth, "another's frame came");
	frame->called++;
	return 0;
}

static void descend(uintptr_t thread, long depth)
{
	struct count_frame frame = { thread, depth, 0 };
	NESTED_POINTER(getter *, pointer, count, &frame);

	pointer((const void *)thread, (const void *)depth);
	if (depth > 0)
		descend(thread, depth - 1);
	pointer((const void *)thread, (const void *)depth);
	require(frame.called == 2, "a call did not arrive");
}

enum { THREADS = 4, DESCENTS = 20, DEPTH = 400 };

static void *descend_often(void *thread)
{
	for (int descent = 0; descent < DESCENTS; descent++)
		descend((uintptr_t)thread, DEPTH);
	return NULL;
}

int main(void)
{
	int numbers[] = { 3, 1, 2 };
	pthread_t threads[THREADS];

	sort_by(numbers, 3, 1);
	sort_by(numbers, 3, -1);

	printf("man or boy: %d\n", man_or_boy(10, one, minus_one, minus_one, one, zero));
	require(deepest > 146, "the recursion was not deep enough for a second table, on i386");

	for (uintptr_t thread = 0; thread < THREADS; thread++)
		require(pthread_create(&threads[thread], NULL, descend_often, (void *)thread) == 0, "no thread");
	for (int thread = 0; thread < THREADS; thread++)
		require(pthread_join(threads[thread], NULL) == 0, "a thread did not end");
	printf("%d threads, each %d times %d frames deep\n", THREADS, DESCENTS, DEPTH);
	return 0;
}
