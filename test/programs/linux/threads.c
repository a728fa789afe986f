/*
 * A process with two threads, the second with a descriptor table of its own (CLONE_FILES taken back by unshare(2)).
 *
 * Prints `process-id thread-id`, the second thread's. Commands, one a line, each answered by its result or negated errno:
 *   main|thread dup2 FROM TO     main|thread close FD     main|thread seek FD OFFSET
 *   main leave                   the first thread ends by itself, the process lives on in the second (answered by it)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char line[128];
static sem_t to_thread, to_main;

static void act(void) {
  char who[16], what[16];
  long first = 0, second = 0, result = -1;
  sscanf(line, "%15s %15s %ld %ld", who, what, &first, &second);
  errno = EINVAL;
  if (strcmp(what, "dup2") == 0) result = dup2(first, second);
  if (strcmp(what, "close") == 0) result = close(first);
  if (strcmp(what, "seek") == 0) result = lseek(first, second, SEEK_SET);
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
