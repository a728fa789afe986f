/*
 * Row 40: devices that are memory, disks or processors: the machine's memory, the disk under a file that is mapped
 * executable, memory that files lie in (DAX), buffers of graphics, a virtual machine.
 */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <linux/kvm.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

/* A device by its path, or by a node of our own where the path is not there. */
static int device(const char *path, mode_t kind, unsigned major_number, unsigned minor_number)
{
	const int descriptor = open(path, O_RDWR | O_CLOEXEC);
	if (descriptor >= 0 || errno != ENOENT)
		return descriptor;
	const char *node = new_path(own_folder());
	if (mknod(node, kind | 0600, makedev(major_number, minor_number)) != 0)
		return -1;
	const int opened = open(node, O_RDWR | O_CLOEXEC), kept = errno;
	unlink(node);
	errno = kept;
	return opened;
}

/* The place of a page in the machine's memory; 0 where that is not told. */
static uint64_t frame_of(void *page)
{
	uint64_t entry = 0;
	const int descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return 0;
	if (pread64(descriptor, &entry, sizeof entry, (off64_t)(number_of(page) / PAGE_SIZE * sizeof entry)) != sizeof entry)
		entry = 0;
	close(descriptor);
	return entry & ((UINT64_C(1) << 55) - 1);
}

static void *by_memory_of_machine(void)
{
	const int descriptor = device("/dev/mem", S_IFCHR, 1, 1);
	unsigned char *page = anonymous_page();
	if (descriptor < 0)
		return NULL;
	/* Read, so that there is a page of its own, and kept where it is. */
	need(mlock(page, PAGE_SIZE) == 0 && *(volatile unsigned char *)page == 0, "mlock");
	const uint64_t frame = frame_of(page);
	if (frame == 0) {
		errno = EPERM;
		return NULL;
	}
	return pwrite64(descriptor, payload(), PAYLOAD_SIZE, (off64_t)(frame * PAGE_SIZE)) == PAYLOAD_SIZE ? page : NULL;
}

static void *by_kernel_memory(void)
{
	const int descriptor = device("/proc/kcore", S_IFCHR, 1, 2);
	return descriptor < 0 ? NULL : map(PAGE_SIZE, READ_EXECUTE, MAP_SHARED, descriptor);
}

/* The disk that the program's own file lies on: opened for writing it would be enough, and is left alone. */
static void *root_disk(void)
{
	struct stat found;
	char path[64];
	need(stat("/proc/self/exe", &found) == 0, "stat");
	snprintf(path, sizeof path, "/dev/block/%u:%u", major(found.st_dev), minor(found.st_dev));
	const int descriptor = device(path, S_IFBLK, major(found.st_dev), minor(found.st_dev));
	if (descriptor < 0)
		return NULL;
	close(descriptor);
	outcome_elsewhere = "OPENED";
	return NULL;
}

/*
 * A disk of our own, in a file: what is written to it below the file system that is mounted from it comes to the file there
 * when the pages of that are read again.
 */
static int attach_disk(const char *image, char *path)
{
	struct loop_info64 information = {.lo_flags = LO_FLAGS_AUTOCLEAR};
	const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), file = open(image, O_RDWR | O_CLOEXEC);
	const int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		return -1;
	sprintf(path, "/dev/loop%d", number);
	const int disk = device(path, S_IFBLK, 7, (unsigned)number);
	if (disk < 0 || ioctl(disk, LOOP_SET_FD, file) != 0 || ioctl(disk, LOOP_SET_STATUS64, &information) != 0)
		return -1;
	return disk;
}

/* Where a text stands in a disk. */
static off64_t find(int disk, const char *text)
{
	static char block[PAGE_SIZE];
	for (off64_t at = 0; pread64(disk, block, sizeof block, at) == sizeof block; at += PAGE_SIZE) {
		if (memcmp(block, text, strlen(text)) == 0)
			return at;
	}
	return -1;
}

static void *below_file_system(void)
{
	static const char mark[] = "a page that stands nowhere else on this disk";
	char path[64], *folder, *file;
	const char *image = new_path(own_folder());
	const int new_image = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	need(new_image >= 0 && ftruncate(new_image, 1 << 20) == 0, "image");
	const char *const make[] = {"mke2fs", "-q", "-F", "-b", "4096", image, NULL};
	start_with("/sbin/mke2fs", (char **)make, environ);
	outcome_elsewhere = NULL;
	const int disk = attach_disk(image, path);
	need(asprintf(&folder, "%s-mounted", image) > 0 && asprintf(&file, "%s/file", folder) > 0, "asprintf");
	if (disk < 0 || unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdir(folder, 0700) != 0 || mount(path, folder, "ext4", 0, NULL) != 0)
		return NULL;
	unsigned char page[PAGE_SIZE] = {0};
	const int descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	memcpy(page, mark, sizeof mark);
	need(write(descriptor, page, sizeof page) == sizeof page && fsync(descriptor) == 0, "write");
	close(descriptor);
	/* From here on nobody writes to the file. */
	const int reader = open(file, O_RDONLY | O_CLOEXEC);
	const off64_t at = find(disk, mark);
	need(at > 0, "find");
	memset(page, 0, sizeof page);
	write_payload(page);
	need(pwrite64(disk, page, sizeof page, at) == sizeof page && fsync(disk) == 0, "write");
	need(posix_fadvise(reader, 0, 0, POSIX_FADV_DONTNEED) == 0, "posix_fadvise");
	return map_executable(reader, MAP_SHARED);
}

/* Files that lie in memory are mapped as they are, and so is the memory itself. */
static void *direct_access(void)
{
	return mapped_twice(device("/dev/dax0.0", S_IFCHR, 252, 0), 0);
}

static void *persistent_memory(void)
{
	return mapped_twice(device("/dev/pmem0", S_IFBLK, 259, 0), 0);
}

static void *frame_buffer(void)
{
	const int descriptor = device("/dev/fb0", S_IFCHR, 29, 0);
	void *writable = descriptor < 0 ? NULL : map(PAGE_SIZE, READ_WRITE, MAP_SHARED, descriptor);
	void *executable = writable == NULL ? NULL : map_executable(descriptor, MAP_SHARED);
	if (executable != NULL)
		write_payload(writable);
	return executable;
}

/* The page of code of a virtual machine: it says its byte to port 16. The machine has this one page. */
static void *virtual_machine(void)
{
	static const unsigned char code[] = {0xb0, RAN, 0xe6, 0x10, 0xf4};
	const int system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const int machine = system < 0 ? -1 : ioctl(system, KVM_CREATE_VM, 0);
	if (machine < 0)
		return NULL;
	void *page = map_writable(MAP_PRIVATE | MAP_ANONYMOUS);
	memcpy(page, code, sizeof code);
	struct kvm_userspace_memory_region region = {.guest_phys_addr = PAGE_SIZE, .memory_size = PAGE_SIZE,
						     .userspace_addr = number_of(page)};
	if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) != 0)
		return NULL;
	const int processor = ioctl(machine, KVM_CREATE_VCPU, 0);
	const int size = ioctl(system, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (processor < 0 || size < 0)
		return NULL;
	struct kvm_run *run = mmap(NULL, (size_t)size, READ_WRITE, MAP_SHARED, processor, 0);
	struct kvm_sregs segments;
	struct kvm_regs registers = {.rip = PAGE_SIZE, .rflags = 2};
	if (run == MAP_FAILED || ioctl(processor, KVM_GET_SREGS, &segments) != 0)
		return NULL;
	segments.cs.base = 0;
	segments.cs.selector = 0;
	if (ioctl(processor, KVM_SET_SREGS, &segments) != 0 || ioctl(processor, KVM_SET_REGS, &registers) != 0 ||
	    ioctl(processor, KVM_RUN, 0) != 0)
		return NULL;
	const int ran = run->exit_reason == KVM_EXIT_IO && *((unsigned char *)run + run->io.data_offset) == RAN;
	outcome_elsewhere = ran ? "EXEC" : "UNCHANGED";
	return NULL;
}

VARIANTS({"mem", by_memory_of_machine}, {"kernel-memory", by_kernel_memory}, {"disk-of-system", root_disk},
	 {"below-file-system", below_file_system}, {"dax", direct_access}, {"pmem", persistent_memory},
	 {"frame-buffer", frame_buffer}, {"kvm", virtual_machine})
