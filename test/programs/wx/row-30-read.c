/* Row 30: calls that store what the program chose, with executable memory as their buffer. */
#define _GNU_SOURCE
#include "victim.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int source(void)
{
	const int descriptor = new_file(own_folder());
	need(descriptor >= 0 && fill(descriptor) >= 0, "new file");
	return descriptor;
}

static void *judged(int64_t length, void *page)
{
	return length > 0 ? page : NULL;
}

static void *read_call(void)
{
	void *page = anonymous_page();
	return judged(read(source(), page, PAYLOAD_SIZE), page);
}

static void *pread_into_text(void)
{
	return judged(pread(source(), own_text, PAYLOAD_SIZE, 0), own_text);
}

static void *read_into_file(void)
{
	void *page = file_page(MAP_PRIVATE);
	return page == NULL ? NULL : judged(read(source(), page, PAYLOAD_SIZE), page);
}

static void *readv_call(void)
{
	void *page = anonymous_page();
	const struct iovec vector = {page, PAYLOAD_SIZE};
	return judged(readv(source(), &vector, 1), page);
}

/* Past the page cache: the device writes where the program says. */
static void *direct(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", source());
	const int descriptor = open(path, O_RDONLY | O_DIRECT);
	void *page = anonymous_page();
	return descriptor < 0 ? NULL : judged(read(descriptor, page, PAGE_SIZE), page);
}

static void *received(void)
{
	int ends[2];
	void *page = anonymous_page();
	need(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0, "socketpair");
	need(write(ends[0], payload(), PAYLOAD_SIZE) == PAYLOAD_SIZE, "write");
	return judged(recv(ends[1], page, PAYLOAD_SIZE, 0), page);
}

/* From memory to memory. */
static void *process_vm_readv_call(void)
{
	void *page = anonymous_page();
	const struct iovec local = {page, PAYLOAD_SIZE}, remote = {payload(), PAYLOAD_SIZE};
	return judged(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), page);
}

/* A path is text that the program chose. */
static void *readlink_call(void)
{
	const char *path = new_path(own_folder());
	char target[PAYLOAD_SIZE + 1] = "";
	void *page = anonymous_page();
	memcpy(target, payload(), PAYLOAD_SIZE);
	return symlink(target, path) != 0 ? NULL : judged(readlink(path, page, PAYLOAD_SIZE), page);
}

static void *getrandom_call(void)
{
	void *page = anonymous_page();
	return judged(getrandom(page, PAYLOAD_SIZE, 0), page);
}

VARIANTS({"read", read_call}, {"pread-text", pread_into_text}, {"read-file", read_into_file}, {"readv", readv_call},
	 {"direct", direct}, {"recv", received}, {"process_vm_readv", process_vm_readv_call}, {"readlink", readlink_call},
	 {"getrandom", getrandom_call})
