/*
 * The old mmap of i386 (number 90), with its arguments in memory, from a program of either width.
 *
 * usage: old_mmap calls        TAP: what it maps, what it refuses, what it leaves in the registers
 *        old_mmap race N       another thread changes the arguments between readable-writable and all three, N calls long
 *        old_mmap storm N      N calls under a signal every 200 microseconds
 *        old_mmap one          one call: prints its errno
 */
#define _GNU_SOURCE
#include "../../conformance/int80.h"
#include "../../conformance/tap.h"

#include <trampfd.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC, RWX = RW | PROT_EXEC };
enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

/* Where 32 bits reach. */
static volatile struct old_mmap_arguments *block;

static uint32_t old_mmap(const volatile struct old_mmap_arguments *arguments)
{
	const uint64_t registers[6] = { (uintptr_t)arguments, 0x11111111, 0x22222222, 0x33333333, 0x44444444, 0x55555555 };
	return enter_i386(I386_OLD_MMAP, registers);
}

static uint32_t map(uint32_t length, uint32_t protection, uint32_t flags, int fd, uint32_t offset)
{
	const struct old_mmap_arguments given = { 0, length, protection, flags, (uint32_t)fd, offset };
	*block = given;
	return old_mmap(block);
}

static int failed(uint32_t result)
{
	return result >= (uint32_t)-4095;
}

static int refused(uint32_t result, int error)
{
	return result == (uint32_t)-error;
}

/* The permissions in /proc/self/maps of the mapping at an address. */
static const char *permissions(uint32_t address)
{
	static char line[512], found[8];
	FILE *file = fopen("/proc/self/maps", "r");

	strcpy(found, "none");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		unsigned long from, to;
		char bits[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, bits) == 3 && address >= from && address < to)
			strcpy(found, bits);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* As enter_i386, and stores ebx, ecx, edx, esi, edi and ebp as they are afterwards. */
uint32_t enter_and_look(uint32_t number, const uintptr_t arguments[6], uintptr_t after[6]);

#ifdef __x86_64__
__asm__("	.text\n"
        "enter_and_look:\n"
        "	push %rbx\n"
        "	push %rbp\n"
        "	push %rdx\n"
        "	mov %edi, %eax\n"
        "	mov 0(%rsi), %rbx\n"
        "	mov 8(%rsi), %rcx\n"
        "	mov 16(%rsi), %rdx\n"
        "	mov 32(%rsi), %rdi\n"
        "	mov 40(%rsi), %rbp\n"
        "	mov 24(%rsi), %rsi\n"
        "	int $0x80\n"
        "	pop %r11\n"
        "	mov %rbx, 0(%r11)\n"
        "	mov %rcx, 8(%r11)\n"
        "	mov %rdx, 16(%r11)\n"
        "	mov %rsi, 24(%r11)\n"
        "	mov %rdi, 32(%r11)\n"
        "	mov %rbp, 40(%r11)\n"
        "	pop %rbp\n"
        "	pop %rbx\n"
        "	ret\n");
#else
__asm__("	.text\n"
        "enter_and_look:\n"
        "	push %ebx\n"
        "	push %esi\n"
        "	push %edi\n"
        "	push %ebp\n"
        "	mov 20(%esp), %eax\n"
        "	mov 24(%esp), %ebp\n"
        "	mov 0(%ebp), %ebx\n"
        "	mov 4(%ebp), %ecx\n"
        "	mov 8(%ebp), %edx\n"
        "	mov 12(%ebp), %esi\n"
        "	mov 16(%ebp), %edi\n"
        "	mov 20(%ebp), %ebp\n"
        "	int $0x80\n"
        "	push %ebp\n"
        "	mov 32(%esp), %ebp\n"
        "	mov %ebx, 0(%ebp)\n"
        "	mov %ecx, 4(%ebp)\n"
        "	mov %edx, 8(%ebp)\n"
        "	mov %esi, 12(%ebp)\n"
        "	mov %edi, 16(%ebp)\n"
        "	pop %ecx\n"
        "	mov %ecx, 20(%ebp)\n"
        "	pop %ebp\n"
        "	pop %edi\n"
        "	pop %esi\n"
        "	pop %ebx\n"
        "	ret\n");
#endif

static int keeps_registers(uint32_t protection, int error)
{
	const struct old_mmap_arguments given = { 0, PAGE, protection, ANONYMOUS, (uint32_t)-1, 0 };
	const uintptr_t before[6] = { (uintptr_t)block, 1, 2, 3, 4, 5 };
	uintptr_t after[6] = { 0 };

	*block = given;
	uint32_t result = enter_and_look(I386_OLD_MMAP, before, after);
	return (error ? refused(result, error) : !failed(result)) && memcmp(before, after, sizeof before) == 0;
}

/* A trampoline of version 1 in a 32-bit program; in a 64-bit one it is created by int 0x80. */
static void version_1(void)
{
	struct trampfd_map how;
	struct trampfd_user *user = mmap(NULL, PAGE, RW, ANONYMOUS | MAP_32BIT, -1, 0);
	const uint64_t create[6] = { 0, (uintptr_t)user, 0, UINT32_MAX, UINT32_MAX };
	int fd = (int)enter_i386(SYS_trampfd, create), status;

	ok(fd >= 0, "a trampoline of version 1: %d", fd);
	ok(pread(fd, &how, sizeof how, TRAMPFD_MAP_OFFSET) == sizeof how, "its mapping parameters");
	uint32_t base = map(how.size, how.prot, how.flags, fd, how.offset);
	ok(!failed(base) && strcmp(permissions(base), "r-xs") == 0, "mapped: %s", permissions(base));
	ok(refused(map(how.size, RX | PROT_WRITE, how.flags, fd, how.offset), EACCES), "not writable and executable: EACCES");
	ok(refused(map(how.size, PROT_READ, how.flags, fd, how.offset), EINVAL), "not otherwise: EINVAL");
	pid_t child = fork();
	if (child == 0)
		_exit(strcmp(permissions(base), "none") == 0);
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "and a fork does not inherit it");
	close(fd);
}

static void calls(void)
{
	int self = open("/proc/self/exe", O_RDONLY);
	uint32_t page = map(PAGE, RW, ANONYMOUS, -1, 0);

	ok(!failed(page) && strcmp(permissions(page), "rw-p") == 0, "memory: %s", permissions(page));
	*(volatile uint32_t *)(uintptr_t)page = 1;
	ok(keeps_registers(RW, 0), "all registers but eax are as they were");
	ok(keeps_registers(RWX, EACCES), "also where it is refused");
	ok(refused(map(PAGE, RWX, ANONYMOUS, -1, 0), EACCES), "writable and executable: EACCES");
	ok(refused(map(PAGE, PROT_WRITE | PROT_EXEC, ANONYMOUS, -1, 0), EACCES), "without being readable too: EACCES");
	uint32_t text = map(PAGE, RX, MAP_PRIVATE, self, 0);
	ok(!failed(text) && strcmp(permissions(text), "r-xp") == 0, "a file, executable: %s", permissions(text));
	ok(!failed(map(PAGE, PROT_READ, MAP_PRIVATE, self, PAGE)), "a file from its second page on");
	ok(refused(map(PAGE, PROT_READ, MAP_PRIVATE, self, 1), EINVAL), "an offset within a page: EINVAL");
	ok(refused(map(0, RW, ANONYMOUS, -1, 0), EINVAL), "no length: EINVAL");
	ok(refused(map(PAGE, RW, MAP_PRIVATE, 999, 0), EBADF), "no descriptor: EBADF");
	ok(refused(old_mmap((void *)(uintptr_t)PAGE), EFAULT), "arguments that are not there: EFAULT");
	version_1();
}

static void *change(void *stop)
{
	while (!*(volatile int *)stop)
		block->protection = block->protection == RW ? RWX : RW;
	return NULL;
}

static void race(int times)
{
	int stop = 0, mapped = 0;
	pthread_t thread;
	const struct old_mmap_arguments given = { 0, PAGE, RW, ANONYMOUS, (uint32_t)-1, 0 };

	*block = given;
	pthread_create(&thread, NULL, change, &stop);
	for (int i = 0; i < times; i++) {
		uint32_t page = old_mmap(block);
		if (!failed(page)) {
			mapped++;
			if (strcmp(permissions(page), "rw-p") != 0)
				printf("not ok - %s\n", permissions(page));
			munmap((void *)(uintptr_t)page, PAGE);
		} else if (!refused(page, EACCES)) {
			printf("not ok - error %d\n", -(int)page);
		}
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("mapped %s, refused %s\n", mapped > 0 ? "some" : "none", mapped < times ? "some" : "none");
}

static void ignore(int number)
{
	(void)number;
}

static void storm(int times)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } };
	const struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < times; i++) {
		uint32_t page = map(PAGE, RW, ANONYMOUS, -1, 0);
		if (failed(page)) {
			printf("error %d\n", -(int)page);
			return;
		}
		*(volatile uint32_t *)(uintptr_t)page = 1;
		munmap((void *)(uintptr_t)page, PAGE);
	}
	printf("all mapped\n");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int times = argc > 2 ? atoi(argv[2]) : 0;

	block = mmap(NULL, PAGE, RW, ANONYMOUS | MAP_32BIT, -1, 0);
	if (block == MAP_FAILED)
		return 3;
	if (strcmp(what, "race") == 0)
		return race(times), 0;
	if (strcmp(what, "storm") == 0)
		return storm(times), 0;
	if (strcmp(what, "one") == 0) {
		uint32_t page = map(PAGE, RW, ANONYMOUS, -1, 0);
		printf("%d\n", failed(page) ? -(int)page : 0);
		return 0;
	}
	calls();
	return done();
}
