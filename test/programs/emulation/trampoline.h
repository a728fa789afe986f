/*
 * Trampolines as a program writes them itself, into memory that it asks for: writable and executable. On x86-64 they are
 * those of GCC's heap, on i386 those of its stack. A function that is called through one gets an argument more, the
 * constant that the trampoline carries.
 *
 *   function_t *add = place_trampoline(executable_memory(1), enter_add, 5);
 *   add(3)                                                           is 8
 */
#ifndef TRAMPOLINE_H
#define TRAMPOLINE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_SIZE 4096
/* The distance from one trampoline to the next; they are shorter. */
#define TRAMPOLINE_ROOM 32
#define IN_A_PAGE (PAGE_SIZE / TRAMPOLINE_ROOM)
#define UNUSED __attribute__((unused))

typedef long function_t(long value);
typedef void entry_t(void);

/* Ends the program where something that is to hold before the trial begins does not. */
UNUSED static void need(int holds, const char *what)
{
	if (holds)
		return;
	printf("no %s\n", what);
	fflush(stdout);
	_Exit(99);
}

/* Entries of functions: they find the constant in the register of the static chain, and hand it on as an argument. */
#ifdef __x86_64__
#define ENTRY(name) \
	UNUSED __attribute__((naked)) static void enter_##name(void) \
	{ \
		__asm__("movq %r10, %rsi\n\tjmp " #name); \
	} \
	__attribute__((used, noinline)) static long name(long value, long constant)
#else
#define ENTRY(name) \
	UNUSED __attribute__((naked)) static void enter_##name(void) \
	{ \
		__asm__("movl 4(%esp), %eax\n\tmovl %ecx, %edx\n\tjmp " #name); \
	} \
	__attribute__((used, noinline, regparm(2))) static long name(long value, long constant)
#endif

ENTRY(add)
{
	return value + constant;
}

ENTRY(multiply)
{
	return value * constant;
}

#ifdef __x86_64__
#define TRAMPOLINE_LENGTH 28
#else
#define TRAMPOLINE_LENGTH 10
#endif

/* The bytes of a trampoline that is to stand at `place`. */
UNUSED static void form_trampoline(unsigned char *bytes, const void *place, entry_t *entry, long constant)
{
#ifdef __x86_64__
	static const unsigned char form[TRAMPOLINE_LENGTH] = {
		0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xbb, [14] = 0x49, 0xba, [24] = 0x41, 0xff, 0xe3, 0x90,
	};
	(void)place;
	memcpy(bytes, form, sizeof form);
	memcpy(bytes + 6, &entry, sizeof entry);
	memcpy(bytes + 16, &constant, sizeof constant);
#else
	uint32_t distance = (uint32_t)entry - ((uint32_t)place + TRAMPOLINE_LENGTH);
	bytes[0] = 0xb9;
	memcpy(bytes + 1, &constant, sizeof constant);
	bytes[5] = 0xe9;
	memcpy(bytes + 6, &distance, sizeof distance);
#endif
}

/* Where the constant stands in a trampoline. */
#ifdef __x86_64__
#define CONSTANT_AT 16
#else
#define CONSTANT_AT 1
#endif

UNUSED static function_t *place_trampoline(void *place, entry_t *entry, long constant)
{
	unsigned char bytes[TRAMPOLINE_LENGTH];

	form_trampoline(bytes, place, entry, constant);
	memcpy(place, bytes, sizeof bytes);
	return (function_t *)place;
}

UNUSED static unsigned char *executable_memory(size_t pages)
{
	void *memory = mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED, "executable memory");
	return memory;
}

/* Calls a trampoline a number of times; the sum. */
UNUSED static long call_often(function_t *function, int times)
{
	long sum = 0;

	for (int n = 0; n < times; n++)
		sum += function(n);
	return sum;
}

#endif
