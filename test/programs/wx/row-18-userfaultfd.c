/* Row 18: userfaultfd(2), by which a program fills pages of its memory that are not there yet, executable ones too. */
#define _GNU_SOURCE
#include "victim.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* linux/userfaultfd.h, from 6.8 on. */
struct move_request {
	uint64_t to, from, length, mode;
	int64_t moved;
};
#define MOVE_REQUEST _IOWR(UFFDIO, 0x05, struct move_request)
enum { FEATURE_MOVE = 1 << 16 };
#define NEW_DESCRIPTOR _IO(0xAA, 0x00)

static int registered(int descriptor, uint64_t features, void *page, uint64_t mode)
{
	struct uffdio_api api = {.api = UFFD_API, .features = features};
	struct uffdio_register range = {.range = {number_of(page), PAGE_SIZE}, .mode = mode};
	return descriptor >= 0 && ioctl(descriptor, UFFDIO_API, &api) == 0 &&
	       ioctl(descriptor, UFFDIO_REGISTER, &range) == 0;
}

static void *filled_page(void)
{
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

static void *copied_by(int descriptor, void *page)
{
	if (!registered(descriptor, 0, page, UFFDIO_REGISTER_MODE_MISSING))
		return NULL;
	struct uffdio_copy copy = {.dst = number_of(page), .src = number_of(filled_page()), .len = PAGE_SIZE};
	return ioctl(descriptor, UFFDIO_COPY, &copy) == 0 ? page : NULL;
}

static void *copy(void)
{
	return copied_by((int)syscall(SYS_userfaultfd, O_CLOEXEC), anonymous_page());
}

static void *user_mode(void)
{
	return copied_by((int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), anonymous_page());
}

static void *device(void)
{
	const int opened = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	return opened < 0 ? NULL : copied_by(ioctl(opened, NEW_DESCRIPTOR, O_CLOEXEC | UFFD_USER_MODE_ONLY), anonymous_page());
}

/* A shared page: it belongs to no file, so nothing but this writes it. */
static void *shared_page(void)
{
	void *page = map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (page == NULL)
		return NULL;
	return copied_by((int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), page);
}

/* A whole page changes its place, with what was written to it. */
static void *moved(void)
{
	const int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	void *page = anonymous_page();
	if (!registered(descriptor, FEATURE_MOVE, page, UFFDIO_REGISTER_MODE_MISSING))
		return NULL;
	struct move_request move = {.to = number_of(page), .from = number_of(filled_page()), .length = PAGE_SIZE};
	return ioctl(descriptor, MOVE_REQUEST, &move) == 0 ? page : NULL;
}

#ifdef __x86_64__
static void *other_entry(void)
{
	return copied_by((int)i386_call(I386_USERFAULTFD, O_CLOEXEC | UFFD_USER_MODE_ONLY, 0, 0, 0, 0, 0), anonymous_page());
}
#else
static void *other_entry(void)
{
	return copied_by((int)x86_64_call(X86_64_USERFAULTFD, O_CLOEXEC | UFFD_USER_MODE_ONLY, 0, 0, 0, 0, 0),
			 anonymous_page());
}
#endif

VARIANTS({"copy", copy}, {"user-mode", user_mode}, {"device", device}, {"shared-page", shared_page}, {"moved", moved},
	 {"other-entry", other_entry})
