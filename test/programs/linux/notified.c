/*
 * Makes system call 440 with recognisable arguments, and says what it got.
 *
 * usage: notified [COUNT]   makes it COUNT times (1); 0: once by int 0x80 as i386, the same in all 64 bits of the registers
 * output: `process-id thread-id` first, then for each call `result`, or the negated errno; behind a result that is an open
 * descriptor of its own its flags, its inode and whether it can be read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  printf("%d %ld\n", getpid(), syscall(SYS_gettid));
  fflush(stdout);
  if (count == 0) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(440L), "b"(0x120000004dL), "c"(0x1122334455667788L), "d"(-2L), "S"(4L), "D"(5L)
                     : "r8", "r9", "r10", "r11", "memory");
    printf("%d\n", (int)result);
  }
  while (count-- > 0) {
    long result = syscall(440, 77L, 0x1122334455667788L, -2L, 4L, 5L, 0x8000000000000000L);
    struct stat file;
    if (result < 0) printf("%ld\n", -(long)errno);
    else if (result > 2 && result < 65536 && fstat(result, &file) == 0)
      printf("%ld %d %llu\n", result, fcntl(result, F_GETFD), (unsigned long long)file.st_ino);
    else printf("%ld\n", result);
    fflush(stdout);
  }
  return 0;
}
