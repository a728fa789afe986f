/*
 * Row 4: a stack made executable with PROT_GROWSDOWN, as the loader does it for a library that wants an executable
 * stack. PROT_GROWSUP is for the stacks of other architectures: an x86 kernel says EINVAL, a filter may be first.
 */
#define _GNU_SOURCE
#include "attempt.h"

/* The page of a stack on which `bytes` are. */
static void *page_of(const void *bytes)
{
	return (void *)((uintptr_t)bytes & ~(uintptr_t)(PAGE_SIZE - 1));
}

/* The bytes are below the stack pointer of whoever calls, but nothing overwrites them: the array is the caller's. */
static void *made_executable(unsigned char *bytes, uint64_t protection)
{
	write_payload(bytes);
	return protect(page_of(bytes), protection) == 0 ? bytes : NULL;
}

static unsigned char *main_stack;

static void *grows_down(void)
{
	return made_executable(main_stack, READ_WRITE_EXECUTE | PROT_GROWSDOWN);
}

static void *grows_up(void)
{
	return made_executable(main_stack, READ_WRITE_EXECUTE | PROT_GROWSUP);
}

static void *grows_both(void)
{
	return made_executable(main_stack, READ_WRITE_EXECUTE | PROT_GROWSDOWN | PROT_GROWSUP);
}

static void *plain(void)
{
	return made_executable(main_stack, READ_WRITE_EXECUTE);
}

static void *with_key(void)
{
	write_payload(main_stack);
	return protect_with_key(page_of(main_stack), READ_WRITE_EXECUTE | PROT_GROWSDOWN) == 0 ? main_stack : NULL;
}

/* A stack of the program's own making is no more than memory that grows down. */
static void *other_stack(void)
{
	return made_executable(map_writable(MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN), READ_EXECUTE | PROT_GROWSDOWN);
}

int main(int count, char **arguments)
{
	unsigned char bytes[64];
	main_stack = bytes;
	return attempt_main(count, arguments,
			    (const struct variant[]){{"grows-down", grows_down},
						     {"grows-up", grows_up},
						     {"grows-both", grows_both},
						     {"plain", plain},
						     {"with-key", with_key},
						     {"other-stack", other_stack},
						     {NULL, NULL}});
}
