/*
 * The common form of the programs here, each of which tries to execute bytes that it wrote itself.
 *
 *   prog --list     prints the names of its variants
 *   prog VARIANT    tries one and prints one line:
 *                   `VARIANT: EXEC`      the bytes ran and returned what they should
 *                   `VARIANT: EACCES`    (or another error's name) the call that asked for it was refused
 *                   `VARIANT: SIGSEGV`   (or SIGBUS, SIGILL) nothing was refused, and the attempt faulted
 *                   `VARIANT: UNCHANGED` nothing was refused, and what ran was the code that had been there before
 *
 * The exit status is 0 whatever became of the attempt; 2 says that the variant is unknown, 3 that it could not be tried
 * at all, as when there is no memory, 4 that the attempt has destroyed what other attempts need.
 *
 * Where WX_WAIT is in the environment, an attempt waits until there is a file of that path. When it begins to wait it makes
 * a file whose name has its process number behind that path.
 *
 * A variant is a function that gives the address of the bytes that it wrote and believes to be executable, or NULL with
 * errno as the refused call left it. Where the bytes run in another process, child.h says what became of them. Calls that
 * are judged by their registers go through entry.h, so that no library alters them.
 */
#ifndef TRAMPFD_TEST_ATTEMPT_H
#define TRAMPFD_TEST_ATTEMPT_H

#include "entry.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define READ_WRITE (PROT_READ | PROT_WRITE)
#define READ_EXECUTE (PROT_READ | PROT_EXEC)
#define READ_WRITE_EXECUTE (PROT_READ | PROT_WRITE | PROT_EXEC)

struct variant {
	const char *name;
	void *(*attempt)(void);
};

/* What the written bytes return. No code of a test program or of a library has it. */
#define MAGIC 0x5eed1e55

/* What a process exits with whose own written bytes ran. */
#define RAN 0x55

/* Set by an attempt that destroys what others need. */
static int status_at_end;

/* The outcome of bytes that ran, or did not, in another process; NULL where they are the program's own. */
static const char *outcome_elsewhere;

static sigjmp_buf after_fault;

static inline void on_fault(int number)
{
	siglongjmp(after_fault, number);
}

/* Writes `mov $MAGIC, %eax; ret`, which is the same in both widths, and gives its address back. */
static inline void *write_payload(void *address)
{
	volatile unsigned char *to = address;
	*to++ = 0xb8;
	for (int byte = 0; byte < 4; byte++)
		*to++ = (unsigned char)((unsigned)MAGIC >> 8 * byte);
	*to = 0xc3;
	return address;
}

/* Ends the program when a step that the attempt only needs as its ground fails. */
static inline void need(int is_true, const char *step)
{
	if (is_true)
		return;
	perror(step);
	exit(3);
}

static inline uint64_t number_of(const void *address)
{
	return (uintptr_t)address;
}

/* The result of a call that gives an address: NULL where it failed. */
static inline void *address_of(int64_t result)
{
	return result == -1 ? NULL : (void *)(uintptr_t)result;
}

static inline void *map(uint64_t length, uint64_t protection, uint64_t flags, int64_t descriptor)
{
	return address_of(native_call(NATIVE(MMAP), 0, length, protection, flags, (uint64_t)descriptor, 0));
}

/* Zeroed memory that may be written, as the ground of an attempt. */
static inline void *map_writable(uint64_t flags)
{
	void *page = map(PAGE_SIZE, READ_WRITE, flags, -1);
	need(page != NULL, "mmap");
	return page;
}

static inline int protect(void *address, uint64_t protection)
{
	return (int)native_call(NATIVE(MPROTECT), number_of(address), PAGE_SIZE, protection, 0, 0, 0);
}

static inline int protect_with_key(void *address, uint64_t protection)
{
	return (int)native_call(NATIVE(PKEY_MPROTECT), number_of(address), PAGE_SIZE, protection, (uint64_t)-1, 0, 0);
}

static inline const char *execute(void *address)
{
	int (*function)(void);
	memcpy(&function, &address, sizeof function);
	return function() == MAGIC ? "EXEC" : "UNCHANGED";
}

static inline const char *outcome(const struct variant *variant)
{
	/* Faults are taken on a stack of their own, since an attempt may change the protection of the usual one. */
	static unsigned char fault_stack[65536];
	const stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof fault_stack};
	need(sigaltstack(&stack, NULL) == 0, "sigaltstack");
	const struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	switch (sigsetjmp(after_fault, 0)) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGILL:
		return "SIGILL";
	}
	void *address = variant->attempt();
	if (outcome_elsewhere != NULL)
		return outcome_elsewhere;
	return address == NULL ? strerrorname_np(errno) : execute(address);
}

/*
 * Prints the line and ends the program through entry.h: the attempt on the vdso, when it is refused, leaves an i386 C
 * library without its way into the kernel.
 */
static inline void report(const char *name, const char *what)
{
	char line[128];
	const int length = snprintf(line, sizeof line, "%s: %s\n", name, what);
	native_call(NATIVE(WRITE), 1, number_of(line), (uint64_t)length, 0, 0, 0);
	native_call(NATIVE(EXIT_GROUP), (uint64_t)status_at_end, 0, 0, 0, 0, 0);
}

static inline void wait_for_file(const char *path)
{
	char own[4096];
	snprintf(own, sizeof own, "%s.%d", path, (int)getpid());
	need(mknod(own, S_IFREG | 0600, 0) == 0, own);
	/* Hundreds wait at a time: they must leave the processor to those that have yet to start. */
	while (access(path, F_OK) != 0)
		usleep(50 * 1000);
}

static inline int attempt_main(int count, char **arguments, const struct variant *variants)
{
	const char *wanted = count == 2 ? arguments[1] : "--list";
	const int list = strcmp(wanted, "--list") == 0;
	if (!list && getenv("WX_WAIT") != NULL)
		wait_for_file(getenv("WX_WAIT"));
	/* Who waits for something that never comes is ended by SIGALRM. */
	alarm(300);
	for (; variants->name != NULL; variants++) {
		if (list) {
			puts(variants->name);
		} else if (strcmp(wanted, variants->name) == 0) {
			report(wanted, outcome(variants));
		}
	}
	return list ? 0 : 2;
}

/* `VARIANTS({"name", function}, ...)` is the main function of a program. */
#define VARIANTS(...)                                                                                                 \
	int main(int count, char **arguments)                                                                         \
	{                                                                                                             \
		return attempt_main(count, arguments, (const struct variant[]){__VA_ARGS__, {NULL, NULL}});           \
	}

#endif
