/*
 * A 64-bit program that makes and maps an i386 table by int 0x80, with garbage in the upper half of every register: the
 * kernel's i386 entry never looks at those, so whoever judges such a call must not either.
 *
 * output: one `step result` line each, an error negated.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <trampfd.h>

static int call(unsigned long number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f) {
  const unsigned long garbage = 0xdeadbeef00000000UL;
  long result;
  __asm__ volatile("push %%rbp\n\t"
                   "mov %[six], %%rbp\n\t"
                   "int $0x80\n\t"
                   "pop %%rbp"
                   : "=a"(result)
                   : "a"(number), "b"(garbage | a), "c"(garbage | b), "d"(garbage | c), "S"(garbage | d), "D"(garbage | e),
                     [six] "r"(garbage | f)
                   : "r8", "r9", "r10", "r11", "memory");
  return (int)result;
}

int main(void) {
  enum { WRITE = 4, LSEEK = 19, PWRITE64 = 181, MMAP2 = 192, TRAMPFD = 440 };
  char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) return 2;
  uint32_t at = (uint32_t)(uintptr_t)low;
  struct trampfd_info info;
  int fd = call(TRAMPFD, at, 0, 0, 0, 0, 0);
  memcpy(&info, low, sizeof info);
  printf("create %d\n", fd < 0 ? fd : 0);
  printf("slots %u\n", info.code_size);

  struct trampfd_code code = {.ntrampolines = 1, .reg = 0, .table = at + 1024};
  memcpy(low, &code, sizeof code);
  printf("code %d\n", call(PWRITE64, fd, at, sizeof code, 0, 0, 0));
  struct trampfd_data data = {.reg = 2, .table = at + 2048};
  memcpy(low, &data, sizeof data);
  printf("seek %d\n", call(LSEEK, fd, 1, 0, 0, 0, 0));
  printf("data %d\n", call(WRITE, fd, at, sizeof data, 0, 0, 0));
  int mapped = call(MMAP2, 0, info.code_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, info.code_offset / 4096);
  printf("map %d\n", mapped < 0 && mapped > -4096 ? mapped : 0);
  printf("again %d\n", call(MMAP2, 0, info.code_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, info.code_offset / 4096));
  int writable = call(MMAP2, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("writable %d\n", writable < 0 && writable > -4096 ? writable : 0);
  return 0;
}
