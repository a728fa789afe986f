/*
 * Row 50: uselib, by which the kernel itself maps a file of the a.out age, or an ELF file of one segment: private, and always
 * readable, writable and executable. Recent kernels have it no more.
 */
#define _GNU_SOURCE
#include "attempt.h"

#include <elf.h>
#include <fcntl.h>

enum { I386_USELIB = 86, X86_64_USELIB = 134, PLACE = 0x10000000 };

/* A path below 4 GiB, so that both entries reach it. */
static char *low_path(void)
{
	char *path = mmap((void *)0x20000000, PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(path != MAP_FAILED, "mmap");
	const char *folder = getenv("WX_FOLDER");
	snprintf(path, PAGE_SIZE, "%s/uselib-%d", folder == NULL ? "/tmp" : folder, (int)getpid());
	return path;
}

/* One page at PLACE, with the payload in the file already. */
static char *library(void)
{
	static char image[PAGE_SIZE];
	char *path = low_path();
#ifdef __x86_64__
	const Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC,
				   .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof header,
				   .e_ehsize = sizeof header, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1};
	const Elf64_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = PLACE, .p_paddr = PLACE,
				    .p_filesz = PAGE_SIZE, .p_memsz = PAGE_SIZE, .p_align = PAGE_SIZE};
#else
	const Elf32_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC,
				   .e_machine = EM_386, .e_version = EV_CURRENT, .e_phoff = sizeof header,
				   .e_ehsize = sizeof header, .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1};
	const Elf32_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = PLACE, .p_paddr = PLACE,
				    .p_filesz = PAGE_SIZE, .p_memsz = PAGE_SIZE, .p_align = PAGE_SIZE};
#endif
	memcpy(image, &header, sizeof header);
	memcpy(image + sizeof header, &segment, sizeof segment);
	write_payload(image + PAGE_SIZE / 2);
	const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	need(descriptor >= 0 && write(descriptor, image, sizeof image) == sizeof image, path);
	close(descriptor);
	return path;
}

static void *mapped(const char *path, int64_t result)
{
	const int error = errno;
	unlink(path);
	errno = error;
	return result < 0 ? NULL : (void *)(uintptr_t)(PLACE + PAGE_SIZE / 2);
}

static void *by_i386(void)
{
	const char *path = library();
	return mapped(path, i386_call(I386_USELIB, number_of(path), 0, 0, 0, 0, 0));
}

static void *by_x86_64(void)
{
	const char *path = library();
	return mapped(path, x86_64_call(X86_64_USELIB, number_of(path), 0, 0, 0, 0, 0));
}

VARIANTS({"i386", by_i386}, {"x86-64", by_x86_64})
