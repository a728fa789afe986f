/*
 * A process with two threads, the second with a descriptor table of its own (CLONE_FILES taken back by unshare(2)).
 *
 * Prints `process-id thread-id`, the second thread's. Commands, one a line, each answered by its result or negated errno:
 *   main|thread dup2 FROM TO     main|thread close FD     main|thread seek FD OFFSET
 *   main|thread map FD           main|thread unmap        the first page, shared and executable; one at a time
 *   main|thread unlock FD        LOCK_UN of flock(2)
 *   main|thread queue FD         main|thread receive      a descriptor into a socket's queue, and the one from there
 *   main leave                   the first thread ends by itself, the process lives on in the second (answered by it)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char line[128];
static sem_t to_thread, to_main;

static int sockets[2];

/* Puts a descriptor into the queue of a socket. */
static long enqueue(int fd) {
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
  struct iovec data = {"", 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(sockets[0], &message, 0);
}

/* Takes the next descriptor out of it: its number. */
static long dequeue(void) {
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
  char byte;
  int fd;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(sockets[1], &message, MSG_DONTWAIT) != 1 || CMSG_FIRSTHDR(&message) == NULL) return -1;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static long map(int fd) {
  static char *page;
  if (fd < 0) return munmap(page, 4096);
  page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  return page == MAP_FAILED ? -1 : 0;
}

static void act(void) {
  char who[16], what[16];
  long first = 0, second = 0, result = -1;
  sscanf(line, "%15s %15s %ld %ld", who, what, &first, &second);
  errno = EINVAL;
  if (strcmp(what, "dup2") == 0) result = dup2(first, second);
  if (strcmp(what, "close") == 0) result = close(first);
  if (strcmp(what, "seek") == 0) result = lseek(first, second, SEEK_SET);
  if (strcmp(what, "map") == 0) result = map(first);
  if (strcmp(what, "unmap") == 0) result = map(-1);
  if (strcmp(what, "queue") == 0) result = enqueue(first);
  if (strcmp(what, "receive") == 0) result = dequeue();
  if (strcmp(what, "unlock") == 0) result = flock(first, LOCK_UN);
  printf("%ld\n", result < 0 ? -(long)errno : result);
  fflush(stdout);
}

static void *serve(void *unused) {
  (void)unused;
  if (unshare(CLONE_FILES) != 0) _exit(3);
  printf("%d %ld\n", getpid(), syscall(SYS_gettid));
  fflush(stdout);
  sem_post(&to_main);
  for (;;) {
    sem_wait(&to_thread);
    if (strncmp(line, "main leave", 10) == 0) {
      printf("0\n");
      fflush(stdout);
      char end;
      while (read(0, &end, 1) > 0) {}
      _exit(0);
    }
    act();
    sem_post(&to_main);
  }
}

int main(void) {
  pthread_t thread;
  sem_init(&to_thread, 0, 0);
  sem_init(&to_main, 0, 0);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return 4;
  if (dup2(sockets[0], 100) < 0 || dup2(sockets[1], 101) < 0) return 4;
  close(sockets[0]);
  close(sockets[1]);
  sockets[0] = 100;
  sockets[1] = 101;
  if (pthread_create(&thread, NULL, serve, NULL) != 0) return 2;
  sem_wait(&to_main);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "thread", 6) == 0) {
      sem_post(&to_thread);
      sem_wait(&to_main);
    } else if (strncmp(line, "main leave", 10) == 0) {
      sem_post(&to_thread);
      /* This thread alone: the process goes on. */
      syscall(SYS_exit, 0);
    } else {
      act();
    }
  }
  _exit(0);
}
