/**
 * Memory files under strict: what they do like the kernel's own, line by line, and the few things that they do not.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, SharedFolder, trampfd } from '../cli/command.js';
import { program } from './tap.js';

type Lines = ReadonlyMap<string, string>;

/** What the program says of each thing, by its name. */
function lines(text: string): Lines {
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, name = '', value = ''] = /^(\S+) (.*)$/s.exec(line) ?? [];
        return [name, value];
      }),
  );
}

/** Some hundred descriptors, so that their end is reached. */
const limited = ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh'];

/** What the kernel says, as it is to be under strict. */
function expected(bare: Lines): Lines {
  const knowsExec = bare.get('flags-8') === '0';
  const changed = [...bare].flatMap(([name, value]): [string, string][] => {
    const flags = Number.parseInt(/^flags-([0-9a-f]+)/.exec(name)?.[1] ?? '0', 16);
    // A kernel before 6.3 has no MFD_EXEC and no MFD_NOEXEC_SEAL.
    if ((flags & 0x18) !== 0 && !knowsExec) return [];
    // Files of huge pages are none of a tmpfs.
    if ((flags & 4) === 0 || value === 'EINVAL') return [[name, value]];
    return name.endsWith('close-on-exec') ? [] : [[name, 'ENOSYS']];
  });
  return new Map([
    ...changed,
    // A slash makes another file; the rest of a name is shown as it was given.
    ['link-2', '25 /memfd:a_b_.._c (deleted)'],
    ['sealing-seals', '1'],
    ['sealing-seal', 'EPERM'],
    ['map-executable', 'EPERM'],
    ['map-executable-shared', 'EPERM'],
    ['protect-executable', 'EACCES'],
    ['execute', 'EACCES'],
  ]);
}

describe('a memory file under strict', () => {
  for (const width of ['x86-64', 'i386'] as const) {
    test(`${width}: is as the kernel's own, but that nothing in it is executed, and no seals are added`, () => {
      const words = [program('memory_file', width)];
      const bare = run([...limited, ...words]);
      assert.deepEqual([bare.status, bare.errors], [0, '']);
      // Without us all of these are granted, so that what follows is ours.
      for (const name of ['sealing-seal', 'map-executable', 'map-executable-shared', 'protect-executable', 'execute']) {
        assert.equal(lines(bare.output).get(name), '0', name);
      }
      const wanted = expected(lines(bare.output));
      // Where trampolines are emulated, an executable view of it is one that shows the file, and is not executable.
      const emulating: Lines = new Map([...wanted, ['map-executable-shared', '0']]);
      for (const [options, answers] of [
        [['--no-emulation'], wanted],
        [[], emulating],
      ] as const) {
        const strict = run([...limited, trampfd, 'run', '--policy', 'strict', ...options, '--', ...words]);
        assert.deepEqual([strict.status, strict.errors], [0, '']);
        const found = lines(strict.output);
        for (const [name, value] of answers) assert.equal(found.get(name), value, name);
        for (const name of found.keys()) assert.ok(answers.has(name) || /^flags-(?:.*[89a-f]|1.)\b/.test(name), name);
      }
    });
  }

  test('is in the log, with its name and whether seals were wanted', () => {
    using folder = new SharedFolder();
    const log = join(folder.path, 'log');
    const script = 'import os; os.memfd_create("one"); os.memfd_create("two", os.MFD_ALLOW_SEALING)';
    const words = [trampfd, 'run', '--policy', 'strict', '--log', log, '--', '/usr/bin/python3', '-c', script];
    const { status, errors } = run(words);
    assert.deepEqual([status, errors], [0, '']);
    const events = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'memory-file-created');
    assert.deepEqual(
      events.map(({ name, wantedSeals }) => [name, wantedSeals]),
      [
        ['one', false],
        ['two', true],
      ],
    );
  });
});
