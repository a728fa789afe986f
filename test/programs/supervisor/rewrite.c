/*
 * Tries to change the page of a trampoline table's file that it holds a read-only descriptor of, by every way that Linux
 * has, through that descriptor and through reopened ones.
 *
 * usage: rewrite DESCRIPTOR
 *
 * For a line `try` of standard input it tries all of them once but for those that make the file larger, which are tried
 * for a line `grow`, and prints `way error-number` lines (0: the call succeeded;
 * `changed` behind it: the page is another one now), then the start of the page as hexadecimal: as read, and as seen
 * through a shared executable mapping and a private one that were made at the start; then `.`.
 * A line `seal N` adds seals through a reopened descriptor instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where a table's code begins in its file: behind a page that has none. */
enum { PAGE = 4096, AT = PAGE };

static char path[64];
static int given;
static unsigned char before[PAGE];
static char poison[PAGE];

/* Prints what a way led to, and whether the page is the same still. */
static void tell(const char *way, long result) {
  int error = result < 0 ? errno : 0;
  unsigned char now[PAGE];
  int same = pread(given, now, PAGE, AT) == PAGE && memcmp(now, before, PAGE) == 0;
  printf("%s %d%s\n", way, error, same ? "" : " changed");
  memcpy(before, now, PAGE);
}

static int reopened(int flags) { return open(path, flags | O_CLOEXEC); }

static long mapped(void *mapping) { return mapping == MAP_FAILED ? -1 : (memset(mapping, 0xc3, 16), 0); }

/* Writes by descriptor; `label` says through which. */
static void by_descriptor(const char *label, int fd) {
  char way[64];
#define WAY(name, call)                            \
  do {                                             \
    snprintf(way, sizeof way, "%s-%s", label, name); \
    lseek(fd, AT, SEEK_SET);                        \
    errno = 0;                                     \
    long result = (call);                          \
    tell(way, result);                             \
  } while (0)
  struct iovec vector = {poison, 64};
  int pipes[2], other = memfd_create("other", MFD_CLOEXEC);
  if (pipe(pipes) != 0 || write(pipes[1], poison, 64) != 64 || write(other, poison, PAGE) != PAGE) exit(3);
  off_t from = 0, to = AT;
  WAY("write", write(fd, poison, 64));
  WAY("pwrite", pwrite(fd, poison, 64, AT));
  WAY("writev", writev(fd, &vector, 1));
  WAY("pwritev", pwritev(fd, &vector, 1, AT));
  WAY("append", pwritev2(fd, &vector, 1, 0, RWF_APPEND));
  WAY("splice", splice(pipes[0], NULL, fd, &to, 64, 0));
  WAY("sendfile", sendfile(fd, other, &from, 64));
  from = 0, to = AT;
  WAY("copy-file-range", copy_file_range(other, &from, fd, &to, 64, 0));
  WAY("truncate", ftruncate(fd, 0));
  WAY("shrink", ftruncate(fd, 100));
  WAY("punch-hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, AT, PAGE));
  WAY("zero-range", fallocate(fd, FALLOC_FL_ZERO_RANGE, AT, PAGE));
  WAY("map-shared-writable", mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, AT)));
  WAY("map-validate-writable", mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, fd, AT)));
  close(pipes[0]);
  close(pipes[1]);
  close(other);
}

static off_t size(void) {
  struct stat status;
  return fstat(given, &status) == 0 ? status.st_size : -1;
}

/* Makes the file larger, and tries to write there; `label` says through which descriptor. */
static void larger(const char *label, int fd) {
  char way[64];
  WAY("grow", ftruncate(fd, size() + PAGE));
  WAY("allocate", fallocate(fd, 0, 0, size() + PAGE));
  WAY("beyond-write", pwrite(fd, poison, 64, AT + PAGE));
  WAY("beyond-map-shared-writable", mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, AT + PAGE)));
#undef WAY
}

/* Changes a shared mapping that was made readable only. */
static void by_mapping(const char *label, int fd, int protection) {
  char way[64];
  char *page = mmap(NULL, PAGE, protection, MAP_SHARED, fd, AT);
  if (page == MAP_FAILED) {
    snprintf(way, sizeof way, "%s-map", label);
    tell(way, -1);
    return;
  }
#define WAY(name, call)                              \
  do {                                               \
    snprintf(way, sizeof way, "%s-%s", label, name); \
    errno = 0;                                       \
    long result = (call);                            \
    tell(way, result);                               \
  } while (0)
  WAY("mprotect", mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0 ? mapped(page) : -1);
  WAY("mprotect-write", mprotect(page, PAGE, PROT_WRITE) == 0 ? mapped(page) : -1);
  WAY("mprotect-all", mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0 ? mapped(page) : -1);
  WAY("pkey-mprotect", syscall(SYS_pkey_mprotect, page, PAGE, PROT_READ | PROT_WRITE, -1) == 0 ? mapped(page) : -1);
  WAY("madvise-remove", madvise(page, PAGE, MADV_REMOVE));
  int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  WAY("proc-mem", pwrite(memory, poison, 64, (off_t)page));
  close(memory);
  struct iovec ours = {poison, 64}, theirs = {page, 64};
  WAY("process-vm-writev", process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
  /* A second mapping by mremap with old size 0 has the same limits. */
  char *again = mremap(page, 0, PAGE, MREMAP_MAYMOVE);
  WAY("mremap-mprotect", again == MAP_FAILED ? -1 : mprotect(again, PAGE, PROT_READ | PROT_WRITE) == 0 ? mapped(again) : -1);
  if (again != MAP_FAILED) munmap(again, PAGE);
  /* A tracer's pokes go around protections, but not around those of a shared mapping. */
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  WAY("ptrace-poke", ptrace(PTRACE_POKETEXT, child, page, 0xc3c3c3c3));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  munmap(page, PAGE);
#undef WAY
}

static void print_start(const char *label, const unsigned char *bytes) {
  printf("%s ", label);
  for (int i = 0; i < 128; i++) printf("%02x", bytes[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  given = atoi(argv[1]);
  snprintf(path, sizeof path, "/proc/self/fd/%d", given);
  memset(poison, 0xc3, sizeof poison);
  if (pread(given, before, PAGE, AT) != PAGE) return 3;
  const unsigned char *shared = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, given, AT);
  const unsigned char *private = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, given, AT);
  if (shared == MAP_FAILED || private == MAP_FAILED) return 4;

  static char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "seal ", 5) == 0) {
      int fd = reopened(O_RDWR);
      errno = 0;
      printf("seal %d\n.\n", fcntl(fd, F_ADD_SEALS, atoi(line + 5)) < 0 ? errno : 0);
      close(fd);
      fflush(stdout);
      continue;
    }
    if (pread(given, before, PAGE, AT) != PAGE) return 3;
    int both = reopened(O_RDWR), only = reopened(O_WRONLY), append = reopened(O_RDWR | O_APPEND);
    if (strncmp(line, "grow", 4) == 0) {
      larger("given", given);
      larger("read-write", both);
      larger("write-only", only);
      larger("append", append);
      close(both);
      close(only);
      close(append);
      printf(".\n");
      fflush(stdout);
      continue;
    }
    tell("truncating-open", reopened(O_RDWR | O_TRUNC));
    tell("truncate-path", truncate(path, 0));
    by_descriptor("given", given);
    by_descriptor("read-write", both);
    by_descriptor("write-only", only);
    by_descriptor("append", append);
    by_mapping("given-readable", given, PROT_READ);
    by_mapping("given-executable", given, PROT_READ | PROT_EXEC);
    by_mapping("read-write-readable", both, PROT_READ);
    by_mapping("read-write-executable", both, PROT_READ | PROT_EXEC);
    close(both);
    close(only);
    close(append);
    unsigned char now[PAGE];
    if (pread(given, now, PAGE, AT) != PAGE) return 3;
    print_start("read", now);
    print_start("shared", shared);
    print_start("private", private);
    printf(".\n");
    fflush(stdout);
  }
  return 0;
}
