/*
 * Row 32: calls by which the kernel moves bytes or pages from one place to another: splice, vmsplice, tee, sendfile,
 * copy_file_range and clones, into executable memory and into files that are mapped executable.
 */
#define _GNU_SOURCE
#include "victim.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int ends[2];

static void open_pipe(void)
{
	need(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
}

/* A page with the payload, that the kernel may keep. */
static void *gift(void)
{
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

static int source(void)
{
	const int descriptor = new_file(own_folder());
	need(descriptor >= 0 && fill(descriptor) >= 0, "new file");
	return descriptor;
}

/* A new file, mapped executable; the descriptor is for writing. */
static void *new_victim(int *descriptor)
{
	*descriptor = new_file(own_folder());
	if (*descriptor < 0 || fill_harmless(*descriptor) < 0)
		return NULL;
	return map_executable(*descriptor, MAP_SHARED);
}

/* The trusted file, mapped executable, and whatever can be had to write to it. */
static void *trusted_victim(int *descriptor)
{
	*descriptor = open(beside("victim"), O_RDWR | O_CLOEXEC);
	return *descriptor < 0 ? NULL : map_executable(*descriptor, MAP_SHARED);
}

static void *judged(int64_t length, void *page)
{
	return length > 0 ? page : NULL;
}

/* Out of a pipe, into memory. */
static void *vmsplice_into(void *page)
{
	const struct iovec vector = {page, PAYLOAD_SIZE};
	open_pipe();
	need(write(ends[1], payload(), PAYLOAD_SIZE) == PAYLOAD_SIZE, "write");
	return judged(vmsplice(ends[0], &vector, 1, 0), page);
}

static void *vmsplice_anonymous(void)
{
	return vmsplice_into(anonymous_page());
}

static void *vmsplice_text(void)
{
	return vmsplice_into(own_text);
}

/* A whole page of the program's, given away: the pipe, and the file behind it, take the page itself. */
static void *given(void *page, int descriptor)
{
	const struct iovec vector = {gift(), PAGE_SIZE};
	open_pipe();
	if (page == NULL || vmsplice(ends[1], &vector, 1, SPLICE_F_GIFT) != PAGE_SIZE)
		return NULL;
	return judged(splice(ends[0], NULL, descriptor, &(off64_t){0}, PAGE_SIZE, SPLICE_F_MOVE), page);
}

static void *gift_to_new(void)
{
	int descriptor;
	void *page = new_victim(&descriptor);
	return given(page, descriptor);
}

/* The trusted file's content is put back. */
static void *restored(void *page, int descriptor)
{
	if (page == NULL)
		return NULL;
	static char what[16];
	strcpy(what, execute(page));
	outcome_elsewhere = what;
	need(fill_harmless(descriptor) >= 0, "write back");
	return NULL;
}

static void *gift_to_trusted(void)
{
	int descriptor;
	void *page = trusted_victim(&descriptor);
	return restored(given(page, descriptor), descriptor);
}

static void *teed(void)
{
	int other[2], descriptor;
	void *page = new_victim(&descriptor);
	open_pipe();
	need(pipe2(other, O_CLOEXEC) == 0, "pipe2");
	if (page == NULL)
		return NULL;
	need(write(ends[1], payload(), PAYLOAD_SIZE) == PAYLOAD_SIZE, "write");
	if (tee(ends[0], other[1], PAYLOAD_SIZE, 0) != PAYLOAD_SIZE)
		return NULL;
	return judged(splice(other[0], NULL, descriptor, &(off64_t){0}, PAYLOAD_SIZE, 0), page);
}

static void *sent(void)
{
	int descriptor;
	void *page = new_victim(&descriptor);
	if (page == NULL || lseek(descriptor, 0, SEEK_SET) != 0)
		return NULL;
	return judged(sendfile(descriptor, source(), &(off_t){0}, PAYLOAD_SIZE), page);
}

static void *copied_range(void)
{
	int descriptor;
	void *page = new_victim(&descriptor);
	if (page == NULL)
		return NULL;
	return judged(copy_file_range(source(), &(off64_t){0}, descriptor, &(off64_t){0}, PAGE_SIZE, 0), page);
}

static void *range_to_trusted(void)
{
	int descriptor;
	void *page = trusted_victim(&descriptor);
	if (page == NULL || copy_file_range(source(), &(off64_t){0}, descriptor, &(off64_t){0}, PAGE_SIZE, 0) <= 0)
		return NULL;
	return restored(page, descriptor);
}

/* File systems that share blocks can put one file's into another. */
static void *cloned(void)
{
	int descriptor;
	void *page = trusted_victim(&descriptor);
	return page == NULL || ioctl(descriptor, FICLONE, source()) != 0 ? NULL : restored(page, descriptor);
}

/* For a clone of equal blocks a file need not be open for writing; equal they have to be. */
static void *deduplicated(void)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} request = {.range = {.src_length = PAGE_SIZE, .dest_count = 1}};
	const int descriptor = open(beside("victim"), O_RDONLY | O_CLOEXEC);
	void *page = map_executable(descriptor, MAP_SHARED);
	request.info.dest_fd = descriptor;
	if (page == NULL || ioctl(source(), FIDEDUPERANGE, &request) != 0)
		return NULL;
	errno = -request.info.status;
	return request.info.status < 0 ? NULL : page;
}

/*
 * A page of the trusted file's cache, in a pipe: what is written to the pipe then must go to another page. (It went to
 * that one in kernels from 5.8 to 5.16.)
 */
static void *merged(void)
{
	static char filling[65536];
	const int descriptor = open(beside("victim"), O_RDONLY | O_CLOEXEC);
	void *page = map_executable(descriptor, MAP_SHARED);
	if (page == NULL)
		return NULL;
	open_pipe();
	need(write(ends[1], filling, sizeof filling) == sizeof filling, "write");
	need(read(ends[0], filling, sizeof filling) == sizeof filling, "read");
	if (splice(descriptor, &(off64_t){0}, ends[1], NULL, 1, 0) != 1)
		return NULL;
	return judged(write(ends[1], payload() + 1, PAYLOAD_SIZE - 1), page);
}

/* The same with a page of executable memory. */
static void *merged_memory(void)
{
	static char filling[65536];
	void *page = file_page(MAP_PRIVATE);
	const struct iovec vector = {page, 1};
	if (page == NULL)
		return NULL;
	open_pipe();
	need(write(ends[1], filling, sizeof filling) == sizeof filling, "write");
	need(read(ends[0], filling, sizeof filling) == sizeof filling, "read");
	if (vmsplice(ends[1], &vector, 1, 0) != 1)
		return NULL;
	return judged(write(ends[1], payload() + 1, PAYLOAD_SIZE - 1), page);
}

VARIANTS({"vmsplice", vmsplice_anonymous}, {"vmsplice-text", vmsplice_text}, {"gift", gift_to_new},
	 {"gift-to-trusted", gift_to_trusted}, {"tee", teed}, {"sendfile", sent}, {"copy_file_range", copied_range},
	 {"copy_file_range-to-trusted", range_to_trusted}, {"clone", cloned}, {"dedupe", deduplicated}, {"merged", merged},
	 {"merged-memory", merged_memory})
