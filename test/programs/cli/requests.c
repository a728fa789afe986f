/*
 * Makes every kind of request that wx refuses, and says for each what became of it: "NAME 0" or "NAME ERRNO".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* A system call as a 32-bit program makes it: a result, or a negated error number. */
static int enter_i386(int number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e)
{
	int result;
	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
	                 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void say(const char *request, long result)
{
	printf("%s %d\n", request, result == -1 ? errno : result < 0 && result > -4096 ? (int)-result : 0);
}

int main(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_32BIT, -1, 0);
	uintptr_t address = (uintptr_t)page;
	int segment = shmget(IPC_PRIVATE, 4096, 0600);
	say("mmap", (long)mmap(NULL, 4096, RWX, ANONYMOUS, -1, 0));
	say("mprotect", mprotect(page, 4096, PROT_READ | PROT_EXEC));
	say("pkey_mprotect", syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1));
	say("shmat", (long)shmat(segment, NULL, SHM_EXEC));
	say("personality", personality(READ_IMPLIES_EXEC));
	say("personality-back", personality(0));
	/* Numbers of i386: mmap2, mprotect, and the old mmap, whose arguments stand in memory. */
	say("i386-mmap2", enter_i386(192, 0, 4096, RWX, ANONYMOUS, (uintptr_t)-1));
	say("i386-mprotect", enter_i386(125, address, 4096, PROT_READ | PROT_EXEC, 0, 0));
	uint32_t *arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_32BIT, -1, 0);
	arguments[0] = 0, arguments[1] = 4096, arguments[2] = RWX, arguments[3] = ANONYMOUS, arguments[4] = UINT32_MAX;
	arguments[5] = 0;
	say("i386-mmap", enter_i386(90, (uintptr_t)arguments, 0, 0, 0, 0));
	say("x32", syscall(0x40000000 | SYS_getpid));
	shmctl(segment, IPC_RMID, NULL);
	return 0;
}
