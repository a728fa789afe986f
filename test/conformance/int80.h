/*
 * The i386 entry of an x86 kernel, `int $0x80`, from a program of either width: its numbers, its arguments of 32 bits. A
 * 64-bit program has garbage in the upper halves of the registers, which no call may look at.
 *
 * And calls of 32-bit code: a 64-bit program goes through a far return to a 32-bit code segment.
 */
#ifndef INT80_H
#define INT80_H

#include "../programs/wx/entry.h"

/* Those numbers of i386 that entry.h has not; asm/unistd_32.h. */
enum {
	I386_READ = 3,
	I386_CLOSE = 6,
	I386_LSEEK = 19,
	I386_DUP = 41,
	I386_FCNTL = 55,
	I386_DUP2 = 63,
	I386_MUNMAP = 91,
	I386_LLSEEK = 140,
	I386_PREAD64 = 180,
	I386_PWRITE64 = 181,
	I386_FCNTL64 = 221,
	I386_DUP3 = 330,
};

/* Calls 32-bit code, which may change all registers but esp; gives eax. */
uint32_t call_i386(uint32_t address);

#ifdef __x86_64__

uint32_t i386_address, i386_result;
uint64_t i386_kept_stack, i386_stack[512];

__asm__("	.text\n"
        "call_i386:\n"
        "	push %rbx\n"
        "	push %rbp\n"
        "	push %r12\n"
        "	push %r13\n"
        "	push %r14\n"
        "	push %r15\n"
        "	mov %edi, i386_address(%rip)\n"
        "	mov %rsp, i386_kept_stack(%rip)\n"
        "	mov $0x2b, %eax\n" /* the kernel's __USER_DS; a 64-bit program has no data segment */
        "	mov %eax, %ds\n"
        "	mov %eax, %es\n"
        "	lea i386_stack+4096(%rip), %rsp\n"
        "	push $0x23\n" /* the kernel's __USER32_CS */
        "	lea 1f(%rip), %rax\n"
        "	push %rax\n"
        "	lretq\n"
        "	.code32\n"
        "1:	call *i386_address\n"
        "	mov %eax, i386_result\n"
        "	ljmp $0x33, $2f\n" /* the kernel's __USER_CS */
        "	.code64\n"
        "2:	mov i386_kept_stack(%rip), %rsp\n"
        "	xor %eax, %eax\n"
        "	mov %eax, %ds\n"
        "	mov %eax, %es\n"
        "	pop %r15\n"
        "	pop %r14\n"
        "	pop %r13\n"
        "	pop %r12\n"
        "	pop %rbp\n"
        "	pop %rbx\n"
        "	mov i386_result(%rip), %eax\n"
        "	ret\n");
#define I386_UPPER_HALF 0xdeadbeef00000000u

#else

__asm__("	.text\n"
        "call_i386:\n"
        "	push %ebx\n"
        "	push %esi\n"
        "	push %edi\n"
        "	push %ebp\n"
        "	mov 20(%esp), %eax\n"
        "	call *%eax\n"
        "	pop %ebp\n"
        "	pop %edi\n"
        "	pop %esi\n"
        "	pop %ebx\n"
        "	ret\n");
#define I386_UPPER_HALF 0u

#endif

/* 32-bit targets that give the value of a register, in the order of the registers' numbers, 16 bytes each. */
extern char i386_targets[];
__asm__("	.text\n"
        "	.code32\n"
        "	.balign 16\n"
        "i386_targets:\n"
        "	endbr32; nop; nop; ret; .balign 16\n"
        "	endbr32; mov %ebx, %eax; ret; .balign 16\n"
        "	endbr32; mov %ecx, %eax; ret; .balign 16\n"
        "	endbr32; mov %edx, %eax; ret; .balign 16\n"
        "	endbr32; mov %esi, %eax; ret; .balign 16\n"
        "	endbr32; mov %edi, %eax; ret; .balign 16\n"
        "	endbr32; mov %ebp, %eax; ret; .balign 16\n"
#ifdef __x86_64__
        "	.code64\n"
#endif
);

/* A call; -1 with errno, or the result. */
static int64_t int80(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
	const uint64_t upper = I386_UPPER_HALF;
	const uint64_t arguments[6] = { upper | a, upper | b, upper | c, upper | d, upper | e, upper | f };
	uint32_t result = enter_i386(number, arguments);

	if (result <= UINT32_MAX - 4095)
		return result;
	errno = -(int32_t)result;
	return -1;
}

/* Seeks by _llseek; -1 with errno, or the position that it stores. */
__attribute__((unused)) static int64_t llseek(int fd, uint32_t high, uint32_t low, uint32_t whence)
{
	static int64_t position;

	position = -1;
	if (int80(I386_LLSEEK, fd, high, low, (uint32_t)(uintptr_t)&position, whence, 0) == -1)
		return -1;
	return position;
}

#endif
