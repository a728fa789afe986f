/*
 * Bound functions: plain function pointers that carry their first argument with them.
 *
 * A trampoline loads a register and jumps. When that register is the one in which a function expects its first argument,
 * the trampoline is that function with the argument filled in, and no function here was written for it: puts, getenv and
 * atoi are the C library's own. All this in a process that never has memory which is both writable and executable.
 *
 *     cc -I TRAMPFD/include -o bound bound.c        (TRAMPFD is the folder of this package)
 *     trampfd run -- ./bound
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

/* Where a function finds its first argument, and a register that no function expects anything in. */
#if defined(__x86_64__)
#define FIRST_ARGUMENT x64_rdi
#define SCRATCH x64_r11
#elif defined(__aarch64__)
#define FIRST_ARGUMENT arm64_r0
#define SCRATCH arm64_r16
#else
#error "this example is for architectures that pass the first argument in a register"
#endif

/* The slots stay ours: trampoline X calls functions[X] with arguments[X], whatever they hold at that moment. */
static uintptr_t functions[3], arguments[3];

static void require(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

int main(void)
{
	/* Create a table, and say which registers and which slots its trampolines load. */
	struct trampfd_info info;
	int fd = trampfd(&info);
	require(fd >= 0, "trampfd");
	struct trampfd_code code = { .ntrampolines = 3, .reg = SCRATCH, .table = (uintptr_t)functions };
	struct trampfd_data data = { .reg = FIRST_ARGUMENT, .table = (uintptr_t)arguments };
	require(pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "code descriptor");
	require(pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data, "data descriptor");

	/* Map the code that was made for it: readable and executable, never writable. The descriptor is not needed any more. */
	size_t length = (size_t)info.code_size * 3;
	char *base = mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_SHARED, fd, info.code_offset);
	require(base != MAP_FAILED, "mmap");
	close(fd);

	/* Bind, and call. */
	functions[0] = (uintptr_t)puts, arguments[0] = (uintptr_t)"hello from a bound puts()";
	functions[1] = (uintptr_t)getenv, arguments[1] = (uintptr_t)"HOME";
	functions[2] = (uintptr_t)atoi, arguments[2] = (uintptr_t)"42";
	int (*hello)(void) = (int (*)(void))(base + info.code_size * 0);
	char *(*home)(void) = (char *(*)(void))(base + info.code_size * 1);
	int (*number)(void) = (int (*)(void))(base + info.code_size * 2);

	hello();
	printf("HOME is %s, the number is %d\n", home(), number());

	/* Bind again: the same pointer, another argument. */
	arguments[0] = (uintptr_t)"hello again, from the same pointer";
	hello();
	return munmap(base, length) == 0 ? 0 : 1;
}
