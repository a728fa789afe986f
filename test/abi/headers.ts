/**
 * Asks the C compiler what the system's headers say: one generated program that prints `name=value` lines.
 *
 * Each header gets a source file of its own, for the kernel's headers and the C library's define some structures both.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../programs/compile.js';

/** Something to be asked: a C expression of an integer, and the header that it needs. */
export interface Question {
  /** What the answer is found under; it is also the expression, where none is given. */
  readonly name: string;
  readonly header: string;
  readonly expression?: string;
}

/** A source file that prints the answers of one header. */
function sourceOf(index: number, header: string, questions: readonly Question[]): string {
  const lines = questions.map(
    ({ name, expression }) => `  printf("%s=%llu\\n", "${name}", (unsigned long long)(${expression ?? name}));`,
  );
  return [
    '#define _GNU_SOURCE',
    '#include <stddef.h>',
    '#include <linux/ioctl.h>',
    `#include <${header}>`,
    'extern int printf(const char *, ...);',
    `void print_${index}(void);`,
    `void print_${index}(void) {`,
    ...lines,
    '}',
    '',
  ].join('\n');
}

/**
 * The answers, by name.
 *
 * @throws Error with the compiler's words, where a header or a name is not there
 */
export function askHeaders(questions: readonly Question[]): ReadonlyMap<string, bigint> {
  const byHeader = new Map<string, Question[]>();
  for (const question of questions) {
    byHeader.set(question.header, [...(byHeader.get(question.header) ?? []), question]);
  }
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-headers-'));
  try {
    const files = [...byHeader].map(([header, asked], index) => {
      const path = join(folder, `header_${index}.c`);
      writeFileSync(path, sourceOf(index, header, asked));
      return path;
    });
    const declared = files.map((_, index) => `extern void print_${index}(void);`).join('\n');
    const called = files.map((_, index) => `print_${index}();`).join(' ');
    const main = join(folder, 'main.c');
    writeFileSync(main, `${declared}\nint main(void) { ${called} return 0; }\n`);
    const binary = join(folder, 'ask');
    const flags = ['-Wall', '-Werror', '-Wno-builtin-declaration-mismatch', `-I${join(root, 'include')}`];
    const compiled = spawnSync('gcc', [...flags, '-o', binary, main, ...files], { encoding: 'utf8' });
    if (compiled.status !== 0) throw new Error(`gcc: ${compiled.error?.message ?? compiled.stderr}`);
    const { stdout } = spawnSync(binary, { encoding: 'utf8' });
    return new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('=') as [string, string])
        .map(([name, value]) => [name, BigInt(value)]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
