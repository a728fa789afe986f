/*
 * The ways to code of the program's own that a run of each policy is tried with while calls of its supervisor fail. Each
 * prints one line, `WAY: RESULT`; EXEC says that bytes which the program wrote were executed, and RWX that it was given
 * memory that is writable and executable. Its file asks for an executable stack.
 *
 * With an argument it is the program that another one executes: it says what its stack is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ffi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <trampfd.h>
#include <unistd.h>

#define PAGE 4096
#define WRITTEN 42

/* mov $42,%eax; ret: no trampoline of any kind. */
static const unsigned char code[] = { 0xb8, WRITTEN, 0, 0, 0, 0xc3 };

static void say(const char *way, const char *result)
{
	dprintf(1, "%s: %s\n", way, result);
}

static const char *writable_code(void)
{
	static char line[512];
	char permissions[8];
	FILE *maps = fopen("/proc/self/maps", "r");
	const char *found = "none";
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%*s %7s", permissions) == 1 && permissions[1] == 'w' && permissions[2] == 'x') found = "RWX";
	if (maps != NULL) fclose(maps);
	return found;
}

/* Calls what stands at an address, in a child, for it may crash. */
static void call(const char *way, void *address)
{
	int status;
	pid_t child;
	if (address == MAP_FAILED) return say(way, strerror(errno));
	child = fork();
	if (child == 0) _exit(((int (*)(void))address)() == WRITTEN ? WRITTEN : 1);
	if (child < 0 || waitpid(child, &status, 0) != child) return say(way, "no child");
	say(way, WIFEXITED(status) && WEXITSTATUS(status) == WRITTEN ? "EXEC" : WIFSIGNALED(status) ? "signal" : "other");
}

static void anonymous(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED) memcpy(page, code, sizeof code);
	call("mmap", page);
}

static void protected(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) return say("mprotect", "no memory");
	memcpy(page, code, sizeof code);
	call("mprotect", mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0 ? page : MAP_FAILED);
}

static void mapped(const char *way, int file)
{
	void *page = MAP_FAILED;
	if (file >= 0 && write(file, code, sizeof code) == sizeof code)
		page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	call(way, page);
	if (file >= 0) close(file);
}

static void written(void)
{
	char name[] = "/tmp/trampfd-faults-XXXXXX";
	int file = mkstemp(name);
	mapped("file", file);
	if (file >= 0) unlink(name);
}

static void overwritten(void)
{
	int memory = open("/proc/self/mem", O_RDWR);
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 || page == MAP_FAILED) return say("/proc/self/mem", strerror(errno));
	if (pwrite(memory, code, sizeof code, (off_t)(uintptr_t)page) != sizeof code) page = MAP_FAILED;
	call("/proc/self/mem", page);
	close(memory);
}

static void child_program(const char *way, int file, const char *path)
{
	char *words[] = { (char *)path, "child", NULL };
	int status;
	pid_t child = fork();
	if (child == 0) {
		if (file >= 0) syscall(SYS_execveat, file, "", words, environ, 0x1000);
		else execv(path, words);
		_exit(3);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) return say(way, "no child");
	say(way, !WIFEXITED(status) ? "signal" : WEXITSTATUS(status) == 3 ? "not executed" : "ended");
}

/* A file that the program has written, as a program. */
static void written_program(void)
{
	char buffer[65536];
	ssize_t count;
	int from = open("/proc/self/exe", O_RDONLY), file = memfd_create("program", 0);
	while (from >= 0 && file >= 0 && (count = read(from, buffer, sizeof buffer)) > 0)
		if (write(file, buffer, (size_t)count) != count) break;
	if (from >= 0) close(from);
	child_program("written program", file < 0 ? 1000 : file, "memfd");
	if (file >= 0) close(file);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void nested(void)
{
	volatile int factor = 3;
	int scaled(const void *a, const void *b) { return compare(a, b) * factor; }
	int numbers[8] = { 5, 3, 8, 1, 9, 2, 7, 4 };
	qsort(numbers, 8, sizeof *numbers, scaled);
	say("nested", numbers[0] == 1 && numbers[7] == 9 ? "sorted" : "not sorted");
}

static void closed(ffi_cif *cif, void *result, void **values, void *data)
{
	(void)cif, (void)values;
	*(ffi_arg *)result = (ffi_arg)(intptr_t)data;
}

static void closure(void)
{
	ffi_cif cif;
	void *entry = NULL;
	ffi_closure *made = ffi_closure_alloc(sizeof *made, &entry);
	if (made == NULL || ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 0, &ffi_type_sint, NULL) != FFI_OK ||
	    ffi_prep_closure_loc(made, &cif, closed, (void *)7, entry) != FFI_OK)
		return say("closure", "not made");
	for (int times = 0; times < 3; times++)
		if (((int (*)(void))entry)() != 7) return say("closure", "wrong");
	say("closure", "called");
}

static uintptr_t target[1], data[1];

static void table(void)
{
	struct trampfd_info info;
	struct trampfd_code described = { .ntrampolines = 1, .reg = x64_r11, .table = (uintptr_t)target };
	struct trampfd_data bound = { .reg = x64_rdi, .table = (uintptr_t)data };
	int file = trampfd(&info);
	if (file < 0) return say("table", "no descriptor");
	if (pwrite(file, &described, 16, TRAMPFD_CODE) != 16 || pwrite(file, &bound, 16, TRAMPFD_DATA) != 16)
		return say("table", "not described");
	void *page = mmap(NULL, info.code_size, PROT_READ | PROT_EXEC, MAP_SHARED, file, info.code_offset);
	if (page == MAP_FAILED) return say("table", "not mapped");
	target[0] = (uintptr_t)abs, data[0] = (uintptr_t)-9;
	say("table", ((int (*)(void))page)() == 9 ? "called" : "wrong");
	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0) say("table", "EXEC");
	munmap(page, info.code_size);
	close(file);
}

int main(int count, char **words)
{
	(void)words;
	say(count > 1 ? "child's memory" : "memory", writable_code());
	if (count > 1) return 0;
	anonymous();
	protected();
	mapped("memory file", memfd_create("code", 0));
	written();
	overwritten();
	child_program("program", -1, "/proc/self/exe");
	written_program();
	nested();
	closure();
	table();
	say("memory behind", writable_code());
	return 0;
}
