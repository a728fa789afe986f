/*
 * Mappings of contexts: before and after the contexts are set, several at once, in children and in other processes. What
 * is set later counts in every mapping; without a register context a call is a fault at the address that is called.
 */
#define _GNU_SOURCE
#include "children.h"
#include "contexts.h"
#include "passing.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

static struct user user;
static sigjmp_buf back;
static volatile sig_atomic_t caught;
static void *volatile fault_address;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	fault_address = info->si_addr;
	siglongjmp(back, 1);
}

/* A call that is a fault: SIGSEGV, and the address that was called. */
static int is_fault(const struct user *called)
{
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		user_call(called);
		return 0;
	}
	return caught == SIGSEGV && fault_address == (void *)user_address(called);
}

static void without_registers(void)
{
	struct registers_context none = { 0, 0, { { 0, 0, 0 } } };
	struct stack_context stack = { 0, 0, 1, 0, { 1 } };

	user_open(&user);
	expect_row("v1-call", "without-registers", is_fault(&user), "before any context: signal %d, address %p, called %p",
	           (int)caught, fault_address, (void *)user_address(&user));
	ok(set_stack(user.fd, &stack) == 0, "a stack context alone");
	expect_row("v1-call", "without-registers", is_fault(&user), "with a stack context alone: signal %d", (int)caught);
	ok(set_simple(user.fd, 3, target_chain) == 0, "a register context is set while it is mapped");
	stack.size = 0;
	ok(set_stack(user.fd, &stack) == 0, "and the stack context removed");
	expect_success("v1-call", user_call(&user) == 3, "of what was set while it was mapped");
	expect_success("v1-pwrite-regs", set_registers(user.fd, &none) == 0, "none: removed: %s", errno_name(errno));
	expect_row("v1-call", "without-registers", is_fault(&user), "when the context is removed: signal %d", (int)caught);
	ok(set_simple(user.fd, 4, target_chain_negated) == 0, "another one");
	expect_success("v1-call", user_call(&user) == ~(uintptr_t)4, "of the newest context");
	expect_errno("v1-pwrite-regs", EINVAL, "too-many",
	             pwrite(user.fd, &(struct registers_context){ .nregs = 41 }, 656 - 8, TRAMPFD_REGS_OFFSET), "a bad context");
	expect_success("v1-call", user_call(&user) == ~(uintptr_t)4, "which a bad context does not change");
}

static void several_times(void)
{
	struct user second = user;

	expect_row("v1-mmap", "again", user_map(&second) == 0 && second.base != user.base, "a second time: %s",
	           errno_name(errno));
	expect_success("v1-call", user_call(&second) == ~(uintptr_t)4, "in a second mapping");
	ok(set_simple(user.fd, 5, target_chain) == 0, "another context");
	expect_success("v1-call", user_call(&user) == 5 && user_call(&second) == 5, "in both mappings");
	expect_success("v1-munmap", user_unmap(&user) == 0, "the first: %s", errno_name(errno));
	expect_success("v1-call", user_call(&second) == 5, "in the mapping that is left");
	ok(user_unmap(&second) == 0 && user_map(&user) == 0 && user_call(&user) == 5, "unmapped, and mapped again");
	int copy = fcntl(user.fd, F_DUPFD_CLOEXEC, user.fd > 20 ? user.fd - 20 : 3);
	ok(copy >= 0 && close(user.fd) == 0, "a copy takes the descriptor's place");
	user.fd = copy;
	ok(set_simple(user.fd, 6, target_chain) == 0 && user_call(&user) == 6, "and sets what is called");
}

static int called_in_child(void)
{
	return !is_fault(&user);
}

static int mapped_in_child(void)
{
	struct user own = user;
	if (user_map(&own) != 0)
		return errno;
	return user_call(&own) != 7;
}

static int set_in_child(void)
{
	return set_simple(user.fd, 8, target_chain) == 0 ? 0 : errno;
}

static int open_in_program(void)
{
	char number[16];

	snprintf(number, sizeof number, "%d", user.fd);
	execl("/proc/self/exe", "context-mapping", number, (char *)NULL);
	return 127;
}

static void in_children(void)
{
	ok(set_simple(user.fd, 7, target_chain) == 0, "a context");
	expect_row("v1-call", "not-inherited", in_child(called_in_child) == 0, "a child's call is a fault");
	expect_row("v1-mmap", "other-process", in_child(mapped_in_child) == 0, "by a child, which calls");
	expect_success("v1-call", user_call(&user) == 7, "by the parent, after its children have ended");
	expect_success("v1-pwrite-regs", in_child(set_in_child) == 0, "by a child");
	expect_success("v1-call", user_call(&user) == 8, "by the parent, of what a child has set");
	ok(in_child(open_in_program) == 0, "a program that is executed does not have the descriptor");
}

/* A process that was there before the trampoline: maps what it receives and says what a call gives. */
static void receiver(int socket)
{
	struct user own;

	while ((own.fd = receive_descriptor(socket)) >= 0) {
		uintptr_t answer = 1;
		if (user_map(&own) == 0) {
			answer = user_call(&own);
			user_unmap(&own);
		}
		if (write(socket, &answer, sizeof answer) != sizeof answer)
			_exit(1);
		close(own.fd);
	}
	_exit(0);
}

static void in_another_process(void)
{
	int sockets[2], status = -1, wrong = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
		bail_out("a socket: %s", errno_name(errno));
	pid_t child = fork();
	if (child == 0) {
		close(sockets[0]);
		receiver(sockets[1]);
	}
	close(sockets[1]);
	for (uintptr_t i = 0; i < 20; i++) {
		uintptr_t answer = 0;
		struct user sent;
		user_open(&sent);
		/* The target is at the same address in the receiver, which is a fork. */
		wrong += set_simple(sent.fd, 100 + i, target_chain) != 0 || send_descriptor(sockets[0], sent.fd) != 0;
		wrong += read(sockets[0], &answer, sizeof answer) != sizeof answer || answer != 100 + i;
		wrong += user_call(&sent) != 100 + i || user_unmap(&sent) != 0 || close(sent.fd) != 0;
	}
	expect_row("v1-mmap", "received", wrong == 0, "by a process that received it, which calls: %d of 20 wrong", wrong);
	close(sockets[0]);
	waitpid(child, &status, 0);
	ok(status == 0, "the receiver ended well");
}

/* The mapping holds the trampoline; what was set last stays. */
static void closed(void)
{
	ok(set_simple(user.fd, 9, target_chain) == 0 && close(user.fd) == 0, "a context, and the descriptor is closed");
	expect_success("v1-call", user_call(&user) == 9, "of a mapping whose descriptor is closed");
	ok(user_unmap(&user) == 0, "unmapped");
	ok(is_fault(&user), "unmapped, a call is a fault");
}

static void many(void)
{
	enum { MANY = 200 };
	static struct user all[MANY];
	int wrong = 0;

	for (uintptr_t i = 0; i < MANY; i++) {
		user_open(&all[i]);
		wrong += set_simple(all[i].fd, i, i % 2 ? target_chain : target_chain_negated) != 0;
	}
	for (uintptr_t i = 0; i < MANY; i++)
		wrong += user_call(&all[i]) != (i % 2 ? i : ~i);
	for (uintptr_t i = 0; i < MANY; i++)
		wrong += user_unmap(&all[i]) != 0 || close(all[i].fd) != 0;
	expect_success("v1-call", wrong == 0, "%d trampolines at once: %d wrong", MANY, wrong);
}

int main(int argc, char **argv)
{
	static char stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (argc == 2)
		return fcntl(atoi(argv[1]), F_GETFD) != -1;
	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	require_contexts();
	without_registers();
	several_times();
	in_children();
	in_another_process();
	closed();
	many();
	return done();
}
