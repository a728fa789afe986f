/** The table of runtimes: files are recognised, and what is said of them can be used. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isClosureMaker, runtimeOf, runtimeSentence, runtimes, secondWayOf } from '../../src/policy/runtimes.js';

/** Files as they are in Debian 12 and elsewhere, and the runtime of each. */
const FILES: readonly (readonly [string, RegExp | undefined])[] = [
  ['/usr/bin/node', /^V8/],
  ['/opt/node/bin/node', /^V8/],
  ['/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so', /^the Java/],
  ['/usr/bin/luajit-2.1.0-beta3', /^LuaJIT/],
  ['/usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2.1.0', /^LuaJIT/],
  ['/usr/lib/x86_64-linux-gnu/libguile-3.0.so.1.5.0', /^Guile/],
  ['/usr/lib/x86_64-linux-gnu/libmozjs-102.so.102.15.1', /^SpiderMonkey/],
  ['/usr/lib/php/20220829/opcache.so', /^PHP/],
  ['/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0.11.2', /^PCRE2/],
  ['/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1.2', /^Ruby/],
  ['/usr/lib/x86_64-linux-gnu/libpypy3.9-c.so', /^PyPy/],
  ['/usr/bin/pypy3.9', /^PyPy/],
  ['/usr/lib/erlang/erts-13.1.5/bin/beam.smp', /^Erlang/],
  ['/usr/bin/git', /^Git/],
  ['/usr/lib/postgresql/15/lib/llvmjit.so', /^PostgreSQL/],
  ['/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1', /^PostgreSQL/],
  ['/usr/bin/sbcl', /^SBCL/],
  ['/usr/bin/racket', /^Racket/],
  ['/usr/bin/chezscheme', /^Chez/],
  ['/usr/bin/mono-sgen', /^Mono/],
  ['/usr/bin/qemu-aarch64', /^QEMU/],
  ['/usr/libexec/valgrind/memcheck-amd64-linux', /^Valgrind/],
  ['/usr/lib/python3/dist-packages/_cffi_backend.cpython-311-x86_64-linux-gnu.so', /^cffi/],
  ['/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2', /^libffi,/],
  ['/usr/lib/x86_64-linux-gnu/libffcall.so.0.1.0', /^libffcall,/],
  ['/usr/lib/x86_64-linux-gnu/libc.so.6', undefined],
  ['/usr/bin/python3.11', undefined],
  ['/usr/bin/nodeinfo', undefined],
  ['/home/node/program', undefined],
  ['/usr/bin/qemu-system-x86_64', undefined],
  ['', undefined],
];

describe('the table of runtimes', () => {
  for (const [file, name] of FILES) {
    test(`${file || 'no file'} is ${name === undefined ? 'none' : 'known'}`, () => {
      const found = runtimeOf([file])?.name;
      if (name === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', name);
    });
  }

  test('every row is met by a file above', () => {
    const met = new Set(FILES.map(([file]) => runtimeOf([file])));
    for (const runtime of runtimes) assert.ok(met.has(runtime), runtime.name);
  });

  test('the nearest file on the stack counts', () => {
    assert.match(runtimeOf(['/usr/lib/libc.so.6', '/usr/lib/libffi.so.8', '/usr/bin/node'])?.name ?? '', /^libffi/);
  });

  test('one that goes on without counts less than one that does not', () => {
    assert.match(runtimeOf(['/usr/lib/libpcre2-8.so.0', '/usr/bin/php8.2'])?.name ?? '', /^PCRE2/);
    assert.match(runtimeOf(['/usr/lib/libpcre2-8.so.0', '/usr/bin/git'])?.name ?? '', /^Git/);
  });

  test('those that write trampolines are told from those that compile', () => {
    const libffi = '/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2';
    assert.equal(secondWayOf([libffi]), 'maps twice');
    assert.equal(secondWayOf(['/usr/lib/x86_64-linux-gnu/libffcall.so.0']), 'maps twice');
    assert.equal(secondWayOf(['/opt/python/lib/libffi-a1b2c3.so.8']), 'maps twice');
    assert.equal(secondWayOf(['/tmp/jna-1/libjnidispatch.so']), 'maps twice');
    assert.equal(secondWayOf(['/usr/lib/python3/dist-packages/_cffi_backend.cpython-311.so']), 'in one place');
    assert.equal(secondWayOf(['/usr/bin/node']), 'compiles');
    assert.equal(secondWayOf(['/usr/bin/program', '/usr/lib/libc.so.6']), undefined);
    assert.equal(secondWayOf([]), undefined);
  });

  test('the nearest that is known says what is written', () => {
    const libffi = '/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2';
    assert.equal(secondWayOf(['/usr/lib/libc.so.6', libffi, '/usr/bin/node']), 'maps twice');
    assert.equal(secondWayOf(['/usr/lib/libc.so.6', '/usr/bin/node', libffi]), 'compiles');
  });

  test('a sentence names the runtime, what it wanted, and what helps', () => {
    for (const runtime of runtimes) {
      const sentence = runtimeSentence(runtime, 'strict');
      assert.ok(sentence.startsWith(`${runtime.name} wanted to run code `), sentence);
      assert.ok(sentence.includes(`(${runtime.wants.join(', ')}), which strict denies; `), sentence);
      assert.ok(sentence.includes(runtime.without ?? 'no switch makes it run without'), sentence);
      assert.ok(
        sentence.endsWith(
          `; ${runtime.without === undefined ? '' : 'or '}let it: ${runtime.wants.map((kind) => `--allow ${kind}`).join(' ')}`,
        ),
        sentence,
      );
    }
  });
});

test("libffi's functions are known where a program has them in it, by whatever ending a compiler gave them", () => {
  for (const name of ['ffi_closure_alloc', 'ffi_closure_alloc.cold', 'dlmmap', 'dlmmap.constprop.0', 'dlmmap_locked']) {
    assert.equal(isClosureMaker(name), true, name);
  }
  for (const name of ['', 'dlmmapped', 'mmap', 'ffi_call', '.constprop.0', 'x.ffi_closure_alloc']) {
    assert.equal(isClosureMaker(name), false, name);
  }
});
