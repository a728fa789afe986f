/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trampfd.h - the trampfd interface for C and C++: trampolines whose code the program neither writes nor needs writable
 * and executable memory for. There are two versions of it, behind the same number; a program may use both.
 *
 * Version 2 is tables of trampolines. A table is created, described twice, mapped, and called:
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
 * Version 1 is one trampoline per descriptor, which holds what a call of it does. It is created, described by contexts,
 * asked how it wants to be mapped, mapped, and called:
 *
 *     int fd = trampfd_create_user();
 *     union { struct trampfd_regs context; char room[TRAMPFD_REGS_SIZE(2)]; } regs = { { 2, 0 } };
 *     regs.context.regs[0] = (struct trampfd_reg){ trampfd_user_x64_r10, 0, (uintptr_t)closure };
 *     regs.context.regs[1] = (struct trampfd_reg){ trampfd_user_x64_rip, 0, (uintptr_t)target };
 *     pwrite(fd, &regs, sizeof regs, TRAMPFD_REGS_OFFSET);
 *     struct trampfd_map map;
 *     pread(fd, &map, sizeof map, TRAMPFD_MAP_OFFSET);
 *     char *base = mmap(NULL, map.size, map.prot, map.flags, fd, map.offset);
 *
 * The trampoline is called at base + map.ioffset. A context may be set again at any time, and the newest counts. The
 * program cannot reach what it set but through the descriptor, and it may read that back before it calls.
 *
 * Take version 2 for many trampolines, and where what they call is to be changed by a store; take version 1 for
 * constants that no stray store can change, for more than two registers, or for arguments on the stack.
 *
 * The interface is the kernel proposals' of July (1) and September 2020 (2). No kernel has it: `trampfd run -- PROGRAM`
 * answers the system call. Needs nothing but errno.h, stdint.h and a C library with syscall(2); for C89 with GNU
 * extensions, C99 and C++98 or later.
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
	uint32_t code_offset;  /* offset for mmap(2): one page */
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
 * An extension of this project: tables of more than one page. Written once, at offset TRAMPFD_EXTENSION, before code and
 * data, it asks that the code descriptor of this table may have up to `ntrampolines` trampolines:
 *
 *     struct trampfd_extension large = { TRAMPFD_EXTENSION_VERSION, n, { 0, 0 } };
 *     int has_it = pwrite(fd, &large, sizeof large, TRAMPFD_EXTENSION) == sizeof large;
 *
 * Who does not know it answers EINVAL, as to any other offset. All else is as with one page: trampoline X stands at
 * base + code_size * X, also across the borders of pages, and one mmap of code_size * n bytes maps all n trampolines of
 * the code descriptor, no more and no fewer. trampfd_info is not changed by it.
 *
 *     EINVAL  version is not 1, reserved is not 0, ntrampolines is 0 or above TRAMPFD_EXTENSION_MOST
 *     EEXIST  it was asked for already, or code or data is set already
 *     ENOMEM  from the second of code and data: no memory for that many trampolines; nothing was done
 */
struct trampfd_extension {
	uint32_t version;      /* TRAMPFD_EXTENSION_VERSION */
	uint32_t ntrampolines; /* 1 to TRAMPFD_EXTENSION_MOST */
	uint32_t reserved[2];  /* 0 */
};

enum trampfd_extension_numbers {
	TRAMPFD_EXTENSION = 0x10000,
	TRAMPFD_EXTENSION_VERSION = 1,
	TRAMPFD_EXTENSION_MOST = 1048576
};

/*
 * Numbers of registers. A program names those of its own architecture. Those of x86 and arm are the proposal's: a 32-bit
 * program names those of i386 or arm, a 64-bit one those of x86-64 or arm64. The stack pointer has none.
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

/*
 * Registers of riscv64, by their numbers in instructions. x0 to x4, which hold zero, the return address, the stack
 * pointer, the global and the thread pointer, cannot be named. x5 and x7 take the data only: a jump through them would
 * not ask for a landing pad.
 */
enum trampfd_riscv64_register {
	riscv64_x5 = 5,  /* t0; data only */
	riscv64_x6,      /* t1 */
	riscv64_x7,      /* t2; data only */
	riscv64_x8,      /* s0 */
	riscv64_x9,      /* s1 */
	riscv64_x10,     /* a0 */
	riscv64_x11,     /* a1 */
	riscv64_x12,     /* a2 */
	riscv64_x13,     /* a3 */
	riscv64_x14,     /* a4 */
	riscv64_x15,     /* a5 */
	riscv64_x16,     /* a6 */
	riscv64_x17,     /* a7 */
	riscv64_x18,     /* s2 */
	riscv64_x19,     /* s3 */
	riscv64_x20,     /* s4 */
	riscv64_x21,     /* s5 */
	riscv64_x22,     /* s6 */
	riscv64_x23,     /* s7 */
	riscv64_x24,     /* s8 */
	riscv64_x25,     /* s9 */
	riscv64_x26,     /* s10 */
	riscv64_x27,     /* s11 */
	riscv64_x28,     /* t3 */
	riscv64_x29,     /* t4 */
	riscv64_x30,     /* t5 */
	riscv64_x31      /* t6 */
};

/*
 * Registers of ppc64le, by their numbers in instructions. r0, which cannot hold an address, r1, the stack pointer, r2,
 * the TOC pointer, and r13, the thread pointer, cannot be named. Functions with a TOC expect their own address in r12.
 */
enum trampfd_ppc64_register {
	ppc64_r3 = 3,
	ppc64_r4,
	ppc64_r5,
	ppc64_r6,
	ppc64_r7,
	ppc64_r8,
	ppc64_r9,
	ppc64_r10,
	ppc64_r11,
	ppc64_r12,
	ppc64_r14 = 14,
	ppc64_r15,
	ppc64_r16,
	ppc64_r17,
	ppc64_r18,
	ppc64_r19,
	ppc64_r20,
	ppc64_r21,
	ppc64_r22,
	ppc64_r23,
	ppc64_r24,
	ppc64_r25,
	ppc64_r26,
	ppc64_r27,
	ppc64_r28,
	ppc64_r29,
	ppc64_r30,
	ppc64_r31
};

/*
 * Registers of s390x, by their numbers in instructions. r14, the return address, and r15, the stack pointer, cannot be
 * named. r0 takes the data only: there is no jump through it.
 */
enum trampfd_s390x_register {
	s390x_r0 = 0, /* data only */
	s390x_r1,
	s390x_r2,
	s390x_r3,
	s390x_r4,
	s390x_r5,
	s390x_r6,
	s390x_r7,
	s390x_r8,
	s390x_r9,
	s390x_r10,
	s390x_r11,
	s390x_r12,
	s390x_r13
};

/*
 * Registers of loongarch64, by their numbers in instructions. r0 to r3, which hold zero, the return address, the thread
 * and the stack pointer, and r21, which is reserved, cannot be named.
 */
enum trampfd_loongarch64_register {
	loongarch64_r4 = 4,   /* a0 */
	loongarch64_r5,       /* a1 */
	loongarch64_r6,       /* a2 */
	loongarch64_r7,       /* a3 */
	loongarch64_r8,       /* a4 */
	loongarch64_r9,       /* a5 */
	loongarch64_r10,      /* a6 */
	loongarch64_r11,      /* a7 */
	loongarch64_r12,      /* t0 */
	loongarch64_r13,      /* t1 */
	loongarch64_r14,      /* t2 */
	loongarch64_r15,      /* t3 */
	loongarch64_r16,      /* t4 */
	loongarch64_r17,      /* t5 */
	loongarch64_r18,      /* t6 */
	loongarch64_r19,      /* t7 */
	loongarch64_r20,      /* t8 */
	loongarch64_r22 = 22, /* fp */
	loongarch64_r23,      /* s0 */
	loongarch64_r24,      /* s1 */
	loongarch64_r25,      /* s2 */
	loongarch64_r26,      /* s3 */
	loongarch64_r27,      /* s4 */
	loongarch64_r28,      /* s5 */
	loongarch64_r29,      /* s6 */
	loongarch64_r30,      /* s7 */
	loongarch64_r31       /* s8 */
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

/*
 * Version 1. Every field named reserved must be 0. The three contexts below are of variable size: a header that says how
 * many entries follow. A write is of exactly the size that the header says, and of no entries it removes the context.
 */

/* The first argument of the system call: the type of the trampoline. */
enum trampfd_type {
	TRAMPFD_USER
};

/* The second argument: what is to be known about a trampoline of this type. */
struct trampfd_user {
	uint32_t flags;    /* 0 */
	uint32_t reserved; /* 0 */
};

/* The offsets that contexts are written and read at. */
enum trampfd_user_offsets {
	TRAMPFD_MAP_OFFSET,   /* read only: struct trampfd_map */
	TRAMPFD_REGS_OFFSET,  /* struct trampfd_regs */
	TRAMPFD_STACK_OFFSET, /* struct trampfd_stack */
	TRAMPFD_PCS_OFFSET,   /* write only: struct trampfd_values, the PCs that register contexts may have */
	TRAMPFD_NUM_USER_OFFSETS
};

/* How the trampoline is to be mapped: the arguments of mmap(2), and where in the mapping it is called. */
struct trampfd_map {
	uint32_t size;
	uint32_t prot;
	uint32_t flags;
	uint32_t offset;
	uint32_t ioffset;  /* bytes from what mmap(2) returns to what is called */
	uint32_t reserved; /* 0 */
};

/* A register and the value that it has when the target is entered. */
struct trampfd_reg {
	uint32_t name;
	uint32_t reserved; /* 0 */
	uint64_t value;    /* of 32 bits in a 32-bit program */
};

/* The register context. It must name the program counter: the target. Where a name comes twice, the last one counts. */
struct trampfd_regs {
	uint32_t nregs;    /* 1 to TRAMPFD_MAX_REGS; 0 removes the context, and a call is a fault then */
	uint32_t reserved; /* 0 */
	__extension__ struct trampfd_reg regs[];
};

/* The stack context: data that a call puts at stack pointer - size - offset. */
struct trampfd_stack {
	uint32_t flags;    /* 0, or TRAMPFD_SET_SP */
	uint32_t offset;   /* 0 to TRAMPFD_MAX_STACK_OFFSET */
	uint32_t size;     /* 1 to TRAMPFD_MAX_DATA_SIZE; 0 removes the context */
	uint32_t reserved; /* 0 */
	__extension__ uint8_t data[];
};

/* The allowed PCs: once set, a register context with another PC is refused. A context that was there before stays. */
struct trampfd_values {
	uint32_t nvalues;  /* 1 to TRAMPFD_MAX_PCS; 0 allows every PC again */
	uint32_t reserved; /* 0 */
	__extension__ uint64_t values[]; /* none of them 0 */
};

#define TRAMPFD_MAX_REGS 40
#define TRAMPFD_MAX_PCS 16
#define TRAMPFD_MAX_DATA_SIZE 64
#define TRAMPFD_MAX_STACK_OFFSET 256

/* A flag of the stack context: align that address as a function's entry wants it, and move the stack pointer there. */
#define TRAMPFD_SET_SP 1

/* Bytes of a context with so many entries, which is what a write of it counts. */
#define TRAMPFD_REGS_SIZE(nregs) (sizeof(struct trampfd_regs) + (nregs) * sizeof(struct trampfd_reg))
#define TRAMPFD_STACK_SIZE(size) (sizeof(struct trampfd_stack) + (size))
#define TRAMPFD_VALUES_SIZE(nvalues) (sizeof(struct trampfd_values) + (nvalues) * sizeof(uint64_t))

/*
 * Names of registers in a register context. Version 1 counts the program counter as one of them, so that its numbers are
 * not those of version 2 above, whose enumerators have the short names: x64_rax is 7, trampfd_user_x64_rax is 8. Here
 * too, a 32-bit program names those of i386 or arm, a 64-bit one those of x86-64 or arm64. Other architectures have no
 * version 1.
 */
enum trampfd_user_x86_register {
	trampfd_user_x32_eax = 0,
	trampfd_user_x32_ebx,
	trampfd_user_x32_ecx,
	trampfd_user_x32_edx,
	trampfd_user_x32_esi,
	trampfd_user_x32_edi,
	trampfd_user_x32_ebp,
	trampfd_user_x32_eip, /* the program counter */
	trampfd_user_x64_rax,
	trampfd_user_x64_rbx,
	trampfd_user_x64_rcx,
	trampfd_user_x64_rdx,
	trampfd_user_x64_rsi,
	trampfd_user_x64_rdi,
	trampfd_user_x64_rbp,
	trampfd_user_x64_r8,
	trampfd_user_x64_r9,
	trampfd_user_x64_r10,
	trampfd_user_x64_r11,
	trampfd_user_x64_r12,
	trampfd_user_x64_r13,
	trampfd_user_x64_r14,
	trampfd_user_x64_r15,
	trampfd_user_x64_rip /* the program counter */
};

enum trampfd_user_arm_register {
	trampfd_user_arm_r0 = 0,
	trampfd_user_arm_r1,
	trampfd_user_arm_r2,
	trampfd_user_arm_r3,
	trampfd_user_arm_r4,
	trampfd_user_arm_r5,
	trampfd_user_arm_r6,
	trampfd_user_arm_r7,
	trampfd_user_arm_r8,
	trampfd_user_arm_r9,
	trampfd_user_arm_r10,
	trampfd_user_arm_ip, /* r12 */
	trampfd_user_arm_pc, /* the program counter */
	trampfd_user_arm64_x0,
	trampfd_user_arm64_x1,
	trampfd_user_arm64_x2,
	trampfd_user_arm64_x3,
	trampfd_user_arm64_x4,
	trampfd_user_arm64_x5,
	trampfd_user_arm64_x6,
	trampfd_user_arm64_x7,
	trampfd_user_arm64_x8,
	trampfd_user_arm64_x9,
	trampfd_user_arm64_x10,
	trampfd_user_arm64_x11,
	trampfd_user_arm64_x12,
	trampfd_user_arm64_x13,
	trampfd_user_arm64_x14,
	trampfd_user_arm64_x15,
	trampfd_user_arm64_x16,
	trampfd_user_arm64_x17,
	trampfd_user_arm64_x18,
	trampfd_user_arm64_x19,
	trampfd_user_arm64_x20,
	trampfd_user_arm64_x21,
	trampfd_user_arm64_x22,
	trampfd_user_arm64_x23,
	trampfd_user_arm64_x24,
	trampfd_user_arm64_x25,
	trampfd_user_arm64_x26,
	trampfd_user_arm64_x27,
	trampfd_user_arm64_x28,
	trampfd_user_arm64_pc /* the program counter */
};

/*
 * Creates a trampoline of version 1, with no context yet.
 *
 * Returns a descriptor, which is close-on-exec, or -1 with errno:
 *
 *     EMFILE      the process has no free descriptor
 *     ENOMEM      no memory
 *     EOPNOTSUPP  there are no trampolines of version 1 for this architecture
 *     ENOSYS      nobody answers the call: see trampfd()
 *
 * Where nobody answers, the kernel takes the call for process_madvise(pidfd 0, vec, vlen 0, behavior, flags). If
 * descriptor 0 is a pidfd, newer kernels let that succeed, even with a behavior that there is none of: there is nothing
 * to be done for no vectors. But flags with every bit set are refused with EINVAL before anything else is looked at.
 * Somebody who answers can have nothing against what is passed here, so every errno that is not listed means ENOSYS.
 *
 * As trampfd() does, it calls again after EINTR; do the same with pwrite(2), pread(2) and mmap(2) of a trampoline.
 */
static __inline__ int trampfd_create_user(void)
{
	struct trampfd_user user = { 0, 0 };
	long result;

	do
		result = trampfd_libc_syscall(SYS_trampfd, (long)TRAMPFD_USER, &user, 0L, -1L, ~0UL);
	while (result == -1 && errno == EINTR);
	if (result >= 0)
		return (int)result;
	if (errno != EMFILE && errno != ENOMEM && errno != EOPNOTSUPP)
		errno = ENOSYS;
	return -1;
}

#ifdef __cplusplus
}
#endif

#endif /* TRAMPFD_H */
