/*
 * Row 80: bytes of the program's choice in code that the supervisor makes: the distance of a promoted page, the values of
 * contexts, rewritten again and again, and the addresses of tables. `pop %rdi; ret` is looked for, and executed.
 */
#define _GNU_SOURCE
#include "attempt.h"

#include <errno.h>
#include <trampfd.h>

/* The same in both widths, but for the register's name. */
static const unsigned char wanted[] = {0x5f, 0xc3};
/* A word of them, whatever its alignment. */
#define CHOSEN ((uintptr_t)0x5fc35fc35fc35fc3)

static int target(void)
{
	return 0;
}

/* Jumps to the bytes; whether they have popped what was pushed, and returned. */
static int pops(const unsigned char *bytes)
{
	uintptr_t popped;

#ifdef __x86_64__
	__asm__ volatile("lea 1f(%%rip), %%rax; push %%rax; push $0x1234; jmp *%1; 1: mov %%rdi, %0"
	                 : "=r"(popped)
	                 : "r"(bytes)
	                 : "rax", "rdi", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
#else
	__asm__ volatile("call 2f; 2: pop %%eax; lea 1f-2b(%%eax), %%eax; push %%eax; push $0x1234; jmp *%1; 1: mov %%edi, %0"
	                 : "=r"(popped)
	                 : "r"(bytes)
	                 : "eax", "edi", "ecx", "memory", "cc");
#endif
	return popped == 0x1234;
}

/* Looks for the bytes in memory that may be executed; the address of this function where there are none. */
static void *found_in(const void *memory, size_t length)
{
	const unsigned char *bytes = memmem(memory, length, wanted, sizeof wanted);

	if (bytes != NULL && pops(bytes))
		outcome_elsewhere = "EXEC";
	return (void *)(uintptr_t)target;
}

/* A GCC trampoline of the page's own: the static chain is of the bytes, too, which is as good where the page is executed. */
static void *promoted(void)
{
#ifdef __x86_64__
	uintptr_t room = 0, start, end;
	char line[300], permissions[8];
	void *first = map(PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (first == NULL)
		return NULL;
	FILE *maps = fopen("/proc/self/maps", "r");
	need(maps != NULL, "maps");
	while (fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3 && strcmp(permissions, "---p") == 0 &&
		    end - start == 0x20000)
			room = start;
	fclose(maps);
	uintptr_t place = room == 0 ? 0x200000000000 : room - (uintptr_t)(int32_t)0xc35f1000;
	unsigned char *page = mmap((void *)place, PAGE_SIZE, READ_WRITE_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	unsigned char code[] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xba, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, 0xff, 0xe3, 0x90};
	const uintptr_t function = (uintptr_t)target, chain = CHOSEN;
	int (*call)(void);
	memcpy(code + 2, &function, 8);
	memcpy(code + 12, &chain, 8);
	memcpy(page, code, sizeof code);
	memcpy(&call, &page, sizeof call);
	for (int calls = 0; calls < 600; calls++)
		call();
	return found_in(page, PAGE_SIZE);
#else
	errno = ENOSYS;
	return NULL;
#endif
}

static void *context(void)
{
	union {
		struct trampfd_regs context;
		char room[TRAMPFD_REGS_SIZE(3)];
	} regs = {{0, 0}};
	union {
		struct trampfd_stack context;
		char room[TRAMPFD_STACK_SIZE(64)];
	} stack;
	struct trampfd_map how;
	const int fd = trampfd_create_user();
	if (fd < 0)
		return NULL;
#ifdef __x86_64__
	static const uint32_t names[] = {trampfd_user_x64_rdx, trampfd_user_x64_r12, trampfd_user_x64_rip};
#else
	static const uint32_t names[] = {trampfd_user_x32_edx, trampfd_user_x32_esi, trampfd_user_x32_eip};
#endif
	regs.context.nregs = 3;
	for (int index = 0; index < 3; index++) {
		regs.context.regs[index].name = names[index];
		regs.context.regs[index].value = CHOSEN;
	}
	memset(&stack, 0x5f, sizeof stack);
	stack.context = (struct trampfd_stack){TRAMPFD_SET_SP, 0x5f, 64, 0};
	for (int index = 0; index < 64; index += 2)
		stack.context.data[index] = 0xc3;
	need(pread(fd, &how, sizeof how, TRAMPFD_MAP_OFFSET) == sizeof how, "map");
	void *memory = mmap(NULL, how.size, (int)how.prot, (int)how.flags, fd, how.offset);
	need(memory != MAP_FAILED, "mmap");
	void *result = NULL;
	for (int writes = 0; writes < 2000 && outcome_elsewhere == NULL; writes++) {
		need(pwrite(fd, &regs, sizeof regs, TRAMPFD_REGS_OFFSET) == sizeof regs, "regs");
		need(pwrite(fd, &stack, sizeof stack, TRAMPFD_STACK_OFFSET) == sizeof stack, "stack");
		result = found_in(memory, how.size);
	}
	return result;
}

static void *table(void)
{
	struct trampfd_info info;
	const int fd = trampfd(&info);
	if (fd < 0)
		return NULL;
	/* Nothing needs to be there. */
	const uint64_t address = CHOSEN & (sizeof(void *) == 8 ? 0x7fffffffff00 : 0xffffff00);
#ifdef __x86_64__
	struct trampfd_code code = {info.ntrampolines, x64_r11, address};
	struct trampfd_data data = {x64_r10, 0, address};
#else
	struct trampfd_code code = {info.ntrampolines, x32_edx, address};
	struct trampfd_data data = {x32_eax, 0, address};
#endif
	need(pwrite(fd, &code, sizeof code, TRAMPFD_CODE) == sizeof code, "code");
	need(pwrite(fd, &data, sizeof data, TRAMPFD_DATA) == sizeof data, "data");
	void *page = mmap(NULL, info.code_size * info.ntrampolines, READ_EXECUTE, MAP_SHARED, fd, info.code_offset);
	need(page != MAP_FAILED, "mmap");
	return found_in(page, PAGE_SIZE);
}

VARIANTS({"promoted", promoted}, {"context", context}, {"table", table})
