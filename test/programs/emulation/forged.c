/*
 * Bytes that are no trampoline, or one that leads where nothing may be executed. Each trial is a child's, and a line says
 * how it ended: by a signal, or with 0 where the call came back with the right value.
 *
 *   forged bytes      one byte of a trampoline is another one, for each byte that does not carry a value
 *   forged middle     a jump to each byte behind the first one
 *   forged targets    targets that are not executable, or nowhere
 *   forged plain      a trampoline in memory that was never asked to be executable
 *   forged taken      a trampoline in memory that was executable once
 *   forged code       other code than trampolines: the smallest function there is, and its neighbours
 *   forged half       a trampoline at the end of its memory, of which the last byte is missing
 *   forged constants  constants of trampolines that are called often: bytes of code, to which it then jumps, and bytes
 *                     that it then looks for in all that is executable
 */
#define _GNU_SOURCE
#include "trampoline.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *memory;

/* Calls it in a child, and says what came of it. */
static void attempt(const char *what, int at, function_t *function)
{
	int status;

	fflush(stdout);
	pid_t child = fork();
	need(child >= 0, "child");
	if (child == 0) {
		/* Some of it never ends where it is executed. */
		alarm(10);
		_Exit(function(3) == 8 ? 0 : 1);
	}
	need(waitpid(child, &status, 0) == child, "child's end");
	if (WIFSIGNALED(status))
		printf("%s %d: signal %d\n", what, at, WTERMSIG(status));
	else
		printf("%s %d: %d\n", what, at, WEXITSTATUS(status));
}

static int carries_a_value(int at)
{
#ifdef __x86_64__
	return (at >= 6 && at < 14) || (at >= 16 && at < 24);
#else
	return (at >= 1 && at < 5) || at >= 6;
#endif
}

static void bytes(void)
{
	for (int at = 0; at < TRAMPOLINE_LENGTH; at++) {
		if (carries_a_value(at))
			continue;
		for (int bit = 0; bit < 8; bit += 7) {
			/* In a place of its own, so that nothing that is known of another one helps it. */
			unsigned char *place = memory + (at * 2 + (bit > 0)) * TRAMPOLINE_ROOM;
			function_t *function = place_trampoline(place, enter_add, 5);
			place[at] ^= (unsigned char)(1 << bit);
			attempt(bit ? "high bit of" : "low bit of", at, function);
		}
	}
}

static void middle(void)
{
	place_trampoline(memory, enter_add, 5);
	for (int at = 1; at < TRAMPOLINE_LENGTH; at++)
		attempt("from", at, (function_t *)(memory + at));
	attempt("from", 0, (function_t *)memory);
}

static unsigned char data[64];

static void targets(void)
{
	unsigned char *readable = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *nothing = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *heap = malloc(64), local[64] = { 0xc3 };
	void *to[] = { data, readable, nothing, heap, local, NULL, (void *)16, memory + PAGE_SIZE };
	int count = sizeof to / sizeof *to;

	heap[0] = data[0] = 0xc3;
	for (int n = 0; n < count; n++)
		attempt("target", n, place_trampoline(memory + n * TRAMPOLINE_ROOM, (entry_t *)to[n], 5));
	attempt("a good one", 0, place_trampoline(memory + count * TRAMPOLINE_ROOM, enter_add, 5));
}

static void plain(void)
{
	unsigned char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *heap = malloc(64);
	static unsigned char bss[64];

	need(page != MAP_FAILED, "memory");
	attempt("mapped", 0, place_trampoline(page, enter_add, 5));
	attempt("heap", 0, place_trampoline(heap, enter_add, 5));
	attempt("bss", 0, place_trampoline(bss, enter_add, 5));
}

/* What was executable, or stands where something was, and is not any more. */
static void taken(void)
{
	function_t *function = place_trampoline(memory, enter_add, 5);

	attempt("executable", 0, function);
	for (int n = 0; n < 20; n++)
		need(function(3) == 8, "trampoline");
	need(mprotect(memory, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0, "protection");
	attempt("no longer executable", 0, function);
	void *plain = mmap(memory, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	need(plain == memory, "memory in the old place");
	attempt("plain memory in its place", 0, place_trampoline(memory, enter_add, 5));
}

static void code(void)
{
	static const struct {
		unsigned char length, bytes[24];
	} codes[] = {
		{ 1, { 0xc3 } },                                     /* ret */
		{ 5, { 0xf3, 0x0f, 0x1e, 0xfa, 0xc3 } },             /* endbr64; ret */
		{ 2, { 0xeb, 0xfe } },                               /* jumps to itself */
		{ 2, { 0x0f, 0x05 } },                               /* syscall */
		{ 2, { 0xcd, 0x80 } },                               /* int $0x80 */
		{ 6, { 0xb8, 0x08, 0x00, 0x00, 0x00, 0xc3 } },       /* mov $8, %eax; ret */
		{ 1, { 0xcc } },                                     /* int3 */
		{ 2, { 0xff, 0xe0 } },                               /* jmp *%eax or *%rax */
		{ 24, { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90 } }, /* nop, and then what adds to memory */
	};

	for (size_t n = 0; n < sizeof codes / sizeof *codes; n++) {
		unsigned char *place = memory + n * TRAMPOLINE_ROOM;
		memcpy(place, codes[n].bytes, codes[n].length);
		attempt("code", (int)n, (function_t *)place);
	}
}

static void half(void)
{
	unsigned char *pages = executable_memory(2), whole[TRAMPOLINE_LENGTH];

	need(munmap(pages + PAGE_SIZE, PAGE_SIZE) == 0, "edge");
	for (int length = 1; length < TRAMPOLINE_LENGTH; length++) {
		unsigned char *place = pages + PAGE_SIZE - length;
		form_trampoline(whole, place, enter_add, 5);
		memcpy(place, whole, (size_t)length);
		attempt("of length", length, (function_t *)place);
	}
}

/* How often some bytes stand in memory that is executable. */
static int count_executable(const unsigned char *bytes, size_t length)
{
	char line[512], permissions[8];
	unsigned long start, end;
	int found = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	need(maps != NULL, "maps");
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, permissions) != 3 || permissions[0] != 'r' || permissions[2] != 'x')
			continue;
		for (const unsigned char *at = (void *)start; at + length <= (unsigned char *)end; at++)
			found += memcmp(at, bytes, length) == 0;
	}
	fclose(maps);
	return found;
}

static void constants(void)
{
#ifdef __x86_64__
	/* mov $8, %eax; ret */
	static const unsigned char code[] = { 0xb8, 0x08, 0x00, 0x00, 0x00, 0xc3, 0x90, 0x90 };
#else
	/* push $8; pop %eax; ret */
	static const unsigned char code[] = { 0x6a, 0x08, 0x58, 0xc3 };
#endif
	long constant;
	unsigned char masked[sizeof constant];

	memcpy(&constant, code, sizeof constant);
	for (int n = 0; n < IN_A_PAGE; n++)
		call_often(place_trampoline(memory + n * TRAMPOLINE_ROOM, enter_add, constant), 5);
	for (int at = 1; at < TRAMPOLINE_ROOM; at++)
		attempt("constant at", at, (function_t *)(memory + 7 * TRAMPOLINE_ROOM + at));
	/* Not to be found in the program itself: it is another one before it is used. */
	unsigned char *pages = executable_memory(1);
	static const unsigned char secret[] = { 0x5a, 0xc3, 0x77, 0x19, 0xe4, 0x3b, 0x8d, 0x62 };
	for (size_t n = 0; n < sizeof masked; n++)
		masked[n] = secret[n] ^ 0xff;
	memcpy(&constant, masked, sizeof constant);
	for (int n = 0; n < IN_A_PAGE; n++)
		call_often(place_trampoline(pages + n * TRAMPOLINE_ROOM, enter_add, constant), 5);
	printf("in executable memory %d: %d\n", 0, count_executable(masked, sizeof masked));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	memory = executable_memory(1);
	if (strcmp(what, "bytes") == 0)
		bytes();
	else if (strcmp(what, "middle") == 0)
		middle();
	else if (strcmp(what, "targets") == 0)
		targets();
	else if (strcmp(what, "plain") == 0)
		plain();
	else if (strcmp(what, "taken") == 0)
		taken();
	else if (strcmp(what, "code") == 0)
		code();
	else if (strcmp(what, "constants") == 0)
		constants();
	else if (strcmp(what, "half") == 0)
		half();
	else
		return 2;
	return 45;
}
