/*
 * What ordinary programs do with memory and must go on doing under the policy `wx`: prints TAP, see testanything.org.
 * Every step does the thing and looks at its effect, not only at the result of the call.
 */
#define _GNU_SOURCE
#include "segment.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int test_number;

static void ok(int is_true, const char *what)
{
	const int kept = errno;
	printf("%sok %d - %s\n", is_true ? "" : "not ", ++test_number, what);
	if (!is_true)
		printf("# errno %s\n", strerrorname_np(kept));
	fflush(stdout);
}

static int own_file(void)
{
	const int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	need(descriptor >= 0, "open");
	return descriptor;
}

/* Whether a store there ends in a fault. */
static int faults_on_write(void *page)
{
	const struct sigaction action = {.sa_handler = on_fault};
	sigaction(SIGSEGV, &action, NULL);
	int faulted = sigsetjmp(after_fault, 1) != 0;
	if (!faulted)
		*(volatile char *)page = 1;
	signal(SIGSEGV, SIG_DFL);
	return faulted;
}

static void files(void)
{
	const unsigned char *text = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, own_file());
	ok(text != NULL && memcmp(text, "\177ELF", 4) == 0, "mmap of a file, to read and execute, private");
	text = map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED, own_file());
	ok(text != NULL && memcmp(text, "\177ELF", 4) == 0, "mmap of a file, to read and execute, shared");
	text = map(PAGE_SIZE, PROT_EXEC, MAP_PRIVATE, own_file());
	ok(text != NULL, "mmap of a file, to execute alone");
	unsigned char *data = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE, own_file());
	ok(data != NULL && (data[0] = 1), "mmap of a file, to read and write, private");
}

static void protections(void)
{
	char *page = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	ok(page != NULL && (page[0] = 1), "mmap, to read and write");
	ok(protect(page, PROT_READ) == 0 && faults_on_write(page), "mprotect from writable to readable");
	ok(protect(page, READ_WRITE) == 0 && (page[0] = 2), "mprotect back to writable");
	ok(protect(page, PROT_NONE) == 0 && faults_on_write(page), "mprotect to nothing");
	ok(protect_with_key(page, READ_WRITE) == 0 && (page[0] = 3), "pkey_mprotect with key -1, to read and write");
	page = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	ok(page != NULL && protect(page, PROT_READ) == 0, "mprotect takes execution away");
	ok(protect(page, READ_WRITE) == 0 && (page[0] = 4), "mprotect from executable to writable");
	page = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1);
	ok(page != NULL && protect(page, READ_WRITE | PROT_GROWSDOWN) == 0, "mprotect with PROT_GROWSDOWN");
	char *larger = mremap(map_writable(MAP_PRIVATE | MAP_ANONYMOUS), PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE);
	ok(larger != MAP_FAILED && (larger[3 * PAGE_SIZE] = 5), "mremap to a larger size");
	char *heap = sbrk(4 * PAGE_SIZE);
	ok(heap != (void *)-1 && (heap[0] = 6), "a larger heap");
}

/* With MAP_ANONYMOUS the descriptor is ignored, whatever number the program passes. */
static void anonymous_with_any_descriptor(void)
{
	struct rlimit limit;
	need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	const int64_t numbers[] = {-1, 0, 2, 12345, (int64_t)limit.rlim_cur - 1, (int64_t)limit.rlim_cur, INT32_MAX,
				   INT32_MIN};
	for (size_t index = 0; index < sizeof numbers / sizeof numbers[0]; index++) {
		char what[96];
		snprintf(what, sizeof what, "anonymous mmap with descriptor %lld", (long long)numbers[index]);
		char *page = map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, numbers[index]);
		const char *executable = map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE | MAP_ANONYMOUS, numbers[index]);
		ok(page != NULL && (page[0] = 1) && executable != NULL && executable[0] == 0, what);
	}
	errno = 0;
	ok(map(PAGE_SIZE, READ_EXECUTE, MAP_PRIVATE, (int64_t)limit.rlim_cur - 1) == NULL && errno == EBADF,
	   "mmap of a descriptor that is not open is EBADF");
}

static void shared_segments(void)
{
	const int segment = new_segment();
	char *page = attach_directly(segment, 0);
	ok(page != NULL && (page[0] = 1), "shmat, to read and write");
	const char *reader = attach_directly(segment, SHM_RDONLY);
	ok(reader != NULL && reader[0] == 1, "shmat with SHM_RDONLY");
	drop_segment(segment);
	ok(page != NULL && shmdt(page) == 0 && reader != NULL && shmdt(reader) == 0, "shmdt");
#ifdef __i386__
	const int other = new_segment();
	page = attach_with_ipc(other, 0, 0);
	drop_segment(other);
	ok(page != NULL && (page[0] = 1), "shmat through ipc");
#endif
}

static void personalities(void)
{
	const int64_t before = native_call(NATIVE(PERSONALITY), 0xffffffff, 0, 0, 0, 0, 0);
	ok(before != -1, "personality asked for");
	ok(native_call(NATIVE(PERSONALITY), (uint64_t)before | ADDR_NO_RANDOMIZE, 0, 0, 0, 0, 0) == before,
	   "personality with ADDR_NO_RANDOMIZE");
	ok(native_call(NATIVE(PERSONALITY), 0xffffffff, 0, 0, 0, 0, 0) == (before | ADDR_NO_RANDOMIZE),
	   "personality has it now");
	ok(native_call(NATIVE(PERSONALITY), (uint64_t)before, 0, 0, 0, 0, 0) != -1, "personality as it was");
}

static void *thread(void *argument)
{
	char *page = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	page[0] = 1;
	return argument;
}

static int exit_status(pid_t child)
{
	int status = -1;
	need(waitpid(child, &status, 0) == child, "waitpid");
	return status;
}

static void threads_and_processes(char **environment)
{
	pthread_t threads[8];
	int joined = 0;
	for (int index = 0; index < 8; index++)
		need(pthread_create(&threads[index], NULL, thread, threads) == 0, "pthread_create");
	for (int index = 0; index < 8; index++) {
		void *result;
		joined += pthread_join(threads[index], &result) == 0 && result == threads;
	}
	ok(joined == 8, "eight threads");

	pid_t child = fork();
	if (child == 0)
		_exit(7);
	ok(WEXITSTATUS(exit_status(child)) == 7, "fork");

	char *arguments[] = {"true", NULL};
	child = fork();
	if (child == 0) {
		execve("/bin/true", arguments, environment);
		_exit(127);
	}
	ok(exit_status(child) == 0, "execve");
	ok(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment) == 0 && exit_status(child) == 0,
	   "posix_spawn");
}

static void libraries(void)
{
	void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
	double (*root)(double) = NULL;
	if (library != NULL)
		*(void **)&root = dlsym(library, "sqrt");
	ok(root != NULL && root(1024.0) == 32.0, "dlopen of a library, and a call of it");
	ok(library != NULL && dlclose(library) == 0, "dlclose");
}

#ifdef __x86_64__

/* What a program may do with the system calls of i386 as well. */
static void other_entry(void)
{
	char *page = address_of(i386_call(I386_MMAP2, 0, PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					  (uint64_t)-1, 0));
	ok(page != NULL && (page[0] = 1), "mmap2 of i386, to read and write");
	ok(page != NULL && i386_call(I386_MPROTECT, number_of(page), PAGE_SIZE, PROT_READ, 0, 0, 0) == 0,
	   "mprotect of i386, to read");
	ok(i386_call(I386_PERSONALITY, 0xffffffff, 0, 0, 0, 0, 0) != -1, "personality of i386, asked for");
	const int segment = new_segment();
	page = attach_with_ipc(segment, 0, 0);
	drop_segment(segment);
	ok(page != NULL && (page[0] = 1), "ipc of i386, to read and write");
}

#else

static void other_entry(void)
{
	char *page = address_of(x86_64_call(X86_64_MMAP, 0, PAGE_SIZE, READ_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, (uint64_t)-1, 0));
	ok(page != NULL && (page[0] = 1), "mmap of x86-64, to read and write");
	ok(page != NULL && x86_64_call(X86_64_MPROTECT, number_of(page), PAGE_SIZE, PROT_READ, 0, 0, 0) == 0,
	   "mprotect of x86-64, to read");
}

#endif

int main(int count, char **arguments, char **environment)
{
	(void)count;
	(void)arguments;
	puts("TAP version 14");
	files();
	protections();
	anonymous_with_any_descriptor();
	shared_segments();
	personalities();
	threads_and_processes(environment);
	libraries();
	other_entry();
	printf("1..%d\n", test_number);
	return 0;
}
