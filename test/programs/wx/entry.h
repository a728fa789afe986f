/*
 * System calls through each entry of an x86 kernel, with registers exactly as given.
 *
 *   native_call()   the entry of the program's own width
 *   i386_call()     `int $0x80`, from a program of either width: the numbers of i386
 *   x86_64_call()   `syscall`, from a program of either width (an i386 one goes through a far call): the numbers of
 *                   x86-64
 *
 * All take 64-bit arguments, since a filter sees 64 bits even where the kernel looks at 32 of them, and give -1 with
 * errno set, or the result. See syscall(2) and the kernel's arch/x86/entry.
 */
#ifndef TRAMPFD_TEST_ENTRY_H
#define TRAMPFD_TEST_ENTRY_H

#include <errno.h>
#include <stdint.h>

/* The numbers of i386; asm/unistd_32.h. */
enum {
	I386_WRITE = 4,
	I386_EXECVE = 11,
	I386_PTRACE = 26,
	I386_OLD_MMAP = 90,
	I386_IPC = 117,
	I386_MPROTECT = 125,
	I386_PERSONALITY = 136,
	I386_MREMAP = 163,
	I386_MMAP2 = 192,
	I386_EXIT_GROUP = 252,
	I386_UNSHARE = 310,
	I386_MEMFD_CREATE = 356,
	I386_USERFAULTFD = 374,
	I386_PKEY_MPROTECT = 380,
	I386_SHMAT = 397,
};

/* The numbers of x86-64; asm/unistd_64.h. Those of x32 are the same with bit 30 set. */
enum {
	X86_64_WRITE = 1,
	X86_64_MMAP = 9,
	X86_64_MPROTECT = 10,
	X86_64_MREMAP = 25,
	X86_64_SHMAT = 30,
	X86_64_EXECVE = 59,
	X86_64_PTRACE = 101,
	X86_64_PERSONALITY = 135,
	X86_64_EXIT_GROUP = 231,
	X86_64_UNSHARE = 272,
	X86_64_MEMFD_CREATE = 319,
	X86_64_USERFAULTFD = 323,
	X86_64_PKEY_MPROTECT = 329,
	X32_BIT = 0x40000000,
};

/* What ipc(2) calls shmat: the low half of its first argument; linux/ipc.h. */
enum { IPC_CALL_SHMAT = 21 };

/* The argument block of the old mmap of i386 (struct mmap_arg_struct of the kernel). */
struct old_mmap_arguments {
	uint32_t address, length, protection, flags, descriptor, offset;
};

uint32_t enter_i386(uint32_t number, const uint64_t arguments[6]);
uint64_t enter_x86_64(uint32_t number, const uint64_t arguments[6]);

#ifdef __x86_64__

__asm__(".pushsection .text\n"
	".globl enter_i386\n"
	"enter_i386:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	mov %edi, %eax\n"
	"	mov 0(%rsi), %rbx\n"
	"	mov 8(%rsi), %rcx\n"
	"	mov 16(%rsi), %rdx\n"
	"	mov 32(%rsi), %rdi\n"
	"	mov 40(%rsi), %rbp\n"
	"	mov 24(%rsi), %rsi\n"
	"	int $0x80\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".globl enter_x86_64\n"
	"enter_x86_64:\n"
	"	mov %edi, %eax\n"
	"	mov 0(%rsi), %rdi\n"
	"	mov 16(%rsi), %rdx\n"
	"	mov 24(%rsi), %r10\n"
	"	mov 32(%rsi), %r8\n"
	"	mov 40(%rsi), %r9\n"
	"	mov 8(%rsi), %rsi\n"
	"	syscall\n"
	"	ret\n"
	".popsection\n");

#else

/*
 * The far call needs the address of 64-bit code; it is computed, since an absolute one in the text would be a text
 * relocation, and the loader would have to make the text writable.
 */
__asm__(".pushsection .text\n"
	".globl enter_i386\n"
	"enter_i386:\n"
	"	push %ebx\n"
	"	push %esi\n"
	"	push %edi\n"
	"	push %ebp\n"
	"	mov 20(%esp), %eax\n"
	"	mov 24(%esp), %ebp\n"
	"	mov 0(%ebp), %ebx\n"
	"	mov 8(%ebp), %ecx\n"
	"	mov 16(%ebp), %edx\n"
	"	mov 24(%ebp), %esi\n"
	"	mov 32(%ebp), %edi\n"
	"	mov 40(%ebp), %ebp\n"
	"	int $0x80\n"
	"	pop %ebp\n"
	"	pop %edi\n"
	"	pop %esi\n"
	"	pop %ebx\n"
	"	ret\n"
	".globl enter_x86_64\n"
	"enter_x86_64:\n"
	"	push %ebx\n"
	"	push %esi\n"
	"	push %edi\n"
	"	push %ebp\n"
	"	mov 20(%esp), %eax\n"
	"	mov 24(%esp), %ebx\n"
	"	call 1f\n"
	"1:	pop %edx\n"
	"	add $(2f - 1b), %edx\n"
	"	push $0x33\n" /* the kernel's __USER_CS: a 64-bit code segment */
	"	push %edx\n"
	"	lcall *(%esp)\n"
	"	add $8, %esp\n"
	"	pop %ebp\n"
	"	pop %edi\n"
	"	pop %esi\n"
	"	pop %ebx\n"
	"	ret\n"
	"	.code64\n"
	"2:	mov %ebx, %ebx\n" /* the upper halves are undefined until written */
	"	mov %eax, %eax\n"
	"	mov 0(%rbx), %rdi\n"
	"	mov 8(%rbx), %rsi\n"
	"	mov 16(%rbx), %rdx\n"
	"	mov 24(%rbx), %r10\n"
	"	mov 32(%rbx), %r8\n"
	"	mov 40(%rbx), %r9\n"
	"	syscall\n"
	"	mov %rax, %rdx\n" /* a 64-bit result of a 32-bit function is edx:eax */
	"	shr $32, %rdx\n"
	"	lretl\n"
	"	.code32\n"
	".popsection\n");

#endif

static inline int64_t i386_call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	uint32_t result = enter_i386(number, (uint64_t[]){a, b, c, d, e, f});
	if (result <= UINT32_MAX - 4095)
		return result;
	errno = -(int32_t)result;
	return -1;
}

static inline int64_t x86_64_call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
				  uint64_t f)
{
	uint64_t result = enter_x86_64(number, (uint64_t[]){a, b, c, d, e, f});
	if (result <= UINT64_MAX - 4095)
		return (int64_t)result;
	errno = -(int)(int64_t)result;
	return -1;
}

#ifdef __x86_64__
#define native_call x86_64_call
#define NATIVE(name) X86_64_##name
#else
#define native_call i386_call
#define NATIVE(name) I386_##name
#define I386_MMAP I386_MMAP2
#endif

#endif
