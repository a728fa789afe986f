/*
 * usage: tracer PROGRAM [ARG ...]
 *
 * The least that emulating a trampoline from outside of the process can cost: runs a program whose stack is not
 * executable, and answers each fault on a trampoline of GCC's by loading its registers. It looks at nothing but the
 * bytes, knows one thread, and does nothing else. See ptrace(2).
 */
#define _GNU_SOURCE
#include "clock.h"
#include "stack_trampoline.h"

#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Emulates the trampoline that the program has stopped at; 0 where there is none. */
static int emulate(pid_t program)
{
	struct user_regs_struct registers;
	struct iovec area = {&registers, sizeof registers};
	need(ptrace(PTRACE_GETREGSET, program, (void *)NT_PRSTATUS, &area) == 0, "PTRACE_GETREGSET");

	unsigned char code[STACK_TRAMPOLINE_LENGTH];
	const struct iovec here = {code, sizeof code}, there = {(void *)registers.rip, sizeof code};
	struct stack_trampoline found;
	if (process_vm_readv(program, &here, 1, &there, 1, 0) != sizeof code || !recognise(code, &found))
		return 0;
	registers.r11 = registers.rip = found.function;
	registers.r10 = found.chain;
	need(ptrace(PTRACE_SETREGSET, program, (void *)NT_PRSTATUS, &area) == 0, "PTRACE_SETREGSET");
	return 1;
}

int main(int count, char **arguments)
{
	if (count < 2) {
		fprintf(stderr, "usage: tracer PROGRAM [ARG ...]\n");
		return 2;
	}
	int ready[2];
	char byte = 0;
	need(pipe(ready) == 0, "pipe");
	const pid_t program = fork();
	need(program >= 0, "fork");
	if (program == 0) {
		need(read(ready[0], &byte, 1) == 1, "read");
		execvp(arguments[1], arguments + 1);
		perror(arguments[1]);
		_exit(127);
	}
	need(ptrace(PTRACE_SEIZE, program, NULL, NULL) == 0, "PTRACE_SEIZE");
	need(write(ready[1], &byte, 1) == 1, "write");
	for (;;) {
		int status;
		need(waitpid(program, &status, 0) == program, "waitpid");
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		const int stopped_by = WSTOPSIG(status);
		const int is_emulated = stopped_by == SIGSEGV && emulate(program);
		need(ptrace(PTRACE_CONT, program, NULL, (void *)(long)(is_emulated || stopped_by == SIGTRAP ? 0 : stopped_by)) == 0,
		     "PTRACE_CONT");
	}
}
