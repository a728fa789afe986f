/*
 * Trampolines over fork(), vfork() and exec: those that were there, and others in their places, in parent and child.
 *
 *   forks             with trampolines in memory of the program's own, and on the stack
 *   forks closures    with closures of libffi (where it is compiled with LIBFFI)
 *   forks uncalled    with closures of which one was called
 *   forks after       forks first, and asks for such memory in the children
 *   forks exec        executes itself, which then asks for nothing, and then itself, which asks again
 *   forks vfork       as above, from a child that shares the memory
 *   forks thread      executes itself from a thread, while others call
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef LIBFFI
#include <ffi.h>
#endif

extern char **environ;

/* Waits for a child, and says how it ended. What a child prints is in the pipe before what its parent prints then. */
static void wait_for(pid_t child)
{
	int status;

	need(child > 0 && waitpid(child, &status, 0) == child, "child");
	if (WIFEXITED(status))
		printf("child exited with %d\n", WEXITSTATUS(status));
	else
		printf("child was killed by %d\n", WTERMSIG(status));
	fflush(stdout);
}

static void say(const char *who, long value)
{
	printf("%s %ld\n", who, value);
	fflush(stdout);
}

__attribute__((noinline)) static void with_nested(long base, void (*use)(function_t *))
{
	long nested(long value)
	{
		return base + value;
	}
	use(nested);
}

static unsigned char *memory;

static void make(long from)
{
	for (int n = 0; n < IN_A_PAGE; n++)
		place_trampoline(memory + n * TRAMPOLINE_ROOM, n % 2 ? enter_add : enter_multiply, from + n);
}

static long call_all(void)
{
	long sum = 0;

	for (int n = 0; n < IN_A_PAGE; n++)
		sum += ((function_t *)(memory + n * TRAMPOLINE_ROOM))(n + 1);
	return sum;
}

static void fork_twice(function_t *nested)
{
	say("before", call_all() + nested(1));
	pid_t child = fork();
	if (child == 0) {
		say("child", call_all() + nested(2));
		make(1000);
		say("child, others", call_all());
		pid_t grandchild = fork();
		if (grandchild == 0) {
			say("grandchild", call_all() + nested(3));
			make(5000);
			say("grandchild, others", call_all());
			_Exit(31);
		}
		wait_for(grandchild);
		say("child, its own again", call_all());
		_Exit(32);
	}
	wait_for(child);
	/* What the child wrote is the child's. */
	say("parent, its own again", call_all() + nested(4));
	child = fork();
	if (child == 0) {
		/* The other way round: the parent writes while the child has not looked yet. */
		usleep(100000);
		say("second child", call_all() + nested(5));
		_Exit(33);
	}
	make(2000);
	long sum = call_all();
	wait_for(child);
	say("parent, others", sum);
}

static void in_memory(void)
{
	memory = executable_memory(1);
	make(0);
	with_nested(100, fork_twice);
}

static void ask_after_fork(void)
{
	for (int n = 0; n < 3; n++) {
		pid_t child = fork();
		if (child == 0) {
			memory = executable_memory(1);
			make(n * 10);
			say("child", call_all());
			_Exit(40 + n);
		}
		wait_for(child);
	}
	in_memory();
}

#ifdef LIBFFI
/* More than fit into one of libffi's mappings. */
#define CLOSURES 100
static struct {
	ffi_closure *closure;
	void *code;
	long number;
} closures[CLOSURES];
static ffi_cif cif;

static void answer(ffi_cif *description, void *result, void **arguments, void *data)
{
	(void)description;
	*(ffi_sarg *)result = *(long *)arguments[0] * 2 + *(long *)data;
}

static void answer_otherwise(ffi_cif *description, void *result, void **arguments, void *data)
{
	(void)description;
	*(ffi_sarg *)result = *(long *)data - *(long *)arguments[0];
}

static void make_closures(long from, void (*function)(ffi_cif *, void *, void **, void *))
{
	for (int n = 0; n < CLOSURES; n++) {
		closures[n].number = from + n;
		closures[n].closure = ffi_closure_alloc(sizeof(ffi_closure), &closures[n].code);
		need(closures[n].closure != NULL && ffi_prep_closure_loc(closures[n].closure, &cif, function, &closures[n].number,
		                                                         closures[n].code) == FFI_OK,
		     "closure");
	}
}

static long call_closures(void)
{
	long sum = 0;

	for (int n = 0; n < CLOSURES; n++)
		sum += ((function_t *)closures[n].code)(n);
	return sum;
}

static void describe_closures(void)
{
	static ffi_type *arguments[] = { &ffi_type_slong };

	need(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_slong, arguments) == FFI_OK, "description");
}

static void with_closures(void)
{
	describe_closures();
	make_closures(0, answer);
	say("before", call_closures());
	pid_t child = fork();
	if (child == 0) {
		say("child", call_closures());
		for (int n = 0; n < CLOSURES; n++)
			ffi_closure_free(closures[n].closure);
		make_closures(7000, answer_otherwise);
		say("child, others", call_closures());
		_Exit(34);
	}
	wait_for(child);
	say("parent, its own again", call_closures());
	for (int n = 0; n < CLOSURES; n++)
		ffi_closure_free(closures[n].closure);
	make_closures(9000, answer_otherwise);
	say("parent, others", call_closures());
}

/* A child writes closures anew that its parent has not called yet. */
static void with_uncalled(void)
{
	describe_closures();
	make_closures(0, answer);
	say("before", ((function_t *)closures[0].code)(5));
	pid_t child = fork();
	if (child == 0) {
		for (int n = 0; n < CLOSURES; n++)
			need(ffi_prep_closure_loc(closures[n].closure, &cif, answer_otherwise, &closures[n].number, closures[n].code) ==
			         FFI_OK,
			     "closure");
		say("child, others", call_closures());
		_Exit(34);
	}
	wait_for(child);
	say("parent, its own still", call_closures());
}
#endif

/* Starts this program again; it says which way. */
static void execute(const char *how)
{
	execl("/proc/self/exe", "forks", how, (char *)NULL);
	_Exit(98);
}

static void nothing_asked(void)
{
	puts("asks for nothing");
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		execute("in-memory");
	wait_for(child);
}

static void from_vfork(void)
{
	in_memory();
	pid_t child = vfork();
	if (child == 0)
		execute("nothing");
	wait_for(child);
	char *words[] = { "forks", "nothing", NULL };
	need(posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ) == 0, "spawned program");
	wait_for(child);
	say("parent, its own again", call_all());
	/* The child of vfork() shares the memory: it may call as well. */
	child = vfork();
	if (child == 0)
		_exit((int)((function_t *)memory)(0) == 0 ? 35 : 36);
	wait_for(child);
}

static void *call_forever(void *argument)
{
	for (;;)
		((function_t *)memory)((long)argument);
	return NULL;
}

static void *execute_from_thread(void *argument)
{
	usleep(20000);
	execute("nothing");
	return argument;
}

static void from_thread(void)
{
	pthread_t threads[4];

	memory = executable_memory(1);
	make(0);
	for (int n = 0; n < 4; n++)
		need(pthread_create(&threads[n], NULL, n < 3 ? call_forever : execute_from_thread, NULL) == 0, "thread");
	pthread_join(threads[0], NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "in-memory";

	if (strcmp(how, "in-memory") == 0)
		in_memory();
#ifdef LIBFFI
	else if (strcmp(how, "closures") == 0)
		with_closures();
	else if (strcmp(how, "uncalled") == 0)
		with_uncalled();
#endif
	else if (strcmp(how, "after") == 0)
		ask_after_fork();
	else if (strcmp(how, "nothing") == 0)
		nothing_asked();
	else if (strcmp(how, "vfork") == 0)
		from_vfork();
	else if (strcmp(how, "thread") == 0)
		from_thread();
	else if (strcmp(how, "exec") == 0) {
		in_memory();
		execute("nothing");
	} else
		return 2;
	return 41;
}
