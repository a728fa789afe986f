/*
 * Two pages, the second of which nobody may touch; prints `address size`, then for each line of standard input the last
 * 32 bytes of the first page, as hexadecimal.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  size_t size = getpagesize();
  unsigned char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + size, size, PROT_NONE) != 0) return 2;
  for (size_t i = 0; i < size; i++) pages[i] = i & 0xff;
  printf("%llu %zu\n", (unsigned long long)(size_t)pages, size);
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    for (size_t i = size - 32; i < size; i++) printf("%02x", pages[i]);
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
