/*
 * Where the supervisor can have no file of a page's size, there is no memory for a table or a trampoline: ENOMEM, and no
 * descriptor is left behind. To be run with RLIMIT_FSIZE 0.
 */
#include <trampfd.h>

#include <fcntl.h>

#include "../../conformance/tap.h"

static int open_descriptors(void)
{
	int number = 0;

	for (int fd = 0; fd < 65536; fd++)
		number += fcntl(fd, F_GETFD) != -1;
	return number;
}

int main(void)
{
	struct trampfd_info info;
	int before = open_descriptors();

	expect_errno("create", ENOMEM, "no-memory", trampfd(&info), "a table");
	expect_errno("v1-create", ENOMEM, "no-memory", trampfd_create_user(), "a trampoline");
	int after = open_descriptors();
	ok(before == after, "descriptors that are open before and after: %d and %d", before, after);
	return done();
}
