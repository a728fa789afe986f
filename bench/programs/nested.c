/*
 * usage: nested executable|handler|outside|memory WARM-UP CALLS
 *
 * What a call costs through a pointer to a nested function, which is a trampoline on the stack, after WARM-UP calls that
 * are not measured. GCC has the linker make the stack executable: so it is bare, and calls cost nothing to speak of
 * (`executable`). Under `trampfd run`, or linked with -z noexecstack, it is not, and each call is a fault. Then a handler
 * of SIGSEGV in this process emulates it (`handler`), or somebody outside of it (`outside`). It is an error where the
 * stack is not what is said here: nothing would be measured.
 *
 * Prints `NAME NANOSECONDS`; `memory`, which is `outside`, prints the kibibytes that this process's parent, the
 * supervisor, has in memory before and after the calls: `before KIB` and `after KIB`.
 */
#define _GNU_SOURCE
#include "caller.h"
#include "clock.h"
#include "stack_trampoline.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static volatile long total;

/* Recognises the bytes at which the program has stopped, loads the two registers and goes on at the function. */
static void on_fault(int signal_number, siginfo_t *information, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct stack_trampoline found;

	if ((greg_t)information->si_addr != registers[REG_RIP] || !recognise(information->si_addr, &found)) {
		signal(signal_number, SIG_DFL);
		return;
	}
	registers[REG_R11] = (greg_t)found.function;
	registers[REG_R10] = (greg_t)found.chain;
	registers[REG_RIP] = (greg_t)found.function;
}

/* Calls it with 0 to calls - 1: the nanoseconds. Every call must have arrived. */
APART static double time_calls(function *called, long calls)
{
	total = 0;
	const double start = now();
	for (long value = 0; value < calls; value++)
		called(value);
	const double spent = now() - start;
	if (total != calls * (calls - 1) / 2) {
		fprintf(stderr, "nested: calls were lost\n");
		exit(1);
	}
	return spent;
}

/* Kibibytes of the parent in memory, from /proc/PID/status. */
static long parent_memory(void)
{
	char path[64], line[256];
	long resident = -1;
	snprintf(path, sizeof path, "/proc/%d/status", (int)getppid());
	FILE *const status = fopen(path, "re");
	need(status != NULL, path);
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "VmRSS: %ld kB", &resident) == 1)
			break;
	fclose(status);
	need(resident > 0, "VmRSS");
	return resident;
}

/* Whether the mapping is executable that a local variable is in. */
static int stack_is_executable(void)
{
	char line[256], permissions[5];
	unsigned long from, to;
	int found = -1;
	FILE *const maps = fopen("/proc/self/maps", "re");
	need(maps != NULL, "/proc/self/maps");
	while (fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &from, &to, permissions) == 3 && (unsigned long)line >= from &&
		    (unsigned long)line < to)
			found = permissions[2] == 'x';
	fclose(maps);
	need(found >= 0, "the stack in /proc/self/maps");
	return found;
}

/*
 * The pointer to the nested function is made here, and so its trampoline is in this frame. What it adds to is not,
 * because a processor that sees a store beside code throws its pipeline away.
 */
APART static void measure(const char *what, long warm_up, long calls)
{
	volatile long *sum = &total;
	APART void nested(long value)
	{
		*sum += value;
	}
	__asm__ volatile("" : "+r"(sum));
	time_calls(nested, warm_up);
	if (strcmp(what, "memory") == 0)
		printf("before %ld\n", parent_memory());
	const double spent = time_calls(nested, calls);
	if (strcmp(what, "memory") == 0)
		printf("after %ld\n", parent_memory());
	else
		printf("%s %.4f\n", what, spent / (double)calls);
}

int main(int count, char **arguments)
{
	const char *const what = count == 4 ? arguments[1] : "";
	const int is_executable = strcmp(what, "executable") == 0, is_handler = strcmp(what, "handler") == 0;
	if (!is_executable && !is_handler && strcmp(what, "outside") != 0 && strcmp(what, "memory") != 0) {
		fprintf(stderr, "usage: nested executable|handler|outside|memory WARM-UP CALLS\n");
		return 2;
	}
	if (stack_is_executable() != is_executable) {
		fprintf(stderr, "nested: the stack is %sexecutable, so '%s' cannot be measured\n", is_executable ? "not " : "", what);
		return 1;
	}
	const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	need(!is_handler || sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
	measure(what, number(arguments[2]), number(arguments[3]));
	return 0;
}
