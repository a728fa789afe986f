/*
 * Creates, sets, maps, calls and drops trampolines of version 1, one after another.
 *
 * usage: user_loop COUNT
 */
#include <trampfd.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t target(void)
{
	return 7;
}

int main(int argc, char **argv)
{
	struct {
		uint32_t count, reserved;
		struct trampfd_reg registers[1];
	} context = { 1, 0, { { trampfd_user_x64_rip, 0, (uintptr_t)target } } };

	for (long left = argc > 1 ? atol(argv[1]) : 1; left > 0; left--) {
		struct trampfd_map how;
		int fd = trampfd_create_user();
		if (fd < 0 || pwrite(fd, &context, sizeof context, TRAMPFD_REGS_OFFSET) != sizeof context)
			return 1;
		if (pread(fd, &how, sizeof how, TRAMPFD_MAP_OFFSET) != sizeof how)
			return 2;
		char *base = mmap(NULL, how.size, (int)how.prot, (int)how.flags, fd, how.offset);
		if (base == MAP_FAILED || ((uintptr_t (*)(void))(base + how.ioffset))() != 7)
			return 3;
		if (munmap(base, how.size) != 0 || close(fd) != 0)
			return 4;
	}
	return 0;
}
