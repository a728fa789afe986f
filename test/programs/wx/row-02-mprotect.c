/* Row 2: memory that was written, and is then made executable. */
#define _GNU_SOURCE
#include "attempt.h"

/* PROT_SEM of asm-generic/mman-common.h, which mprotect takes and which has no effect. */
#define PROT_SEM_BIT 8

static void *written(void)
{
	return write_payload(map_writable(MAP_PRIVATE | MAP_ANONYMOUS));
}

static void *read_execute(void)
{
	void *page = written();
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *execute_alone(void)
{
	void *page = written();
	return protect(page, PROT_EXEC) == 0 ? page : NULL;
}

static void *write_execute(void)
{
	void *page = written();
	return protect(page, PROT_WRITE | PROT_EXEC) == 0 ? page : NULL;
}

static void *read_write_execute(void)
{
	void *page = written();
	return protect(page, READ_WRITE_EXECUTE) == 0 ? page : NULL;
}

/* In two steps, so that no call goes from W to X. */
static void *through_none(void)
{
	void *page = written();
	need(protect(page, PROT_NONE) == 0, "mprotect");
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *with_semaphore_bit(void)
{
	void *page = written();
	return protect(page, READ_EXECUTE | PROT_SEM_BIT) == 0 ? page : NULL;
}

static void *shared_memory(void)
{
	void *page = write_payload(map_writable(MAP_SHARED | MAP_ANONYMOUS));
	return protect(page, READ_EXECUTE) == 0 ? page : NULL;
}

/* A key of -1 makes pkey_mprotect the same as mprotect. */
static void *key_read_execute(void)
{
	void *page = written();
	return protect_with_key(page, READ_EXECUTE) == 0 ? page : NULL;
}

static void *key_execute_alone(void)
{
	void *page = written();
	return protect_with_key(page, PROT_EXEC) == 0 ? page : NULL;
}

static void *key_read_write_execute(void)
{
	void *page = written();
	return protect_with_key(page, READ_WRITE_EXECUTE) == 0 ? page : NULL;
}

VARIANTS({"read-execute", read_execute}, {"execute-alone", execute_alone}, {"write-execute", write_execute},
	 {"read-write-execute", read_write_execute}, {"through-none", through_none},
	 {"with-semaphore-bit", with_semaphore_bit}, {"shared", shared_memory}, {"key-read-execute", key_read_execute},
	 {"key-execute-alone", key_execute_alone}, {"key-read-write-execute", key_read_write_execute})
