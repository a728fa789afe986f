/*
 * Installs a filter from a file and makes the calls that standard input lists: the real
 * kernel's answer to a compiled filter.
 *
 * usage: calls FILTER-FILE | -
 *        - installs none
 * input: one call a line: number and six arguments, hexadecimal; output: the result of each, negated errno as it is.
 *
 * The 64-bit build enters by `syscall`; the i386 build, or a line that begins with `i`, by `int 0x80`.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter program[4096];

#ifdef __x86_64__
static long by_syscall(unsigned long number, const unsigned long long *a) {
  long result;
  register unsigned long r10 __asm__("r10") = a[3];
  register unsigned long r8 __asm__("r8") = a[4];
  register unsigned long r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* A 64-bit program's int 0x80, all 64 bits of its registers set: rbp is the sixth argument. */
static long by_interrupt(unsigned long number, const unsigned long long *a) {
  long result;
  __asm__ volatile("push %%rbp\n\t"
                   "mov %[six], %%rbp\n\t"
                   "int $0x80\n\t"
                   "pop %%rbp"
                   : "=a"(result)
                   : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), [six] "r"(a[5])
                   : "r8", "r9", "r10", "r11", "memory");
  return (int)result;
}
#else
static long by_interrupt(unsigned long number, const unsigned long long *wide) {
  unsigned long a[7] = {wide[0], wide[1], wide[2], wide[3], wide[4], wide[5], number};
  long result;
  __asm__ volatile("push %%ebp\n\t"
                   "push %%ebx\n\t"
                   "mov 24(%%eax), %%edi\n\t"
                   "push %%edi\n\t"
                   "mov 0(%%eax), %%ebx\n\t"
                   "mov 4(%%eax), %%ecx\n\t"
                   "mov 8(%%eax), %%edx\n\t"
                   "mov 12(%%eax), %%esi\n\t"
                   "mov 16(%%eax), %%edi\n\t"
                   "mov 20(%%eax), %%ebp\n\t"
                   "pop %%eax\n\t"
                   "int $0x80\n\t"
                   "pop %%ebx\n\t"
                   "pop %%ebp"
                   : "=a"(result)
                   : "a"(a)
                   : "ecx", "edx", "esi", "edi", "memory");
  return result;
}
#define by_syscall by_interrupt
#endif

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "-") != 0) {
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) return 2;
    struct sock_fprog filter = {.filter = program};
    filter.len = fread(program, sizeof program[0], 4096, file);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 3;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return 4;
  }

  static char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *at = line;
    int interrupt = *at == 'i';
    if (interrupt) at++;
    unsigned long long words[7];
    for (int i = 0; i < 7; i++) words[i] = strtoull(at, &at, 16);
    printf("%ld\n", (interrupt ? by_interrupt : by_syscall)((unsigned long)words[0], words + 1));
  }
  return 0;
}
