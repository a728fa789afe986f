/* Registers in the order of their encoding: eax ecx edx ebx esp ebp esi edi. Linked at a fixed address. */
#define WORD_REGISTERS 8
#ifdef EXECUTE_CONTEXT
#define _GNU_SOURCE
#include <ucontext.h>
static const int fault_order[] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
#define FAULT_FLAGS(context) ((context)->uc_mcontext.gregs[REG_EFL])
#define FAULT_REGISTER(context, r) ((context)->uc_mcontext.gregs[fault_order[r]])
#include "execute_context.h"
#else
#include "execute.h"
#endif

asm(".macro target name\n"
    ".globl \\name\n"
    "\\name:\n"
    "	movl %eax, after\n"
    "	movl %ecx, after+4\n"
    "	movl %edx, after+8\n"
    "	movl %ebx, after+12\n"
    "	movl %esp, after+16\n"
    "	movl %ebp, after+20\n"
    "	movl %esi, after+24\n"
    "	movl %edi, after+28\n"
    "	movl harness_stack, %esp\n"
    "	pushfl\n"
    "	popl flags_after\n"
    "	cld\n"
    "	movl $\\name, reached\n"
    "	popl %edi\n"
    "	popl %esi\n"
    "	popl %ebp\n"
    "	popl %ebx\n"
    "	ret\n"
    ".endm\n"
    "	.text\n"
    "	target target_0\n"
    "	target target_1\n"
    ".globl run_slot\n"
    "run_slot:\n"
    "	pushl %ebx\n"
    "	pushl %ebp\n"
    "	pushl %esi\n"
    "	pushl %edi\n"
    "	movl %esp, harness_stack\n"
    "	pushl flags_before\n"
    "	popfl\n"
    "	movl before, %eax\n"
    "	movl before+4, %ecx\n"
    "	movl before+8, %edx\n"
    "	movl before+12, %ebx\n"
    "	movl before+16, %esp\n"
    "	movl before+20, %ebp\n"
    "	movl before+24, %esi\n"
    "	movl before+28, %edi\n"
    "	jmp *slot_address\n");
