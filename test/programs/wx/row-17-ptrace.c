/* Row 17: ptrace(2), which writes to the memory of whom it traces whatever its protection is. */
#define _GNU_SOURCE
#include "child.h"
#include "victim.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

/* Writes the payload into a stopped process that is traced; an errno, or 0. */
static int poke(pid_t process, void *page)
{
	for (size_t at = 0; at < 8; at += sizeof(long)) {
		long word = 0;
		memcpy(&word, payload() + at, sizeof word);
		if (ptrace(PTRACE_POKETEXT, process, (char *)page + at, word) != 0)
			return errno;
	}
	return 0;
}

static int attach_and_poke(pid_t process, void *page, int request)
{
	if (ptrace(request, process, NULL, NULL) != 0)
		return errno;
	if (request == PTRACE_SEIZE)
		ptrace(PTRACE_INTERRUPT, process, NULL, NULL);
	waitpid(process, NULL, __WALL);
	const int error = poke(process, page);
	ptrace(PTRACE_DETACH, process, NULL, NULL);
	return error;
}

/* One child has the page, another process does it something, and the first one says what it runs. */
static void *on_sibling(void *page, int (*act)(pid_t, void *))
{
	if (page == NULL)
		return NULL;
	struct shared_result *result = share_result();
	const pid_t victim = fork();
	if (victim == 0) {
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		while (result->step == 0)
			usleep(100);
		_exit(result->error == 0 && strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	const pid_t tracer = fork();
	if (tracer == 0) {
		result->error = act(victim, page);
		_exit(0);
	}
	need(victim > 0 && tracer > 0 && waitpid(tracer, NULL, 0) == tracer, "fork");
	result->step = 1;
	judge_child(victim);
	return result->error == 0 ? NULL : judge_error(result->error);
}

static int attach(pid_t process, void *page)
{
	return attach_and_poke(process, page, PTRACE_ATTACH);
}

static int seize(pid_t process, void *page)
{
	return attach_and_poke(process, page, PTRACE_SEIZE);
}

static void *sibling_attaches(void)
{
	return on_sibling(anonymous_page(), attach);
}

static void *sibling_seizes(void)
{
	return on_sibling(anonymous_page(), seize);
}

static void *sibling_changes_file(void)
{
	return on_sibling(file_page(MAP_PRIVATE), seize);
}

static void *sibling_changes_shared_file(void)
{
	return on_sibling(file_page(MAP_SHARED), seize);
}

/* A child changes its parent. */
static void *child_attaches(void)
{
	void *page = anonymous_page();
	struct shared_result *result = share_result();
	const pid_t parent = getpid();
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	const pid_t child = fork();
	if (child == 0) {
		result->error = attach_and_poke(parent, page, PTRACE_ATTACH);
		_exit(0);
	}
	need(child > 0, "fork");
	while (waitpid(child, NULL, 0) != child)
		need(errno == EINTR, "waitpid");
	errno = result->error;
	return errno == 0 ? page : NULL;
}

/* A child asks to be traced by its parent, which changes it. */
static void *asked(int64_t (*ask)(void))
{
	void *page = anonymous_page();
	struct shared_result *result = share_result();
	const pid_t child = fork();
	if (child == 0) {
		if (ask() != 0) {
			result->error = errno;
			_exit(0);
		}
		raise(SIGSTOP);
		_exit(strcmp(execute(page), "EXEC") == 0 ? RAN : 0);
	}
	int status;
	need(child > 0 && waitpid(child, &status, WUNTRACED) == child, "fork");
	if (!WIFSTOPPED(status))
		return judge_error(result->error);
	const int error = poke(child, page);
	ptrace(PTRACE_DETACH, child, NULL, NULL);
	judge_child(child);
	return error == 0 ? NULL : judge_error(error);
}

static int64_t ask(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* The call of the other width: PTRACE_TRACEME is the same number there. */
static int64_t ask_by_other_entry(void)
{
#ifdef __x86_64__
	return i386_call(I386_PTRACE, PTRACE_TRACEME, 0, 0, 0, 0, 0);
#else
	return x86_64_call(X86_64_PTRACE, PTRACE_TRACEME, 0, 0, 0, 0, 0);
#endif
}

static void *child_asks(void)
{
	return asked(ask);
}

static void *other_entry(void)
{
	return asked(ask_by_other_entry);
}

VARIANTS({"child-attaches", child_attaches}, {"child-asks", child_asks}, {"other-entry", other_entry},
	 {"sibling-attaches", sibling_attaches}, {"sibling-seizes", sibling_seizes},
	 {"sibling-changes-file", sibling_changes_file}, {"sibling-changes-shared-file", sibling_changes_shared_file})
