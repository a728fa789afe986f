/* Row 14: /proc/PID/mem, by which the kernel writes to memory whatever its protection is. */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

/* Writes the payload there through a file that stands for memory; gives the address back. */
static void *written(const char *path, void *where)
{
	const int descriptor = open(path, O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	const int64_t done = pwrite64(descriptor, payload(), PAYLOAD_SIZE, (off64_t)number_of(where));
	return done == PAYLOAD_SIZE ? where : NULL;
}

static void *anonymous(void)
{
	return written("/proc/self/mem", anonymous_page());
}

static void *text(void)
{
	return written("/proc/self/mem", own_text);
}

/* A function of the C library, which nothing here calls. */
static void *library_text(void)
{
	return written("/proc/self/mem", (void *)lldiv);
}

static void *private_file(void)
{
	return written("/proc/self/mem", file_page(MAP_PRIVATE));
}

static void *shared_file(void)
{
	return written("/proc/self/mem", file_page(MAP_SHARED));
}

static void *thread_self(void)
{
	return written("/proc/thread-self/mem", anonymous_page());
}

static void *by_number(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/mem", (int)getpid(), (int)gettid());
	return written(path, anonymous_page());
}

static void *without_reading(void)
{
	const int descriptor = open("/proc/self/mem", O_WRONLY | O_CLOEXEC);
	void *page = anonymous_page();
	const struct iovec vector = {payload(), PAYLOAD_SIZE};
	return descriptor >= 0 && pwritev(descriptor, &vector, 1, (off_t)number_of(page)) > 0 ? page : NULL;
}

/* Opened to be read, and opened again to be written. */
static void *reopened(void)
{
	char path[64];
	const int descriptor = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return written(path, anonymous_page());
}

static void *open_path_alone(void)
{
	char path[64];
	const int descriptor = open("/proc/self/mem", O_PATH | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return written(path, anonymous_page());
}

/* The file's position is the address, and the bytes come from another file inside of the kernel. */
static void *sent(void)
{
	const int descriptor = open("/proc/self/mem", O_RDWR | O_CLOEXEC), source = new_file(own_folder());
	void *page = anonymous_page();
	if (descriptor < 0 || source < 0 || fill(source) < 0 || lseek64(descriptor, (off64_t)number_of(page), SEEK_SET) < 0)
		return NULL;
	return sendfile(descriptor, source, &(off_t){0}, PAYLOAD_SIZE) > 0 ? page : NULL;
}

/* A child writes its parent's memory, or the parent its child's. */
static void *by_child(void)
{
	void *page = anonymous_page();
	struct shared_result *result = share_result();
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", (int)getpid());
	const pid_t child = fork();
	if (child == 0) {
		if (written(path, page) == NULL)
			result->error = errno;
		_exit(0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	errno = result->error;
	return errno == 0 ? page : NULL;
}

static void *by_parent(void)
{
	void *page = anonymous_page();
	struct shared_result *result = share_result();
	char path[64];
	const pid_t child = fork();
	if (child == 0) {
		while (result->step == 0)
			usleep(100);
		_exit(result->error == 0 && strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	need(child > 0, "fork");
	snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
	result->error = written(path, page) == NULL ? errno : 0;
	result->step = 1;
	judge_child(child);
	return result->error == 0 ? NULL : judge_error(result->error);
}

VARIANTS({"anonymous", anonymous}, {"text", text}, {"library-text", library_text}, {"private-file", private_file},
	 {"shared-file", shared_file}, {"thread-self", thread_self}, {"by-number", by_number},
	 {"without-reading", without_reading}, {"reopened", reopened}, {"path", open_path_alone}, {"sendfile", sent},
	 {"by-child", by_child}, {"by-parent", by_parent})
