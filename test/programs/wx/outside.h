/*
 * What stands around a run, as outside.c and the test make it. A run inherits the descriptors; the process is one of the
 * same user, which has nothing to do with the run.
 */
#ifndef TRAMPFD_TEST_OUTSIDE_H
#define TRAMPFD_TEST_OUTSIDE_H

/* The inherited descriptors. Regular files hold harmless code in their first page. */
enum {
	INHERITED_READ_WRITE = 100,
	INHERITED_WRITE_ONLY,
	INHERITED_READ_ONLY,
	INHERITED_PATH,
	INHERITED_UNNAMED,
	INHERITED_MEMFD,
	INHERITED_FOLDER,
	INHERITED_FOLDER_PATH,
	INHERITED_REMOVED_FOLDER,
	INHERITED_ROOT,
	INHERITED_PROC,
	INHERITED_PROCESS,      /* the folder of the process outside in /proc */
	INHERITED_DEVICES,      /* /dev */
	INHERITED_SOCKET,       /* in its queue is a message with a memfd */
	INHERITED_PIDFD,        /* of the process outside */
	INHERITED_NAMESPACE,    /* the mount namespace of whoever starts the run */
	INHERITED_DETACHED,     /* the root of a tmpfs that is mounted nowhere; only root has one */
	INHERITED_ZERO,         /* /dev/zero, for reading and writing */
	INHERITED_ZERO_READING,
	INHERITED_ZERO_PATH,
	INHERITED_NESTED,       /* in its queue is a socket, in whose queue is a memfd */
	INHERITED_BEHIND_EMPTY, /* a message without data, and one with a memfd */
	INHERITED_ZERO_IN_FLIGHT,
	INHERITED_RING,         /* of io_uring */
	INHERITED_COUNTER,      /* of perf */
	INHERITED_BPF_MAP,
	INHERITED_PACKETS,      /* a socket of AF_PACKET */
	INHERITED_END,
};

/* Where the process outside has a page of code that it calls again and again. */
#define OUTSIDE_PAGE ((void *)0x20000000)
/* And a shared page of a memfd. */
#define OUTSIDE_FILE_PAGE ((void *)0x20010000)

#endif
