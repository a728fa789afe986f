/**
 * Every number of the kernel's that the project names, held against the system's headers with the C compiler.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { KernelConstant } from '../../src/abi/constant.js';
import { errnoName, errnoNumbers } from '../../src/abi/errno.js';
import { STATX } from '../../src/abi/fcntl.js';
import { BPF, SOCK_FILTER_SIZE } from '../../src/abi/filter.js';
import { PERSONALITY_QUERY } from '../../src/abi/process.js';
import {
  AUDIT_ARCH_64BIT,
  SECCOMP_DATA,
  SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR,
  SECCOMP_NOTIF,
  SECCOMP_NOTIF_ADDFD,
  SECCOMP_NOTIF_RESP,
  SECCOMP_NOTIF_SIZES,
  X32_SYSCALL_BIT,
} from '../../src/abi/seccomp.js';
import {
  type Entry,
  FIRST_UNKNOWN_SYSCALL,
  laterSyscalls,
  syscallName,
  syscallNumber,
  syscallNumbers,
  unusedNumbers,
} from '../../src/abi/syscalls.js';
import {
  TRAMPFD_CODE_DESCRIPTOR,
  TRAMPFD_DATA_DESCRIPTOR,
  TRAMPFD_EXTENSION_STRUCTURE,
  TRAMPFD_INFO,
} from '../../src/abi/trampfd.js';
import {
  TRAMPFD_MAP,
  TRAMPFD_REG,
  TRAMPFD_REGS,
  TRAMPFD_STACK,
  TRAMPFD_USER_STRUCTURE,
  TRAMPFD_VALUE_SIZE,
  TRAMPFD_VALUES,
} from '../../src/abi/trampfd_user.js';
import { PIDFD_THREAD } from '../../src/linux/descriptor.js';
import { notificationSizes } from '../../src/linux/listener.js';
import { SIG_DFL, SIG_IGN } from '../../src/linux/signal.js';
import { everyCall } from '../../src/policy/calls_allowed.js';
import { root } from '../programs/compile.js';
import { askHeaders, type Question } from './headers.js';

/** Holds names and values against what the headers answer. */
function holdAgainst(expected: Readonly<Record<string, number>>, answers: ReadonlyMap<string, bigint>): void {
  const said = Object.fromEntries(Object.keys(expected).map((name) => [name, answers.get(name)]));
  const named = Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, BigInt(value)]));
  assert.deepEqual(said, named);
}

describe('constants', () => {
  const folder = join(root, 'dist', 'src', 'abi');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    test(`${file}: every listed constant is its header's`, async (context) => {
      const module = (await import(pathToFileURL(join(folder, file)).href)) as {
        readonly constants?: readonly KernelConstant[];
      };
      if (module.constants === undefined) return context.diagnostic('lists none');
      assert.ok(module.constants.length > 0);
      holdAgainst(
        Object.fromEntries(module.constants.map(({ name, value }) => [name, value])),
        askHeaders(module.constants.map(({ name, header }) => ({ name, header }))),
      );
    });
  }

  test('error numbers', () => {
    const names = Object.keys(errnoNumbers);
    holdAgainst(errnoNumbers, askHeaders(names.map((name) => ({ name, header: 'errno.h' }))));
    for (const [name, number] of Object.entries(errnoNumbers)) assert.equal(errnoName(number), name);
    assert.equal(errnoName(9999), 'errno 9999');
  });

  test('numbers that stand alone', () => {
    const expected: readonly (Question & { readonly value: number })[] = [
      { name: '__X32_SYSCALL_BIT', header: 'asm/unistd.h', value: X32_SYSCALL_BIT },
      { name: '__AUDIT_ARCH_64BIT', header: 'linux/audit.h', value: AUDIT_ARCH_64BIT },
      { name: 'PIDFD_THREAD', header: 'fcntl.h', expression: 'O_EXCL', value: PIDFD_THREAD },
      { name: 'SIG_DFL', header: 'signal.h', expression: '(size_t)SIG_DFL', value: SIG_DFL },
      { name: 'SIG_IGN', header: 'signal.h', expression: '(size_t)SIG_IGN', value: SIG_IGN },
      { name: 'query', header: 'sys/personality.h', expression: '(unsigned int)-1', value: PERSONALITY_QUERY },
      {
        name: 'wrong direction',
        header: 'linux/seccomp.h',
        expression: 'SECCOMP_IOR(2, __u64)',
        value: SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR,
      },
      {
        name: 'a value',
        header: 'trampfd.h',
        expression: 'sizeof *((struct trampfd_values *)0)->values',
        value: TRAMPFD_VALUE_SIZE,
      },
      { name: 'BPF_MAXINSNS', header: 'linux/bpf_common.h', value: BPF.BPF_MAXINSNS },
    ];
    holdAgainst(Object.fromEntries(expected.map(({ name, value }) => [name, value])), askHeaders(expected));
  });
});

/** Every number that a header of the system's gives a call, as the preprocessor sees it. */
function numbersIn(header: string): ReadonlyMap<string, number> {
  const input = `#include <${header}>\n`;
  const { stdout } = spawnSync('gcc', ['-E', '-dM', '-'], { input, encoding: 'utf8' });
  const found = [...stdout.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  return new Map(found.map(([, name = '', number]) => [name, Number(number)]));
}

describe('system call numbers', () => {
  const headers: Readonly<Record<Entry, string>> = { 'x86-64': 'asm/unistd_64.h', i386: 'asm/unistd_32.h' };
  for (const entry of ['x86-64', 'i386'] as const) {
    test(`${entry}: as ${headers[entry]} has them`, () => {
      const numbers = Object.fromEntries(
        Object.entries(syscallNumbers[entry]).filter(([name]) => !(name in laterSyscalls)),
      );
      const questions = Object.keys(numbers).map((name) => ({
        name,
        header: headers[entry],
        expression: `__NR_${name}`,
      }));
      holdAgainst(numbers, askHeaders(questions));
    });

    test(`${entry}: every call that ${headers[entry]} has is there, and no number is missing`, () => {
      const said = numbersIn(headers[entry]);
      assert.ok(said.size > 300);
      const all = everyCall[entry];
      for (const [name, number] of said) assert.equal(all[name], number, name);
      for (const [name, number] of Object.entries(syscallNumbers[entry])) assert.equal(all[name], number, name);
      const used = new Set(Object.values(all));
      for (let number = 0; number < FIRST_UNKNOWN_SYSCALL; number++) {
        const isUnused = unusedNumbers[entry].some(({ from, to }) => from <= number && number <= to);
        assert.equal(isUnused, !used.has(number), String(number));
      }
      assert.equal(Math.max(...used), FIRST_UNKNOWN_SYSCALL - 1);
    });

    test(`${entry}: names and numbers lead to each other`, () => {
      for (const [name, number] of Object.entries(syscallNumbers[entry])) {
        assert.equal(syscallName(entry, number), name);
        assert.equal(syscallNumber(entry, name as never), number);
      }
      assert.equal(syscallName(entry, 0xffff), undefined);
    });
  }

  test('a name that an entry does not have has no number there', () => {
    assert.equal(syscallNumber('x86-64', 'mmap2'), undefined);
    assert.equal(syscallNumber('i386', 'kexec_file_load'), undefined);
  });
});

/**
 * A structure: its name in C, its header, and the offsets that the project has of it, with its size as `size`, or as
 * `sizeof` where a field has that name.
 */
interface Layout {
  readonly structure: string;
  readonly header: string;
  readonly fields: Readonly<Record<string, number>>;
}

const LAYOUTS: readonly Layout[] = [
  { structure: 'seccomp_data', header: 'linux/seccomp.h', fields: SECCOMP_DATA },
  { structure: 'seccomp_notif', header: 'linux/seccomp.h', fields: SECCOMP_NOTIF },
  { structure: 'seccomp_notif_resp', header: 'linux/seccomp.h', fields: SECCOMP_NOTIF_RESP },
  { structure: 'seccomp_notif_addfd', header: 'linux/seccomp.h', fields: SECCOMP_NOTIF_ADDFD },
  { structure: 'seccomp_notif_sizes', header: 'linux/seccomp.h', fields: SECCOMP_NOTIF_SIZES },
  { structure: 'statx', header: 'linux/stat.h', fields: STATX },
  {
    structure: 'sock_filter',
    header: 'linux/filter.h',
    fields: { code: 0, jt: 2, jf: 3, k: 4, size: SOCK_FILTER_SIZE },
  },
  { structure: 'trampfd_info', header: 'trampfd.h', fields: TRAMPFD_INFO },
  { structure: 'trampfd_code', header: 'trampfd.h', fields: TRAMPFD_CODE_DESCRIPTOR },
  { structure: 'trampfd_data', header: 'trampfd.h', fields: TRAMPFD_DATA_DESCRIPTOR },
  { structure: 'trampfd_extension', header: 'trampfd.h', fields: TRAMPFD_EXTENSION_STRUCTURE },
  { structure: 'trampfd_user', header: 'trampfd.h', fields: TRAMPFD_USER_STRUCTURE },
  { structure: 'trampfd_map', header: 'trampfd.h', fields: TRAMPFD_MAP },
  { structure: 'trampfd_reg', header: 'trampfd.h', fields: TRAMPFD_REG },
  { structure: 'trampfd_regs', header: 'trampfd.h', fields: TRAMPFD_REGS },
  { structure: 'trampfd_stack', header: 'trampfd.h', fields: TRAMPFD_STACK },
  { structure: 'trampfd_values', header: 'trampfd.h', fields: TRAMPFD_VALUES },
];

describe('structures', () => {
  for (const { structure, header, fields } of LAYOUTS) {
    test(`struct ${structure}`, () => {
      const whole = 'sizeof' in fields ? 'sizeof' : 'size';
      const questions = Object.keys(fields).map((name) => ({
        name,
        header,
        expression: name === whole ? `sizeof(struct ${structure})` : `offsetof(struct ${structure}, ${name})`,
      }));
      holdAgainst(fields, askHeaders(questions));
    });
  }

  test('the running kernel has the sizes of the headers, or larger ones', () => {
    const sizes = notificationSizes();
    assert.ok(typeof sizes !== 'number');
    assert.ok(sizes.notification >= SECCOMP_NOTIF.size && sizes.response >= SECCOMP_NOTIF_RESP.size);
  });

  test('what a thread is spawned with fits into what is kept for it', () => {
    const opaque = ['posix_spawnattr_t', 'posix_spawn_file_actions_t', 'sigset_t'];
    const answers = askHeaders(opaque.map((name) => ({ name, header: 'spawn.h', expression: `sizeof(${name})` })));
    for (const name of opaque) assert.ok((answers.get(name) ?? 2n ** 64n) <= 1024n, name);
  });
});
