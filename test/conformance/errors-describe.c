/*
 * Describing a table: every errno of lseek, write, pwrite, read and pread. What is wrong is one thing at a time, but where
 * the order of the checks is the interface's.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "pointers.h"
#include "table.h"

#include <sys/uio.h>

static struct table table;

/* Large enough for every count that is tried. */
static union {
	struct trampfd_code code;
	struct trampfd_data data;
	char bytes[65536];
} buffer;

/* The four ways to write a descriptor. */
static const struct way {
	const char *call;
	off_t offset;
	int seeks;
} ways[] = {
	{ "pwrite-code", TRAMPFD_CODE, 0 },
	{ "pwrite-data", TRAMPFD_DATA, 0 },
	{ "write-code", TRAMPFD_CODE, 1 },
	{ "write-data", TRAMPFD_DATA, 1 },
};

static long put(const struct way *way, int fd, const void *bytes, size_t count)
{
	if (!way->seeks)
		return pwrite(fd, bytes, count, way->offset);
	if (lseek(fd, way->offset, SEEK_SET) != way->offset)
		bail_out("lseek to %d: %s", (int)way->offset, errno_name(errno));
	return write(fd, bytes, count);
}

static int created(void)
{
	int fd = trampfd(&table.info);
	if (fd < 0)
		bail_out("a new table: %s", errno_name(errno));
	return fd;
}

/* A descriptor that is right for a way. */
static void make_right(const struct way *way)
{
	memset(&buffer, 0, sizeof buffer);
	if (way->offset == TRAMPFD_CODE)
		buffer.code = code_of(&table, 2);
	else
		buffer.data = data_of(&table);
}

static void seek(void)
{
	static const int whences[] = { SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 5, -1 };
	static const off_t offsets[] = {
		-1, 2, 3, 16, 4096, 0x7fffffff, (off_t)1 << 32, ((off_t)1 << 32) + 1, INT64_MAX, INT64_MIN,
	};
	int fd = created();

	for (size_t i = 0; i < sizeof whences / sizeof *whences; i++)
		expect_errno("lseek", EINVAL, "whence", lseek(fd, 0, whences[i]), "whence %d", whences[i]);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
		expect_errno("lseek", EINVAL, "offset", lseek(fd, offsets[i], SEEK_SET), "offset %lld", (long long)offsets[i]);
	expect_success("lseek", lseek(fd, 1, SEEK_SET) == 1, "to 1");
	expect_success("lseek", lseek(fd, 0, SEEK_SET) == 0, "to 0");
	close(fd);
}

static void arguments(const struct way *way)
{
	static const size_t counts[] = { 1, 8, 15, 17, 24, 32, 4096, 65536 };
	int fd = created();

	make_right(way);
	expect_errno(way->call, EINVAL, "buffer-null", put(way, fd, null, 16), "buffer is NULL");
	expect_errno(way->call, EINVAL, "count-zero", put(way, fd, &buffer, 0), "count is 0");
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		expect_errno(way->call, EINVAL, "count", put(way, fd, &buffer, counts[i]), "count is %zu", counts[i]);
	expect_errno(way->call, EINVAL, "count", put(way, fd, unmapped, 15), "the count is judged before the buffer");
	expect_errno(way->call, EFAULT, "buffer-unreadable", put(way, fd, unmapped, 16), "buffer is not mapped");
	expect_errno(way->call, EFAULT, "buffer-unreadable", put(way, fd, edge, 16), "half of the buffer is not mapped");
	expect_errno(way->call, EFAULT, "buffer-unreadable", put(way, fd, KERNEL_ADDRESS, 16), "buffer is the kernel's");
	expect_success(way->call, put(way, fd, &buffer, 16) == 16, "after all these errors: %s", errno_name(errno));
	expect_errno(way->call, EEXIST, "set-already", put(way, fd, &buffer, 16), "set already");
	close(fd);
}

static void offsets(const struct way *way)
{
	static const off_t wrong[] = {
		-1, 2, 3, 16, 4096, 0x7fffffff, (off_t)1 << 32, ((off_t)1 << 32) + 1, INT64_MAX, INT64_MIN,
	};
	int fd = created();

	make_right(way);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		expect_errno(way->call, EINVAL, "offset", pwrite(fd, &buffer, 16, wrong[i]), "offset %lld",
		             (long long)wrong[i]);
	expect_success(way->call, put(way, fd, &buffer, 16) == 16, "after all these errors: %s", errno_name(errno));
	close(fd);
}

/* Tries one wrong value. */
#define REFUSED(row, field, value) \
	do { \
		make_right(way); \
		(field) = (value); \
		expect_errno(way->call, EINVAL, row, put(way, fd, &buffer, 16), #field " is %#llx", (unsigned long long)(value)); \
	} while (0)

static const uint32_t wrong_registers[] = {
	OTHER_WIDTH_REGISTER, FIRST_REGISTER - 1, LAST_REGISTER + 1, 43, 1000, 0x7fffffff, 0x80000000, 0xffffffff,
};

/* The address of an array of `slots` slots whose last one is not an address any more. */
static uint64_t beyond(uint32_t slots)
{
	uint64_t end = sizeof(void *) == 8 ? 0 : (uint64_t)1 << 32;

	return end - (slots - 1) * sizeof(void *);
}

static void code_values(const struct way *way)
{
	int fd = created();

	REFUSED("ntrampolines-zero", buffer.code.ntrampolines, 0);
	REFUSED("ntrampolines-above", buffer.code.ntrampolines, table.info.ntrampolines + 1);
	REFUSED("ntrampolines-above", buffer.code.ntrampolines, 0x80000000u);
	REFUSED("ntrampolines-above", buffer.code.ntrampolines, 0xffffffffu);
	for (size_t i = 0; i < sizeof wrong_registers / sizeof *wrong_registers; i++)
		REFUSED("register", buffer.code.reg, wrong_registers[i]);
	REFUSED("table-null", buffer.code.table, 0);
	for (uint64_t by = 1; by < sizeof(void *); by++)
		REFUSED("table-misaligned", buffer.code.table, (uintptr_t)table.code + by);
	REFUSED("table-beyond", buffer.code.table, beyond(2));
	if (sizeof(void *) == 4)
		REFUSED("table-beyond", buffer.code.table, (uintptr_t)table.code | (uint64_t)1 << 32);

	struct trampfd_data data = data_of(&table);
	ok(pwrite(fd, &data, 16, TRAMPFD_DATA) == 16, "the data is set: %s", errno_name(errno));
	REFUSED("register-of-the-other", buffer.code.reg, DATA_REGISTER);
	make_right(way);
	expect_success(way->call, put(way, fd, &buffer, 16) == 16, "after all these errors: %s", errno_name(errno));
	buffer.code.ntrampolines = 0;
	expect_errno(way->call, EEXIST, "set-already", put(way, fd, &buffer, 16), "set already, before the values are judged");
	close(fd);

	fd = created();
	make_right(way);
	buffer.code.ntrampolines = table.info.ntrampolines;
	expect_success(way->call, put(way, fd, &buffer, 16) == 16, "as many trampolines as there may be");
	close(fd);
}

static void data_values(const struct way *way)
{
	int fd = created();

	for (size_t i = 0; i < sizeof wrong_registers / sizeof *wrong_registers; i++)
		REFUSED("register", buffer.data.reg, wrong_registers[i]);
	for (int bit = 0; bit < 32; bit += 31)
		REFUSED("reserved", buffer.data.reserved, 1u << bit);
	REFUSED("table-null", buffer.data.table, 0);
	for (uint64_t by = 1; by < sizeof(void *); by++)
		REFUSED("table-misaligned", buffer.data.table, (uintptr_t)table.data + by);
	if (sizeof(void *) == 4)
		REFUSED("table-beyond", buffer.data.table, (uintptr_t)table.data | (uint64_t)1 << 32);

	struct trampfd_code code = code_of(&table, 2);
	ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16, "the code is set: %s", errno_name(errno));
	REFUSED("table-beyond", buffer.data.table, beyond(2));
	REFUSED("register-of-the-other", buffer.data.reg, CODE_REGISTER);
	make_right(way);
	expect_success(way->call, put(way, fd, &buffer, 16) == 16, "after all these errors: %s", errno_name(errno));
	buffer.data.reg = 1000;
	expect_errno(way->call, EEXIST, "set-already", put(way, fd, &buffer, 16),
	             "set already, before the register is judged");
	REFUSED("reserved", buffer.data.reserved, 1);
	close(fd);
}

/* A table without a table: the descriptor at `data` refers to slots that only the code's number of them makes too many. */
static void data_then_code(void)
{
	struct trampfd_data data = { DATA_REGISTER, 0, beyond(2) };
	struct trampfd_code code = code_of(&table, 2);
	int fd = created();
	long first = pwrite(fd, &data, 16, TRAMPFD_DATA), second = pwrite(fd, &code, 16, TRAMPFD_CODE);

	ok(first == -1 || second == -1, "data slots that the code's number of them puts beyond all addresses: one is refused");
	close(fd);
}

static void reading(void)
{
	char bytes[32];

	if (table_open(&table) != 0)
		bail_out("a table: %s", errno_name(errno));
	int fd = table.fd;
	expect_errno("read", EINVAL, "always", read(fd, bytes, sizeof bytes), "32 bytes");
	expect_errno("read", EINVAL, "always", read(fd, bytes, 16), "16 bytes");
	expect_errno("read", EINVAL, "always", read(fd, bytes, 0), "nothing");
	expect_errno("read", EINVAL, "always", read(fd, null, 16), "to NULL");
	for (off_t offset = 0; offset < 4; offset++)
		expect_errno("pread", EINVAL, "always", pread(fd, bytes, 16, offset), "at %d", (int)offset);
	expect_errno("pread", EINVAL, "always", pread(fd, bytes, 24, 4096), "at 4096");
	expect_errno("pread", EINVAL, "always", pread(fd, bytes, 16, -1), "at -1");
	close(fd);
}

/* Vectors are not of the interface: whatever becomes of them, they tell the truth. */
static void vectors(void)
{
	struct trampfd_code code = code_of(&table, 1);
	struct iovec vector = { &code, sizeof code };
	int fd = created();
	long result = pwritev(fd, &vector, 1, TRAMPFD_CODE);

	freedom("pwritev", "%s", errno_name(result == -1 ? errno : 0));
	if (result == 16)
		ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == -1 && errno == EEXIST, "pwritev says that it has set the code, and has");
	else
		ok(pwrite(fd, &code, 16, TRAMPFD_CODE) == 16, "pwritev says that it has not set the code, and has not");
	close(fd);
}

static void closed(void)
{
	char bytes[16];
	int fd = created();

	close(fd);
	for (size_t i = 0; i < 2; i++) {
		make_right(&ways[i]);
		expect_errno(ways[i].call, EBADF, "closed", put(&ways[i], fd, &buffer, 16), "the descriptor is closed");
		expect_errno(ways[i + 2].call, EBADF, "closed", write(fd, &buffer, 16), "the descriptor is closed");
	}
	expect_errno("lseek", EBADF, "closed", lseek(fd, 0, SEEK_SET), "the descriptor is closed");
	expect_errno("read", EBADF, "closed", read(fd, bytes, 16), "the descriptor is closed");
	expect_errno("pread", EBADF, "closed", pread(fd, bytes, 16, 0), "the descriptor is closed");
}

int main(void)
{
	require_tables();
	make_pointers();
	seek();
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		arguments(&ways[i]);
		if (!ways[i].seeks)
			offsets(&ways[i]);
		if (ways[i].offset == TRAMPFD_CODE)
			code_values(&ways[i]);
		else
			data_values(&ways[i]);
	}
	data_then_code();
	reading();
	vectors();
	closed();
	return done();
}
