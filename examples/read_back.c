/*
 * Reading back: what a trampoline does is compared with what the program meant, before each call.
 *
 * A trampoline of version 1 is described by contexts: the values that it loads into registers, data for the stack, and
 * the target. They stand in ordinary memory until they are set, so whoever can overflow a buffer there decides what the
 * trampoline does, and where it goes. Once set they are out of reach, but then it may be too late. Therefore this
 * program keeps what it means in memory that is read-only before the first input arrives; and before each call it reads
 * the contexts back through the descriptor, and calls only if they are the same. An attacker has to be in both places.
 *
 *     cc -I TRAMPFD/include -o read_back read_back.c        (TRAMPFD is the folder of this package)
 *     trampfd run -- ./read_back
 *     trampfd run -- ./read_back target                     (or register, or stack: what an attacker changes)
 *
 * The exit status is 0 where the calls were made, 1 where something failed, and 2 where the contexts were not what was
 * meant, and nothing was called.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trampfd.h>
#include <unistd.h>

/* The two contexts that the trampoline has, as they are written and read back. */
struct contexts {
	union {
		struct trampfd_regs head;
		char room[TRAMPFD_REGS_SIZE(2)];
	} regs;
	union {
		struct trampfd_stack head;
		char room[TRAMPFD_STACK_SIZE(16)];
	} stack;
};

/*
 * What the trampoline goes to: its account and amount are on the stack, its currency is in a register. Each handler
 * takes the data off the stack, under which is the return address, and goes on to the C function of these arguments.
 *
 * With TRAMPFD_SET_SP the data is where the stack pointer is, aligned as for a function's entry. The caller's stack
 * pointer was aligned like that as well, so the distance between the two is known: 16 bytes of data make it 16 on i386,
 * and 32 on x86-64, where no nearer address would do.
 */
extern void pay_handler(void), steal_handler(void);

#if defined(__x86_64__)
#define CURRENCY_REGISTER trampfd_user_x64_rdx
#define PROGRAM_COUNTER trampfd_user_x64_rip
#define HANDLER(function) \
	__asm__(".pushsection .text\n" \
		#function "_handler:\n" \
		"endbr64\n" \
		"popq %rdi\n" \
		"popq %rsi\n" \
		"addq $16, %rsp\n" \
		"jmp " #function "\n" \
		".popsection")
#elif defined(__i386__)
#define CURRENCY_REGISTER trampfd_user_x32_ecx
#define PROGRAM_COUNTER trampfd_user_x32_eip
#define HANDLER(function) \
	__asm__(".pushsection .text\n" \
		#function "_handler:\n" \
		"endbr32\n" \
		"popl %eax\n" \
		"popl %edx\n" \
		"addl $8, %esp\n" \
		"pushl %ecx\n" \
		"pushl %edx\n" \
		"pushl %eax\n" \
		"call " #function "\n" \
		"addl $12, %esp\n" \
		"ret\n" \
		".popsection")
#else
#error "version 1 of the interface is answered on x86-64 and i386"
#endif

HANDLER(pay);
HANDLER(steal);

__attribute__((used, visibility("hidden"))) void pay(const char *account, uintptr_t amount, const char *currency);
__attribute__((used, visibility("hidden"))) void steal(const char *account, uintptr_t amount, const char *currency);

void pay(const char *account, uintptr_t amount, const char *currency)
{
	printf("paid %u %s to %s\n", (unsigned)amount, currency, account);
}

/* Where an attacker would like the call to go. */
void steal(const char *account, uintptr_t amount, const char *currency)
{
	printf("emptied the account of %s, not only %u %s\n", account, (unsigned)amount, currency);
}

static void require(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

/* What the program means: pay 20 euros to the baker. */
static void mean(struct contexts *contexts)
{
	uintptr_t data[16 / sizeof(uintptr_t)] = { (uintptr_t)"the baker", 20 };

	memset(contexts, 0, sizeof *contexts);
	contexts->regs.head.nregs = 2;
	contexts->regs.head.regs[0].name = CURRENCY_REGISTER;
	contexts->regs.head.regs[0].value = (uintptr_t)"euros";
	contexts->regs.head.regs[1].name = PROGRAM_COUNTER;
	contexts->regs.head.regs[1].value = (uintptr_t)pay_handler;
	contexts->stack.head.flags = TRAMPFD_SET_SP;
	contexts->stack.head.size = sizeof data;
	memcpy(contexts->stack.head.data, data, sizeof data);
}

/* The same, where nobody can change it any more: the one thing that a call is compared with. */
static const struct contexts *meant_for_good(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct contexts *meant = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(meant != MAP_FAILED, "mmap");
	mean(meant);
	require(mprotect(meant, page, PROT_READ) == 0, "mprotect");
	return meant;
}

/* An order as the program prepares it: behind the customer's note stands what will be set. */
struct order {
	char note[16];
	struct contexts contexts;
};

/* The vulnerability: a note may be of any length. */
static void receive_note(struct order *order, const char *note, size_t length)
{
	char *to = (char *)order;

	while (length-- > 0)
		*to++ = *note++;
}

/* The attack: a note that is longer than its place, and ends with contexts in which one thing is another. */
static void receive_attack(struct order *order, const char *what)
{
	struct order note = { "thanks!", order->contexts };

	if (strcmp(what, "target") == 0) {
		note.contexts.regs.head.regs[1].value = (uintptr_t)steal_handler;
	} else if (strcmp(what, "register") == 0) {
		note.contexts.regs.head.regs[0].value = (uintptr_t)"gold bars";
	} else if (strcmp(what, "stack") == 0) {
		note.contexts.stack.head.data[sizeof(uintptr_t)] = 200;
	} else {
		fputs("usage: read_back [target|register|stack]\n", stderr);
		exit(1);
	}
	receive_note(order, (const char *)&note, sizeof note);
}

/* Whether a context is what was meant, to the last bit: its header, which says how long it is, and every entry. */
static int is_as_meant(int fd, int offset, const void *meant, size_t size)
{
	char found[sizeof(struct contexts)];

	return pread(fd, found, size, offset) == (ssize_t)size && memcmp(found, meant, size) == 0;
}

/* The step before each call. */
static void require_as_meant(int fd, const struct contexts *meant)
{
	const char *changed = NULL;

	if (!is_as_meant(fd, TRAMPFD_STACK_OFFSET, &meant->stack, sizeof meant->stack))
		changed = "stack";
	if (!is_as_meant(fd, TRAMPFD_REGS_OFFSET, &meant->regs, sizeof meant->regs))
		changed = "register";
	if (changed != NULL) {
		fprintf(stderr, "read_back: the trampoline's %s context is not what was meant; it is not called\n", changed);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	const struct contexts *meant = meant_for_good();
	struct order order;

	/* Prepare the order; then input arrives. */
	mean(&order.contexts);
	if (argc > 1)
		receive_attack(&order, argv[1]);
	else
		receive_note(&order, "thanks!", sizeof "thanks!");

	printf("an order with the note: %s\n", order.note);

	/* Create the trampoline, set its contexts, and map it as it wants to be mapped. */
	int fd = trampfd_create_user();
	require(fd >= 0, "trampfd_create_user");
	const struct contexts *contexts = &order.contexts;
	require(pwrite(fd, &contexts->regs, sizeof contexts->regs, TRAMPFD_REGS_OFFSET) == sizeof contexts->regs, "registers");
	require(pwrite(fd, &contexts->stack, sizeof contexts->stack, TRAMPFD_STACK_OFFSET) == sizeof contexts->stack, "stack");
	struct trampfd_map map;
	require(pread(fd, &map, sizeof map, TRAMPFD_MAP_OFFSET) == sizeof map, "mapping parameters");
	char *base = mmap(NULL, map.size, (int)map.prot, (int)map.flags, fd, (off_t)map.offset);
	require(base != MAP_FAILED, "mmap");
	void (*trampoline)(void) = (void (*)(void))(base + map.ioffset);

	for (int call = 0; call < 2; call++) {
		require_as_meant(fd, meant);
		trampoline();
	}
	return munmap(base, map.size) == 0 && close(fd) == 0 ? 0 : 1;
}
