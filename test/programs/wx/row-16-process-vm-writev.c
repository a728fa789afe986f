/* Row 16: process_vm_writev(2) over executable memory, of the program itself and of its parent. */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <sys/uio.h>

static int write_to(pid_t process, void *page)
{
	const struct iovec local = {payload(), PAYLOAD_SIZE}, remote = {page, PAYLOAD_SIZE};
	return process_vm_writev(process, &local, 1, &remote, 1, 0) == PAYLOAD_SIZE ? 0 : -1;
}

static void *own(void)
{
	void *page = anonymous_page();
	return write_to(getpid(), page) == 0 ? page : NULL;
}

static void *text(void)
{
	return write_to(getpid(), own_text) == 0 ? own_text : NULL;
}

static void *by_child(void)
{
	void *page = anonymous_page();
	struct shared_result *result = share_result();
	const pid_t parent = getpid(), child = fork();
	if (child == 0) {
		if (write_to(parent, page) != 0)
			result->error = errno;
		_exit(0);
	}
	need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	errno = result->error;
	return errno == 0 ? page : NULL;
}

VARIANTS({"own", own}, {"text", text}, {"by-child", by_child})
