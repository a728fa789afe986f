/*
 * Random calls of every kind on tables, on copies of their descriptors, on descriptors that another thread closes, on
 * other files and on no files. A model of each table says what has to come out; where other threads decide, the errno has
 * to be one that is documented.
 *
 * usage: fuzz [SEED [CALLS]]
 *
 * Each answer that is not as it should be is a "not ok" line with the call.
 */
#define _FILE_OFFSET_BITS 64
#define _GNU_SOURCE
#include "model.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { TABLES = 12, PREY = 4 };

static struct model models[TABLES];
static long calls, unexpected, created, mapped, called;

/* Descriptors that the other thread closes at any moment. Whoever takes a number out of its place closes it. */
static int prey[PREY];
static volatile int stop;

/* Other files. */
static int pipes[2], sockets[2], null_file, plain_file;

/* Holds the outcome of a call (errno, or SUCCESS) against one or two that are right. */
static void expect(int got, int right, int also_right, const char *format, ...)
{
	char text[256];
	va_list arguments;

	calls++;
	if (got == right || got == also_right)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (unexpected++ < 50)
		ok(0, "%s: %s instead of %s", text, got ? errno_name(got) : "success",
		   right ? errno_name(right) : "success");
}

/* A call whose answer another thread has a part in: any outcome that is documented. */
static void expect_documented(int got, const char *what)
{
	static const int documented[] = { SUCCESS, EBADF, EINVAL, EEXIST, EFAULT, EMFILE };

	calls++;
	for (size_t i = 0; i < sizeof documented / sizeof *documented; i++)
		if (got == documented[i])
			return;
	if (unexpected++ < 50)
		ok(0, "%s, while another thread closes: %s", what, errno_name(got));
}

static int outcome(long result)
{
	return result == -1 ? errno : SUCCESS;
}

static struct model *some_model(void)
{
	return &models[below(TABLES)];
}

static int some_copy(const struct model *model)
{
	return model->copies[below((uint32_t)model->ncopies)];
}

static void forget(struct model *model)
{
	if (model->table.base != NULL)
		munmap(model->table.base, page_size);
	memset(model, 0, sizeof *model);
}

static void create(struct model *model)
{
	int error;
	void *address = wild_address(1, &error);

	if (one_in(4)) {
		/* The wrapper's argument below 65536 never reaches anybody; EFAULT is what it says itself. */
		int fd = trampfd(address);
		expect(outcome(fd), error, error, "trampfd(%p)", address);
		return;
	}
	int fd = trampfd(&model->table.info);
	expect(outcome(fd), SUCCESS, SUCCESS, "trampfd(info)");
	if (fd >= 0) {
		created++;
		model->copies[0] = fd;
		model->ncopies = 1;
	}
}

static void make_code(const struct model *model, struct trampfd_code *code)
{
	code->ntrampolines = one_in(4) ? (uint32_t)random_bits() >> below(32) : 1 + below(model->table.info.ntrampolines + 2);
	code->reg = random_register();
	code->table = random_table_address(model->table.code);
}

static void make_data(const struct model *model, struct trampfd_data *data)
{
	data->reg = random_register();
	data->reserved = one_in(10) ? (uint32_t)random_bits() : 0;
	data->table = random_table_address(model->table.data);
}

/* pwrite, or lseek and write, of a descriptor of any quality. */
static void describe(struct model *model)
{
	static const off_t offsets[] = { 2, 3, 16, 4096, (off_t)1 << 32, ((off_t)1 << 32) + 1, -1, INT64_MAX, INT64_MIN };
	static const size_t counts[] = { 0, 1, 15, 17, 32, 4096, 0x7fffffff };
	union {
		struct trampfd_code code;
		struct trampfd_data data;
		uint32_t words[4];
	} value, *bytes = &value;
	off_t offset = one_in(12) ? offsets[below(sizeof offsets / sizeof *offsets)] : below(2);
	size_t count = one_in(12) ? counts[below(sizeof counts / sizeof *counts)] : 16;
	int fd = some_copy(model), right = SUCCESS;
	long result;

	if (one_in(8))
		for (int i = 0; i < 4; i++)
			value.words[i] = (uint32_t)random_bits();
	else if (offset == TRAMPFD_CODE)
		make_code(model, &value.code);
	else
		make_data(model, &value.data);
	if (one_in(12))
		bytes = wild_address(0, &right);
	if (count != 16 || offset < 0 || offset > 1)
		right = EINVAL;
	else if (right == SUCCESS)
		right = offset == TRAMPFD_CODE ? judge_code(model, &value.code) : judge_data(model, &value.data);

	if (one_in(3)) {
		result = lseek(fd, offset, SEEK_SET);
		int sought = offset < 0 || offset > 1 ? EINVAL : SUCCESS;
		expect(outcome(result), sought, sought, "lseek(%d, %lld, SEEK_SET)", fd, (long long)offset);
		if (sought != SUCCESS)
			return;
		result = write(fd, bytes, count);
	} else {
		result = pwrite(fd, bytes, count, offset);
	}
	expect(outcome(result), right, right, "write(%d, %p = { %#x, %#x, %#x, %#x }, %zu) at %lld", fd, (void *)bytes,
	       value.words[0], value.words[1], value.words[2], value.words[3], count, (long long)offset);
	if (result == 16 && offset == TRAMPFD_CODE) {
		model->code = 1;
		model->code_value = value.code;
	} else if (result == 16) {
		model->data = 1;
		model->data_value = value.data;
	}
}

static void seek(const struct model *model)
{
	int fd = some_copy(model), whence = 1 + (int)below(6);
	long result = lseek(fd, below(4), whence);
	expect(outcome(result), EINVAL, EINVAL, "lseek(%d, ..., %d)", fd, whence);
}

static void reading(const struct model *model)
{
	char buffer[64];
	int error, fd = some_copy(model);
	size_t count = below(sizeof buffer);
	void *address = one_in(2) ? wild_address(1, &error) : buffer;
	long result = one_in(2) ? read(fd, address, count) : pread(fd, address, count, below(3));
	expect(outcome(result), EINVAL, EINVAL, "read(%d, %p, %zu)", fd, address, count);
}

static void map(struct model *model)
{
	static const int flag_choices[] = {
		MAP_SHARED, MAP_SHARED, 0, 3, MAP_PRIVATE | MAP_NORESERVE, MAP_PRIVATE | MAP_POPULATE,
		MAP_SHARED | MAP_LOCKED, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE | MAP_STACK, MAP_PRIVATE | 0x40000000,
	};
	static const size_t lengths[] = { 0, 1, 100, 4095, 4097, 8192, 1 << 20, SIZE_MAX, SIZE_MAX - 4095 };
	int protection = one_in(8) ? (int)below(16) : PROT_READ | PROT_EXEC;
	int flags = one_in(4) ? flag_choices[below(sizeof flag_choices / sizeof *flag_choices)] : MAP_PRIVATE;
	size_t length = one_in(6) ? lengths[below(sizeof lengths / sizeof *lengths)] : page_size;
	off_t right_offset = model->table.info.code_offset;
	off_t offset = one_in(12) ? (off_t)page_size * (1 + below(1 << 20)) : right_offset;
	void *hint = one_in(8) ? (void *)(uintptr_t)(random_bits() & 0x7ffff000) : NULL;
	int fd = some_copy(model), right = SUCCESS, also = SUCCESS;

	/* Nobody says which of two faults of a mapping is found first, where C library, kernel and policy each find one. */
	if (length > SIZE_MAX / 2)
		protection = PROT_READ | PROT_EXEC;
	int wrong_flags = flags != MAP_PRIVATE && flags != other_flags();
	int wrong_range = length == 0 || length > page_size || offset != right_offset;

	if (wrong_flags || wrong_range || protection != (PROT_READ | PROT_EXEC) || !model->code || !model->data)
		right = EINVAL;
	else if (model->table.base != NULL)
		right = EEXIST;
	also = right;
	/* Memory that is writable and executable may be refused to everybody; a length that wraps around is no length. */
	if ((protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		also = EACCES;
	else if (length > SIZE_MAX / 2)
		also = ENOMEM;
	else if (model->table.base != NULL && !wrong_flags && !wrong_range)
		also = EEXIST;
	void *base = mmap(hint, length, protection, flags, fd, offset);
	expect(base == MAP_FAILED ? errno : SUCCESS, right, also, "mmap(%p, %zu, %d, %#x, %d, %#llx)", hint, length,
	       protection, flags, fd, (long long)offset);
	if (base != MAP_FAILED && right == SUCCESS) {
		mapped++;
		model->table.base = base;
	} else if (base != MAP_FAILED)
		munmap(base, length);
}

static void unmap(struct model *model)
{
	if (model->table.base == NULL)
		return;
	expect(outcome(munmap(model->table.base, page_size)), SUCCESS, SUCCESS, "munmap");
	model->table.base = NULL;
}

/* Calls, where the registers are such that a C function may be called so, and both arrays are our own. */
static void call_one(struct model *model)
{
	if (model->table.base == NULL || model->code_value.table != (uintptr_t)model->table.code ||
	    model->data_value.table != (uintptr_t)model->table.data || model->code_value.reg != CODE_REGISTER ||
	    model->data_value.reg != DATA_REGISTER)
		return;
	uint32_t index = below(model->code_value.ntrampolines);
	uintptr_t data = (uintptr_t)random_bits();
	slot_set(&model->table, index, target_data, data);
	called++;
	expect(call(&model->table, index) == data ? SUCCESS : ENOEXEC, SUCCESS, SUCCESS, "a call of trampoline %u", index);
}

/* Sets what is not set yet with the registers that call_one() can use. */
static void describe_well(struct model *model)
{
	struct trampfd_code code = code_of(&model->table, model->table.info.ntrampolines);
	struct trampfd_data data = data_of(&model->table);
	int right = judge_code(model, &code);

	expect(outcome(pwrite(some_copy(model), &code, 16, TRAMPFD_CODE)), right, right, "a good code descriptor");
	if (right == SUCCESS) {
		model->code = 1;
		model->code_value = code;
	}
	right = judge_data(model, &data);
	expect(outcome(pwrite(some_copy(model), &data, 16, TRAMPFD_DATA)), right, right, "a good data descriptor");
	if (right == SUCCESS) {
		model->data = 1;
		model->data_value = data;
	}
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void copy(struct model *model)
{
	int fd = some_copy(model), new = -1, target = fd - (int)below(5);

	switch (below(6)) {
	case 0:
		new = dup(fd);
		expect(outcome(new), SUCCESS, SUCCESS, "dup(%d)", fd);
		break;
	case 1:
		new = fcntl(fd, one_in(2) ? F_DUPFD : F_DUPFD_CLOEXEC, (int)below(100));
		expect(outcome(new), SUCCESS, SUCCESS, "F_DUPFD of %d", fd);
		break;
	case 2:
		target = 30 + (int)below(100);
		if (is_open(target))
			break;
		new = one_in(2) ? dup2(fd, target) : dup3(fd, target, O_CLOEXEC);
		/* An implementation need not give a copy every number. */
		expect(outcome(new), SUCCESS, EBADF, "dup2(%d, %d)", fd, target);
		break;
	case 3:
		expect(outcome(dup2(fd, -(int)below(1000) - 1)), EBADF, EBADF, "dup2(%d, negative)", fd);
		break;
	case 4:
		expect(outcome(dup3(fd, fd, 0)), EINVAL, EINVAL, "dup3(%d, %d)", fd, fd);
		break;
	default:
		if (is_open(target))
			break;
		new = dup3(fd, target, one_in(2) ? O_CLOEXEC : 0);
		expect(outcome(new), SUCCESS, EBADF, "dup3(%d, %d)", fd, target);
	}
	if (new >= 0 && model->ncopies < COPIES)
		model->copies[model->ncopies++] = new;
	else if (new >= 0)
		expect(outcome(close(new)), SUCCESS, SUCCESS, "close(%d)", new);
}

static void drop(struct model *model)
{
	uint32_t index = below((uint32_t)model->ncopies);
	int fd = model->copies[index];

	model->copies[index] = model->copies[--model->ncopies];
	expect(outcome(close(fd)), SUCCESS, SUCCESS, "close(%d)", fd);
	expect(outcome(lseek(fd, 0, SEEK_SET)), EBADF, EBADF, "lseek(%d) after close", fd);
	if (model->ncopies == 0)
		forget(model);
}

static void no_files(void)
{
	char buffer[16] = "";
	int fd = one_in(3) ? -1 - (int)below(1000) : 30 + (int)below(1 << 20);

	if (is_open(fd))
		return;
	expect(outcome(pwrite(fd, buffer, 16, below(2))), EBADF, EBADF, "pwrite(%d)", fd);
	expect(outcome(write(fd, buffer, 16)), EBADF, EBADF, "write(%d)", fd);
	expect(outcome(read(fd, buffer, 16)), EBADF, EBADF, "read(%d)", fd);
	expect(outcome(lseek(fd, 0, SEEK_SET)), EBADF, EBADF, "lseek(%d)", fd);
	expect(outcome(dup(fd)), EBADF, EBADF, "dup(%d)", fd);
	void *base = mmap(NULL, page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	expect(base == MAP_FAILED ? errno : SUCCESS, EBADF, EBADF, "mmap(%d)", fd);
}

static void other_files(void)
{
	char buffer[16] = "0123456789abcde", back[16];
	off_t offset = below(1000);

	expect(outcome(pwrite(pipes[1], buffer, 16, below(2))), ESPIPE, ESPIPE, "pwrite to a pipe");
	expect(outcome(lseek(sockets[0], 0, SEEK_SET)), ESPIPE, ESPIPE, "lseek of a socket");
	expect(outcome(write(pipes[1], buffer, 16)), SUCCESS, SUCCESS, "write to a pipe");
	expect(read(pipes[0], back, 16) == 16 && memcmp(buffer, back, 16) == 0 ? SUCCESS : EIO, SUCCESS, SUCCESS,
	       "read from a pipe");
	expect(outcome(pwrite(plain_file, buffer, 16, offset)), SUCCESS, SUCCESS, "pwrite to a file");
	expect(pread(plain_file, back, 16, offset) == 16 && memcmp(buffer, back, 16) == 0 ? SUCCESS : EIO, SUCCESS, SUCCESS,
	       "pread from a file");
	expect(outcome(pwrite(plain_file, buffer, 16, -1)), EINVAL, EINVAL, "pwrite to a file before its beginning");
	expect(outcome(write(null_file, unmapped, 16)), SUCCESS, SUCCESS, "write to /dev/null");
}

/* In a child: may not map what the parent created, but has tables of its own. */
static void forked(struct model *model)
{
	int fd = some_copy(model), status = -1;
	pid_t child = fork();

	if (child == 0) {
		struct trampfd_info info;
		if (mmap(NULL, page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, model->table.info.code_offset) != MAP_FAILED)
			_exit(254);
		if (errno != EINVAL)
			_exit(errno);
		fd = trampfd(&info);
		_exit(fd < 0 ? errno : close(fd) < 0 ? errno : 0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	expect(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, SUCCESS, SUCCESS, "what a child may do with %d", fd);
}

/* Calls on a descriptor that the other thread may close before, during or after. */
static void hunted(void)
{
	uint32_t place = below(PREY);
	int fd = __atomic_load_n(&prey[place], __ATOMIC_SEQ_CST);
	static struct table unused;
	struct trampfd_info info;

	if (fd < 0) {
		fd = trampfd(&info);
		unused.info = info;
		expect(outcome(fd), SUCCESS, SUCCESS, "trampfd(info)");
		__atomic_store_n(&prey[place], fd, __ATOMIC_SEQ_CST);
		return;
	}
	struct trampfd_code code = code_of(&unused, 1);
	struct trampfd_data data = data_of(&unused);
	expect_documented(outcome(pwrite(fd, &code, 16, TRAMPFD_CODE)), "pwrite");
	expect_documented(outcome(lseek(fd, 1, SEEK_SET)), "lseek");
	expect_documented(outcome(write(fd, &data, 16)), "write");
	expect_documented(outcome(read(fd, &data, 16)), "read");
	int new = dup(fd);
	expect_documented(outcome(new), "dup");
	if (new >= 0)
		close(new);
	void *base = mmap(NULL, page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, unused.info.code_offset);
	expect_documented(base == MAP_FAILED ? errno : SUCCESS, "mmap");
	if (base != MAP_FAILED)
		munmap(base, page_size);
}

static void *hunter(void *unused)
{
	(void)unused;
	for (unsigned turn = 0; !stop; turn++) {
		int fd = __atomic_exchange_n(&prey[turn * 7 % PREY], -1, __ATOMIC_SEQ_CST);
		if (fd >= 0)
			close(fd);
		usleep(turn * 37 % 400);
	}
	return NULL;
}

static void one_call(void)
{
	struct model *model = some_model();

	if (one_in(20))
		return hunted();
	if (one_in(50))
		return other_files();
	if (one_in(50))
		return no_files();
	if (model->ncopies == 0)
		return create(model);
	if (one_in(500))
		return forked(model);
	switch (below(14)) {
	case 0:
		return drop(model);
	case 1:
		return reading(model);
	case 2:
		return seek(model);
	case 3:
		return copy(model);
	case 4:
		return unmap(model);
	case 5:
		return describe_well(model);
	case 6:
	case 7:
		return call_one(model);
	case 8:
	case 9:
	case 10:
		return map(model);
	default:
		return describe(model);
	}
}

static void prepare(void)
{
	char name[] = "/tmp/fuzz-XXXXXX";

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *area = mmap(NULL, 4 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	edge = area + page_size - 15;
	unmapped = area + page_size;
	read_only = area + 2 * page_size;
	/* A hole that stays one: no access at all. */
	mprotect(unmapped, page_size, PROT_NONE);
	mprotect(read_only, page_size, PROT_READ);
	null_file = open("/dev/null", O_WRONLY);
	plain_file = mkstemp(name);
	unlink(name);
	if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 || null_file < 0 || plain_file < 0)
		exit(2);
	for (int i = 0; i < PREY; i++)
		prey[i] = -1;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	long count = argc > 2 ? atol(argv[2]) : 100000;
	pthread_t thread;

	state = seed * 0x9e3779b97f4a7c15u + 1;
	require_tables();
	other_flags();
	prepare();
	pthread_create(&thread, NULL, hunter, NULL);
	while (calls < count)
		one_call();
	stop = 1;
	pthread_join(thread, NULL);
	printf("# %ld tables created, %ld mappings made, %ld trampolines called\n", created, mapped, called);
	ok(created > count / 200 && mapped > count / 200 && called > count / 200, "enough of them succeed");
	expect_row("storm", "random-calls", unexpected == 0, "%ld calls from seed %llu, %ld unexpected answers", calls, (unsigned long long)seed, unexpected);
	return done();
}
