/*
 * A target without any C library, and without any header: the interface by its numbers and layouts alone. It is linked
 * with -nostdlib -static for x86-64 or i386, needs no environment, no loader and no shell, and asks for nothing but
 * tables.
 *
 * Its numbers are the interface's, so it does not include <trampfd.h>, whose trampfd() wants syscall(2) and errno.
 */
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __UINTPTR_TYPE__ word;
typedef __INTPTR_TYPE__ result;

struct info {
	u32 ntrampolines, code_size, code_offset, reserved;
};

struct code {
	u32 ntrampolines, reg;
	u64 table;
};

struct data {
	u32 reg, reserved;
	u64 table;
};

enum { TRAMPFD = 440, EEXIST = 17, EINVAL = 22, EFAULT = 14, EBADF = 9, READ_EXECUTE = 5, PRIVATE = 2, PAGE = 4096 };

#ifdef __x86_64__
enum { READ = 0, WRITE = 1, CLOSE = 3, LSEEK = 8, MMAP = 9, MUNMAP = 11, PWRITE = 18, EXIT = 60 };
enum { CODE_SIZE = 60, CODE_REGISTER = 17 /* r11 */, DATA_REGISTER = 16 /* r10 */, OTHER_REGISTER = 2 };
#else
enum { READ = 3, WRITE = 4, CLOSE = 6, LSEEK = 19, MMAP = 192, MUNMAP = 91, PWRITE = 181, EXIT = 1 };
enum { CODE_SIZE = 28, CODE_REGISTER = 3 /* edx */, DATA_REGISTER = 0 /* eax */, OTHER_REGISTER = 17 };
#endif

/* Enters the kernel with a number and six arguments. What fails gives the errno negated. */
result enter(word number, word a, word b, word c, word d, word e, word f);
word target(void);

#ifdef __x86_64__
__asm__("	.text\n"
        "	.globl _start\n"
        "_start:\n"
        "	xor %ebp, %ebp\n"
        "	mov %rsp, %rdi\n"
        "	and $-16, %rsp\n"
        "	call run\n"
        "	ud2\n"
        "enter:\n"
        "	mov %rdi, %rax\n"
        "	mov %rsi, %rdi\n"
        "	mov %rdx, %rsi\n"
        "	mov %rcx, %rdx\n"
        "	mov %r8, %r10\n"
        "	mov %r9, %r8\n"
        "	mov 8(%rsp), %r9\n"
        "	syscall\n"
        "	ret\n"
        "target:\n"
        "	endbr64\n"
        "	mov %r10, %rax\n"
        "	ret\n");
#else
__asm__("	.text\n"
        "	.globl _start\n"
        "_start:\n"
        "	xor %ebp, %ebp\n"
        "	mov %esp, %eax\n"
        "	and $-16, %esp\n"
        "	sub $12, %esp\n"
        "	push %eax\n"
        "	call run\n"
        "	ud2\n"
        "enter:\n"
        "	push %ebx\n"
        "	push %esi\n"
        "	push %edi\n"
        "	push %ebp\n"
        "	mov 20(%esp), %eax\n"
        "	mov 24(%esp), %ebx\n"
        "	mov 28(%esp), %ecx\n"
        "	mov 32(%esp), %edx\n"
        "	mov 36(%esp), %esi\n"
        "	mov 40(%esp), %edi\n"
        "	mov 44(%esp), %ebp\n"
        "	int $0x80\n"
        "	pop %ebp\n"
        "	pop %edi\n"
        "	pop %esi\n"
        "	pop %ebx\n"
        "	ret\n"
        "target:\n"
        "	endbr32\n"
        "	ret\n");
#endif

static int points, failed;

static void print(const char *text)
{
	word length = 0;

	while (text[length] != 0)
		length++;
	enter(WRITE, 1, (word)text, length, 0, 0, 0);
}

static void print_number(int number)
{
	char digits[12];
	int at = sizeof digits - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	print(digits + at);
}

static void point(int holds, const char *covers, const char *text)
{
	points++;
	failed += !holds;
	print(holds ? "ok " : "not ok ");
	print_number(points);
	print(" - ");
	print(text);
	print(covers[0] ? " # covers " : "");
	print(covers);
	print("\n");
}

static word code_slots[PAGE / CODE_SIZE], data_slots[PAGE / CODE_SIZE];
static struct info info;
static struct code code;
static struct data data;

/* pwrite; i386 has its offset in two halves. */
static result put(result fd, const void *bytes, word count, word offset)
{
	return enter(PWRITE, (word)fd, (word)bytes, count, offset, 0, 0);
}

static result map(result fd, word protection)
{
	word offset = sizeof(word) == 8 ? info.code_offset : info.code_offset / PAGE;
	return enter(MMAP, 0, (word)info.code_size * info.ntrampolines, protection, PRIVATE, (word)fd, offset);
}

static int is_error(result got)
{
	return (word)got > (word)-4096;
}

static void use(result fd)
{
	point(put(fd, &code, sizeof code, 0) == sizeof code, "pwrite-code success", "the code is set");
	point(put(fd, &code, sizeof code, 0) == -EEXIST, "pwrite-code EEXIST set-already", "and cannot be set again");
	point(map(fd, READ_EXECUTE) == -EINVAL, "mmap EINVAL data-not-set", "without the data there is no mapping");
	point(enter(LSEEK, (word)fd, 1, 0, 0, 0, 0) == 1, "lseek success", "a seek to the data");
	point(enter(WRITE, (word)fd, (word)&data, sizeof data, 0, 0, 0) == sizeof data, "write-data success", "which is set");
	point(enter(READ, (word)fd, (word)&data, sizeof data, 0, 0, 0) == -EINVAL, "read EINVAL always", "nothing is read");
	point(map(fd, 1) == -EINVAL, "mmap EINVAL protection", "a mapping that is only readable");

	result base = map(fd, READ_EXECUTE);
	point(!is_error(base), "mmap success", "the table is mapped");
	if (is_error(base))
		return;
	point(map(fd, READ_EXECUTE) == -EEXIST, "mmap EEXIST mapped-already", "and cannot be mapped again");
	int wrong = 0;
	for (u32 i = 0; i < info.ntrampolines; i++) {
		*(volatile word *)&code_slots[i] = (word)target;
		*(volatile word *)&data_slots[i] = 1000003u * (i + 1);
		wrong += ((word(*)(void))(base + i * info.code_size))() != 1000003u * (i + 1);
	}
	point(wrong == 0, "call success", "every trampoline is called");
	point(enter(MUNMAP, (word)base, PAGE, 0, 0, 0, 0) == 0, "munmap success", "and the table unmapped");
}

__attribute__((used, noreturn)) void run(const word *stack)
{
	/* The stack of a new program: a count of arguments, those, NULL, and the environment. */
	point(stack[stack[0] + 2] == 0, "", "the environment is empty");
	result fd = enter(TRAMPFD, (word)&info, 0, 0, 0, 0, 0);
	if (is_error(fd)) {
		print("Bail out! nobody gives a table\n");
		enter(EXIT, 2, 0, 0, 0, 0, 0);
	}
	point(info.code_size == CODE_SIZE && info.ntrampolines == PAGE / CODE_SIZE && info.reserved == 0, "create success",
	      "a table, of the size that the interface says");
	point(enter(TRAMPFD, (word)-PAGE, 0, 0, 0, 0, 0) == -EFAULT, "create EFAULT info-unwritable", "none at a bad address");
	code = (struct code){ info.ntrampolines, OTHER_REGISTER, (word)code_slots };
	point(put(fd, &code, sizeof code, 0) == -EINVAL, "pwrite-code EINVAL register", "a register of the other width");
	code.reg = CODE_REGISTER;
	data = (struct data){ DATA_REGISTER, 0, (word)data_slots };
	use(fd);
	point(enter(CLOSE, (word)fd, 0, 0, 0, 0, 0) == 0, "close success", "the table is closed");
	point(put(fd, &code, sizeof code, 0) == -EBADF, "pwrite-code EBADF closed", "and gone");
	print("1..");
	print_number(points);
	print("\n");
	for (;;)
		enter(EXIT, failed != 0, 0, 0, 0, 0, 0);
}
