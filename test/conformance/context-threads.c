/*
 * Threads call while contexts are replaced 10,000 times: each call finds one whole context, never half of one and half of
 * another, and none that is older than what the thread has seen; when a write has returned, every call that begins finds
 * the new one. Storms: threads that all create, set, map and call at once; a signal every millisecond meanwhile, where
 * nothing fails, or, without SA_RESTART, EINTR says that nothing was done.
 */
#define _GNU_SOURCE
#include "contexts.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

enum { THREADS = 8, CHANGES = 10000 };

static struct user user;
static volatile int stop;
static int called[THREADS];

/* Gives the first of some registers where all hold the same, else 0. */
uintptr_t target_equal(void);

#if defined(__x86_64__)
static const int equal[] = { trampfd_user_x64_rdi, trampfd_user_x64_rsi, trampfd_user_x64_rcx, trampfd_user_x64_r10,
	                         trampfd_user_x64_r8 };
__asm__(".text\n"
        "target_equal: endbr64; xor %eax, %eax\n"
        "	cmp %rdi, %rsi; jne 1f; cmp %rdi, %rcx; jne 1f; cmp %rdi, %r10; jne 1f; cmp %rdi, %r8; cmove %rdi, %rax\n"
        "1:	ret\n");
#elif defined(__i386__)
static const int equal[] = { trampfd_user_x32_ecx, trampfd_user_x32_edx, trampfd_user_x32_eax };
__asm__(".text\n"
        "target_equal: endbr32\n"
        "	cmp %eax, %ecx; jne 1f; cmp %eax, %edx; je 2f\n"
        "1:	xor %eax, %eax\n"
        "2:	ret\n");
#elif defined(__aarch64__)
static const int equal[] = { trampfd_user_arm64_x0, trampfd_user_arm64_x1, trampfd_user_arm64_x9, trampfd_user_arm64_x17 };
__asm__(".text\n"
        "target_equal: hint #34; cmp x0, x1; b.ne 1f; cmp x0, x9; b.ne 1f; cmp x0, x17; b.eq 2f\n"
        "1:	mov x0, #0\n"
        "2:	ret\n");
#else
static const int equal[] = { trampfd_user_arm_r0, trampfd_user_arm_r1, trampfd_user_arm_r2, trampfd_user_arm_ip };
__asm__(".text\n"
        ".arm\n"
        ".type target_equal, %function\n"
        "target_equal: cmp r0, r1; bne 1f; cmp r0, r2; bne 1f; cmp r0, r12; beq 2f\n"
        "1:	mov r0, #0\n"
        "2:	bx lr\n");
#endif

/* Numbers that differ in every byte from one to the next, and still grow. */
static uintptr_t spread(uintptr_t number)
{
	uintptr_t word = 0;

	number++;
	for (size_t at = 0; at < sizeof word; at += 2)
		word |= number << (8 * at);
	return word;
}

static int set_number(uintptr_t number)
{
	struct registers_context context = { 0, 0, { { 0, 0, 0 } } };

	for (size_t i = 0; i < sizeof equal / sizeof *equal; i++)
		add_register(&context, equal[i], spread(number));
	add_register(&context, PROGRAM_COUNTER, (uintptr_t)target_equal);
	return set_registers(user.fd, &context);
}

static void *call_on(void *number)
{
	uintptr_t last = 0;
	intptr_t wrong = 0;

	while (!stop) {
		uintptr_t found = user_call(&user);
		wrong += found == 0 || found < last;
		last = found;
		__atomic_add_fetch(&called[(intptr_t)number], 1, __ATOMIC_RELAXED);
	}
	return (void *)wrong;
}

static void replaced_under_calls(void)
{
	pthread_t threads[THREADS];
	int failed = 0, stale = 0, fewest = 1 << 30;
	long wrong = 0;

	ok(set_number(0) == 0, "a context: %s", errno_name(errno));
	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, call_on, (void *)i) != 0)
			bail_out("a thread cannot be created");
	for (uintptr_t i = 1; i <= CHANGES; i++) {
		failed += set_number(i) != 0;
		stale += user_call(&user) != spread(i);
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		wrong += (long)(intptr_t)result;
		if (called[i] < fewest)
			fewest = called[i];
	}
	ok(failed == 0, "%d changes: %d failed", CHANGES, failed);
	expect_row("v1-storm", "replaced", wrong == 0, "%d threads, at least %d calls each: %ld saw half a context, or an old one",
	           THREADS, fewest, wrong);
	ok(stale == 0, "calls behind a write: %d did not find what it had set", stale);
	ok(fewest > 0, "every thread has called");
}

static void *on_its_own(void *number)
{
	intptr_t wrong = 0;

	for (uintptr_t i = 0; i < 50; i++) {
		struct user own;
		uintptr_t word = (uintptr_t)number * 1000 + i;
		own.fd = trampfd_create_user();
		if (own.fd < 0 || set_simple(own.fd, word, target_chain) != 0 || user_map(&own) != 0) {
			wrong++;
			continue;
		}
		wrong += user_call(&own) != word || user_unmap(&own) != 0 || close(own.fd) != 0;
	}
	return (void *)wrong;
}

static void all_at_once(void)
{
	pthread_t threads[THREADS];
	long wrong = 0;

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, on_its_own, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		wrong += (long)(intptr_t)result;
	}
	expect_row("v1-storm", "threads", wrong == 0, "%d threads with 50 trampolines each: %ld did not work", THREADS, wrong);
}

static volatile sig_atomic_t arrived;

static void count(int signal)
{
	(void)signal;
	arrived++;
}

static void every(long microseconds, int flags)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = flags };
	struct itimerval interval = { { 0, microseconds }, { 0, microseconds } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

static int interrupted;

/* Makes a call again for as long as it is interrupted. */
#define UNINTERRUPTED(call) \
	__extension__({ \
		__auto_type result_ = (call); \
		while (result_ == (__typeof__(result_))-1 && errno == EINTR) { \
			interrupted++; \
			result_ = (call); \
		} \
		result_; \
	})

static void under_signals(const char *how, int flags)
{
	enum { TRAMPOLINES = 500 };
	int wrong = 0;

	interrupted = 0;
	arrived = 0;
	every(1000, flags);
	for (uintptr_t i = 0; i < TRAMPOLINES; i++) {
		struct user own;
		own.fd = trampfd_create_user();
		if (own.fd < 0 || UNINTERRUPTED(set_simple(own.fd, i, target_chain)) != 0 || UNINTERRUPTED(user_map(&own)) != 0) {
			wrong++;
			continue;
		}
		wrong += user_call(&own) != i;
		wrong += UNINTERRUPTED(set_simple(own.fd, i, target_chain_negated)) != 0 || user_call(&own) != ~i;
		wrong += user_unmap(&own) != 0 || close(own.fd) != 0;
	}
	every(0, flags);
	expect_row("v1-storm", how, wrong == 0, "%d trampolines: %d did not work", TRAMPOLINES, wrong);
	ok(arrived > 10, "%d signals arrived", (int)arrived);
	ok(!(flags & SA_RESTART) || interrupted == 0, "%d calls were interrupted, and made again", interrupted);
}

int main(void)
{
	require_contexts();
	user_open(&user);
	replaced_under_calls();
	all_at_once();
	under_signals("with-sa-restart", SA_RESTART);
	under_signals("without-sa-restart", 0);
	user_close(&user);
	return done();
}
