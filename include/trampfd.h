/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trampfd.h - the trampfd interface for C and C++: tables of trampolines whose code the program neither writes nor
 * needs writable and executable memory for.
 *
 * A table is created, described twice, mapped, and called:
 *
 *     struct trampfd_info info;
 *     int fd = trampfd(&info);
 *     struct trampfd_code code = { n, x64_r11, (uintptr_t)code_table };
 *     struct trampfd_data data = { x64_r10, 0, (uintptr_t)data_table };
 *     pwrite(fd, &code, sizeof code, TRAMPFD_CODE);
 *     pwrite(fd, &data, sizeof data, TRAMPFD_DATA);
 *     char *base = mmap(NULL, info.code_size * n, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, info.code_offset);
 *
 * Trampoline X stands at base + info.code_size * X. A call of it loads code_table[X] into the code register and
 * data_table[X] into the data register and jumps to what the code register holds; other registers, flags and the stack
 * stay as they are. The two arrays remain the program's: a slot may be changed at any time, with one aligned store.
 *
 * The interface is the kernel proposal's of September 2020. No kernel has it: `trampfd run -- PROGRAM` answers the
 * system call. Needs nothing but errno.h, stdint.h and a C library with syscall(2); for C89 with GNU extensions, C99
 * and C++98 or later.
 */
#ifndef TRAMPFD_H
#define TRAMPFD_H

#include <errno.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the system call, on every architecture. From Linux 5.10 on it is process_madvise(2)'s too. */
#ifndef SYS_trampfd
#define SYS_trampfd 440
#endif

/* What trampfd() tells about a new table. */
struct trampfd_info {
	uint32_t ntrampolines; /* the most trampolines that a table holds */
	uint32_t code_size;    /* bytes from one trampoline to the next */
	uint32_t code_offset;  /* offset for mmap(2) */
	uint32_t reserved;     /* 0 */
};

/* The code descriptor: written once, at offset TRAMPFD_CODE. */
struct trampfd_code {
	uint32_t ntrampolines; /* 1 to trampfd_info.ntrampolines */
	uint32_t reg;          /* number of the register that receives the target's address */
	uint64_t table;        /* address of the array of targets; its slots are as wide as a pointer, and aligned */
};

/* The data descriptor: written once, at offset TRAMPFD_DATA. */
struct trampfd_data {
	uint32_t reg;      /* number of the register that receives the data; another one than the code's */
	uint32_t reserved; /* 0 */
	uint64_t table;    /* address of the array of data words; its slots are as wide as a pointer, and aligned */
};

/* The offsets that the descriptors are written at. */
enum trampfd_offsets {
	TRAMPFD_CODE,
	TRAMPFD_DATA,
	TRAMPFD_NUM_OFFSETS
};

/*
 * Numbers of registers. A 32-bit program names those of i386 or arm, a 64-bit one those of x86-64 or arm64. The
 * spellings are the proposal's. The stack pointer has none.
 */
enum trampfd_x86_register {
	x32_eax = 0,
	x32_ebx,
	x32_ecx,
	x32_edx,
	x32_esi,
	x32_edi,
	x32_ebp,
	x64_rax,
	x64_rbx,
	x64_rcx,
	x64_rdx,
	x64_rsi,
	x64_rdi,
	x64_rbp,
	x64_r8,
	x64_r9,
	x64_r10,
	x64_r11,
	x64_r12,
	x64_r13,
	x64_r14,
	x64_r15
};

enum trampfd_arm_register {
	arm_r0 = 0,
	arm_r1,
	arm_r2,
	arm_r3,
	arm_r4,
	arm_r5,
	arm_r6,
	arm_r7,
	arm_r8,
	arm_r9,
	arm_r10,
	arm_r11,
	arm_r12,
	arm64_r0,
	arm64_r1,
	arm64_r2,
	arm64_r3,
	arm64_r4,
	arm64_r5,
	arm64_r6,
	arm64_r7,
	arm64_r8,
	arm64_r9,
	arm64_r10,
	arm64_r11,
	arm64_r12,
	arm64_r13,
	arm64_r14,
	arm64_r15,
	arm64_r16,
	arm64_r17,
	arm64_r18,
	arm64_r19,
	arm64_r20,
	arm64_r21,
	arm64_r22,
	arm64_r23,
	arm64_r24,
	arm64_r25,
	arm64_r26,
	arm64_r27,
	arm64_r28,
	arm64_r29
};

/* The C library's syscall(2) under a name of our own: its header declares it only where extensions are asked for. */
extern long trampfd_libc_syscall(long number, ...) __asm__("syscall");

/*
 * Creates a trampoline table and fills in *info.
 *
 * Returns a descriptor, which is close-on-exec, or -1 with errno:
 *
 *     EINVAL      info is NULL
 *     EFAULT      info cannot be written to, or lies below 65536
 *     EMFILE      the process has no free descriptor
 *     ENOMEM      no memory
 *     EOPNOTSUPP  there are no trampolines for this architecture
 *     ENOSYS      nobody answers the call: the program does not run under trampfd, or trampfd has ended, or it may not
 *                 look at this process
 *
 * Where nobody answers, the kernel takes the call for process_madvise(pidfd, vec, vlen, behavior, flags), with the lower
 * half of the pointer as pidfd, which may happen to be the number of an open pidfd. So that it can neither succeed nor
 * fail by what that descriptor is, each of the other arguments is one that process_madvise refuses with EINVAL: flags
 * with every bit set, which it looks at first; more vectors than there may be; a behavior that there is none of. trampfd
 * does not look at these arguments. Hence EINVAL from the call means that nobody answered, and so does every errno that
 * is not listed above (a container's filter may say EPERM).
 *
 * A handler without SA_RESTART may interrupt this call, and any other call on a table, with EINTR: the kernel lets a
 * signal that comes before the call is received end the wait. Nothing was done then. This function calls again; do the
 * same with pwrite(2) and mmap(2) of a table where such handlers run.
 *
 * trampfd takes a call for its own only when the pointer is above 65535, for no descriptor is. Pointers up to there are
 * therefore asked about with an address where nothing can ever be mapped, that of the last page: EFAULT means that
 * somebody answers.
 */
static __inline__ int trampfd(struct trampfd_info *info)
{
	uintptr_t address = (uintptr_t)info;
	long result;

	if (address <= 65535)
		address = ~(uintptr_t)4095;
	do
		result = trampfd_libc_syscall(SYS_trampfd, address, (char *)0, ~0UL, -1L, ~0UL);
	while (result == -1 && errno == EINTR);
	if (result >= 0)
		return (int)result;
	switch (errno) {
	case EFAULT:
		if (info == (struct trampfd_info *)0)
			errno = EINVAL;
		break;
	case EMFILE:
	case ENOMEM:
	case EOPNOTSUPP:
		break;
	default:
		errno = ENOSYS;
	}
	return -1;
}

#ifdef __cplusplus
}
#endif

#endif /* TRAMPFD_H */
