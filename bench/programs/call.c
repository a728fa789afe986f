/*
 * usage: call CALLER ROUNDS CALLS FAULTS
 *
 * What a call costs that arrives with a context, by every way there is, in nanoseconds. CALLER is caller.c as a shared
 * object. In each round all ways take their turn, with CALLS calls each (FAULTS for the one that faults); each turn
 * prints `WAY NANOSECONDS`.
 *
 * The called function adds its argument to a volatile variable, for every way. Unless the way's name says otherwise
 * the loop is the library's and the function the program's, as with a callback. What a jump costs may depend on its
 * distance, which is why two other placements are measured too: `program-` ways stay within the program, but for the
 * trampoline; in `library-` ways all three are among the libraries. `empty-` ways call a function that returns at once:
 * what a trampoline adds is largest beside nothing.
 *
 * Needs an executable stack (gcc -z execstack) for the way of GCC, and -lffi. Without a supervisor the ways through a
 * trampoline table are left out.
 */
#define _GNU_SOURCE
#include "caller.h"
#include "clock.h"
#include "context.h"
#include "table.h"

#include <dlfcn.h>
#include <ffi.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

static volatile long total;

APART static void add(long value)
{
	total += value;
}

APART static void empty(long value)
{
	(void)value;
}

APART static double time_direct(long calls)
{
	const double start = now();
	for (long value = 0; value < calls; value++)
		add(value);
	return now() - start;
}

/* The same loop as the library's. */
APART static double time_here(function *called, long calls)
{
	const double start = now();
	for (long value = 0; value < calls; value++)
		called(value);
	return now() - start;
}

/* What the library has. */
static time_function *time_there;
static function *library_add;
static volatile long *library_total;

static void open_caller(const char *path)
{
	void *caller = dlopen(path, RTLD_NOW);
	if (caller == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&time_there = dlsym(caller, "time_calls");
	*(void **)&library_add = dlsym(caller, "library_add");
	library_total = dlsym(caller, "library_total");
	need(time_there != NULL && library_add != NULL && library_total != NULL, path);
}

/* Every call must have arrived: the sum of 0 to calls - 1, or the program ends. */
static void print(const char *way, double nanoseconds, long calls, long sum)
{
	if (sum != calls * (calls - 1) / 2) {
		fprintf(stderr, "%s: calls were lost\n", way);
		exit(1);
	}
	printf("%s %.4f\n", way, nanoseconds / (double)calls);
}

static void measure(const char *way, time_function *loop, function *called, long calls)
{
	total = 0;
	const double spent = loop(called, calls);
	print(way, spent, calls, total);
}

static void measure_empty(const char *way, function *called, long calls)
{
	printf("%s %.4f\n", way, time_there(called, calls) / (double)calls);
}

static void measure_library(const char *way, function *called, long calls)
{
	*library_total = 0;
	const double spent = time_there(called, calls);
	print(way, spent, calls, *library_total);
}

/*
 * GCC's own trampoline: the function needs its caller's frame, and so its address is that of code on the stack. What
 * it adds to is not in that frame, because a processor that sees a store beside code throws its pipeline away.
 */
APART static void measure_nested(long calls)
{
	volatile long *sum = &total;
	APART void nested(long value)
	{
		*sum += value;
	}
	__asm__ volatile("" : "+r"(sum));
	measure("gcc-stack", time_there, nested, calls);
}

/* libffi's closure: it stores the arguments to memory and calls a handler, which is the called function here. */
static void on_closure(ffi_cif *interface, void *result, void **arguments, void *context)
{
	(void)interface;
	(void)result;
	(void)context;
	total += *(const long *)arguments[0];
}

static function *closure(void)
{
	static ffi_cif interface;
	static ffi_type *types[] = {&ffi_type_slong};
	void *code;
	ffi_closure *made = ffi_closure_alloc(sizeof *made, &code);
	need(made != NULL, "ffi_closure_alloc");
	need(ffi_prep_cif(&interface, FFI_DEFAULT_ABI, 1, &ffi_type_void, types) == FFI_OK, "ffi_prep_cif");
	need(ffi_prep_closure_loc(made, &interface, on_closure, NULL, code) == FFI_OK, "ffi_prep_closure_loc");
	function *called;
	memcpy(&called, &code, sizeof called);
	return called;
}

/*
 * Emulation: the bytes of a trampoline on a page that is not executable. A call of them faults; the handler recognises
 * the bytes, loads the two registers and goes on at the target.
 */
enum { TARGET_AT = 2, CHAIN_AT = 12, JUMP_AT = 20, EMULATED_LENGTH = 23 };

static unsigned char *emulated_page;

static void on_fault(int signal_number, siginfo_t *information, void *context)
{
	(void)signal_number;
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const unsigned char *code = information->si_addr;
	if ((greg_t)code != registers[REG_RIP] || code < emulated_page || code >= emulated_page + 4096 - EMULATED_LENGTH ||
	    memcmp(code, "\x49\xbb", 2) != 0 || memcmp(code + 10, "\x49\xba", 2) != 0 ||
	    memcmp(code + JUMP_AT, "\x49\xff\xe3", 3) != 0) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	memcpy(&registers[REG_R11], code + TARGET_AT, 8);
	memcpy(&registers[REG_R10], code + CHAIN_AT, 8);
	registers[REG_RIP] = registers[REG_R11];
}

static function *emulated(void)
{
	function *const target = add;
	emulated_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(emulated_page != MAP_FAILED, "mmap");
	memcpy(emulated_page, "\x49\xbb", 2);
	memcpy(emulated_page + TARGET_AT, &target, 8);
	memcpy(emulated_page + 10, "\x49\xba", 2);
	memcpy(emulated_page + JUMP_AT, "\x49\xff\xe3", 3);
	const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	need(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
	function *called;
	memcpy(&called, &emulated_page, sizeof called);
	return called;
}

enum { TO_ADD, TO_EMPTY, TO_LIBRARY, FUNCTIONS };

/* Trampolines to the three functions. 0 where nobody serves them. */
static int trampolines(function *called[FUNCTIONS])
{
	static function *code[FUNCTIONS];
	static int contexts[FUNCTIONS];
	static void *data[FUNCTIONS] = {&contexts[TO_ADD], &contexts[TO_EMPTY], &contexts[TO_LIBRARY]};
	code[TO_ADD] = add;
	code[TO_EMPTY] = empty;
	code[TO_LIBRARY] = library_add;
	struct trampfd_info info;
	const int table = trampfd(&info);
	if (table == -1 && errno == ENOSYS)
		return 0;
	need(table >= 0, "trampfd");
	info.ntrampolines = FUNCTIONS;
	need(table_configure(table, &info, (void *const *)code, data) == 0, "pwrite");
	unsigned char *page = table_map(table, &info);
	need(page != MAP_FAILED, "mmap of the table");
	for (size_t index = 0; index < FUNCTIONS; index++) {
		void *address = page + info.code_size * index;
		memcpy(&called[index], &address, sizeof address);
	}
	return 1;
}

/* A trampoline of version 1 to a function: one register, as for a static chain; more; or data for the stack as well. */
static function *context(function *target, int registers, int with_stack)
{
	struct trampfd_map how;
	void *base, *address;
	const int trampoline = trampfd_create_user();
	need(trampoline >= 0, "trampfd, version 1");
	need(context_set(trampoline, (void *)target, registers, 1) == 0, "the register context");
	need(!with_stack || context_set_stack(trampoline) == 0, "the stack context");
	address = context_map(trampoline, &how, &base);
	need(address != NULL, "mmap of a trampoline");
	function *called;
	memcpy(&called, &address, sizeof called);
	return called;
}

int main(int count, char **arguments)
{
	if (count != 5) {
		fprintf(stderr, "usage: call CALLER ROUNDS CALLS FAULTS\n");
		return 2;
	}
	open_caller(arguments[1]);
	const long rounds = number(arguments[2]), calls = number(arguments[3]), faults = number(arguments[4]);
	function *trampoline[FUNCTIONS];
	const int served = trampolines(trampoline);
	function *const of_context = served ? context(add, 1, 0) : NULL, *const of_two = served ? context(add, 2, 0) : NULL;
	function *const of_stack = served ? context(add, 1, 1) : NULL, *const to_empty = served ? context(empty, 1, 0) : NULL;
	function *const to_library = served ? context(library_add, 1, 0) : NULL;
	function *const of_libffi = closure(), *const faulting = emulated();

	for (long round = 0; round < rounds; round++) {
		total = 0;
		const double spent = time_direct(calls);
		print("direct", spent, calls, total);
		measure("pointer", time_there, add, calls);
		if (served)
			measure("trampoline", time_there, trampoline[TO_ADD], calls);
		if (served) {
			measure("context", time_there, of_context, calls);
			measure("context-two", time_there, of_two, calls);
			measure("context-stack", time_there, of_stack, calls);
		}
		measure_nested(calls);
		measure("libffi", time_there, of_libffi, calls);
		measure("emulation", time_there, faulting, faults);
		measure("program-pointer", time_here, add, calls);
		if (served)
			measure("program-trampoline", time_here, trampoline[TO_ADD], calls);
		if (served)
			measure("program-context", time_here, of_context, calls);
		measure_library("library-pointer", library_add, calls);
		if (served)
			measure_library("library-trampoline", trampoline[TO_LIBRARY], calls);
		if (served)
			measure_library("library-context", to_library, calls);
		measure_empty("empty-pointer", empty, calls);
		if (served)
			measure_empty("empty-trampoline", trampoline[TO_EMPTY], calls);
		if (served)
			measure_empty("empty-context", to_empty, calls);
	}
	return 0;
}
