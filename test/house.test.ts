/**
 * The house itself: the linter's layer rule bites, every file has a head that says what it is for, and none is too long
 * to be read.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { root } from './programs/compile.js';

const BIOME = join(root, 'node_modules', '.bin', 'biome');

/** A file to be linted: where it would stand, and what it says. */
interface Draft {
  readonly path: string;
  readonly text: string;
}

/** The rules that the linter sees broken in each of some files, in a house of their own with the project's rules. */
function brokenRules(drafts: readonly Draft[]): ReadonlyMap<Draft, readonly string[]> {
  const house = mkdtempSync(join(tmpdir(), 'trampfd-house-'));
  try {
    copyFileSync(join(root, 'biome.json'), join(house, 'biome.json'));
    const files = drafts.map((draft, index) => {
      const path = draft.path.replace(/new\.ts$/, `new-${index}.ts`);
      mkdirSync(join(house, dirname(path)), { recursive: true });
      writeFileSync(join(house, path), draft.text);
      return path;
    });
    const options = ['lint', '--error-on-warnings', '--reporter=json', '--max-diagnostics=none', 'src'];
    const done = spawnSync(BIOME, options, { cwd: house, encoding: 'utf8', maxBuffer: 2 ** 26 });
    const { diagnostics } = JSON.parse(done.stdout) as {
      readonly diagnostics: readonly { readonly category: string; readonly location: { readonly path: unknown } }[];
    };
    return new Map(
      drafts.map((draft, index) => [
        draft,
        diagnostics
          .filter(({ location }) => JSON.stringify(location.path).includes(`${files[index]}"`))
          .map(({ category }) => category),
      ]),
    );
  } finally {
    rmSync(house, { recursive: true, force: true });
  }
}

/** A module that imports another one, and exports it so that nothing else is wrong with it. */
const importing = (from: string): string =>
  `import { anything } from '${from}';\n\nexport const other: unknown = anything;\n`;
const importingType = (from: string): string => `import type { Thing } from '${from}';\n\nexport type Other = Thing;\n`;

/** What each box must not import, with the paths that its files would have to write. */
const FORBIDDEN: readonly (readonly [string, readonly string[]])[] = [
  [
    'src/trampoline/new.ts',
    [
      'koffi',
      'node:fs',
      'node:process',
      '../linux/memory.js',
      '../policy/rule.js',
      '../object/table.js',
      '../supervisor/log.js',
      '../cli/run.js',
      '../abi/mman.js',
    ],
  ],
  ['src/abi/new.ts', ['koffi', 'node:os', '../linux/libc.js', '../policy/rule.js', '../supervisor/log.js']],
  ['src/object/new.ts', ['koffi', 'node:fs', '../linux/libc.js', '../supervisor/log.js', '../cli/run.js']],
  ['src/policy/new.ts', ['koffi', 'node:fs', '../linux/libc.js', '../supervisor/log.js', '../cli/run.js']],
  [
    'src/linux/new.ts',
    ['../trampoline/table.js', '../object/table.js', '../policy/rule.js', '../supervisor/log.js', '../cli/run.js'],
  ],
  ['src/supervisor/new.ts', ['koffi', '../cli/run.js']],
  ['src/supervisor/calls/new.ts', ['koffi', '../../cli/run.js']],
  ['src/cli/new.ts', ['koffi']],
];

/** What each box stands on, so that the rule does not bite everything. */
const PERMITTED: readonly (readonly [string, readonly string[]])[] = [
  ['src/trampoline/new.ts', ['../error.js', './table.js']],
  ['src/abi/new.ts', ['./constant.js']],
  ['src/object/new.ts', ['../trampoline/table.js', '../abi/mman.js', '../error.js']],
  ['src/policy/new.ts', ['../abi/syscalls.js', '../error.js']],
  ['src/linux/new.ts', ['koffi', 'node:fs', '../abi/mman.js', '../error.js']],
  [
    'src/supervisor/new.ts',
    ['node:fs', '../linux/memory.js', '../policy/rule.js', '../object/table.js', '../error.js'],
  ],
  ['src/cli/new.ts', ['node:fs', '../supervisor/start.js', '../linux/process.js', '../trampoline/table.js']],
];

describe('the layer rule', () => {
  const drafts = (table: typeof FORBIDDEN, write: (from: string) => string): readonly Draft[] =>
    table.flatMap(([path, modules]) => modules.map((from) => ({ path, text: write(from) })));

  const kinds = [
    ['a module', importing],
    ['a type', importingType],
  ] as const;
  for (const [kind, write] of kinds) {
    test(`${kind} of a box above is an error`, () => {
      for (const [draft, rules] of brokenRules(drafts(FORBIDDEN, write))) {
        assert.deepEqual(rules, ['lint/style/noRestrictedImports'], `${draft.path}: ${draft.text}`);
      }
    });

    test(`${kind} of a box below is none`, () => {
      for (const [draft, rules] of brokenRules(drafts(PERMITTED, write))) {
        assert.deepEqual(rules, [], `${draft.path}: ${draft.text}`);
      }
    });
  }

  test('the bottom file is held as well', () => {
    for (const from of ['koffi', 'node:util', './linux/libc.js', './abi/errno.js']) {
      const draft = { path: 'src/error.ts', text: importing(from) };
      assert.deepEqual(brokenRules([draft]).get(draft), ['lint/style/noRestrictedImports'], from);
    }
  });
});

/** TypeScript files below a folder, as paths from the root. */
function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
}

describe('a file is a room', () => {
  const text = (path: string): string => readFileSync(join(root, path), 'utf8');

  test('every one in src begins with what it is for', () => {
    for (const path of sources('src')) {
      assert.match(text(path), /^\/\*\*\n(?: \*(?: [^\n]+)?\n)+? \* @module\n \*\/\n/, `${path}: no head with @module`);
    }
  });

  test('none in src is longer than 300 lines', () => {
    for (const path of sources('src')) {
      const lines = text(path).trimEnd().split('\n').length;
      assert.ok(lines <= 300, `${path}: ${lines} lines`);
    }
  });

  test('only src/linux names koffi', () => {
    for (const path of sources('src')) {
      if (path.startsWith(join('src', 'linux'))) continue;
      assert.doesNotMatch(text(path), /from 'koffi'|require\('koffi'\)|import\('koffi'\)/, path);
    }
  });

  test('what another program may have put in the place of a file is not waited for', () => {
    // These open the kernel's own files, the package's, and devices of this process.
    const own = ['cli/launch', 'cli/run', 'cli/signals', 'cli/trampfd', 'linux/', 'supervisor/confine/kernel_helpers'];
    for (const path of sources('src')) {
      const isOwn = own.some((one) => path.startsWith(join('src', one)));
      const read = text(path).match(/readFileSync\((?!\s*['`]\/(?:proc|sys)\/)/g) ?? [];
      assert.ok(isOwn || read.length === 0, `${path}: use readSmallFile() of linux/small_file.ts`);
      const opened = /openSync\(/.test(text(path));
      assert.ok(isOwn || !opened || /O_NONBLOCK|O_PATH/.test(text(path)), `${path}: open with O_NONBLOCK`);
    }
  });

  test('standard error is written in one way', () => {
    // Of all others, where the kernel's interface cannot be had.
    const alone = join('src', 'cli', 'trampfd.ts');
    for (const path of sources('src')) {
      const writes = text(path).match(/writeSync\(2|console\.|process\.std(?:err|out)/g) ?? [];
      assert.equal(writes.length, path === alone ? 1 : 0, `${path}: use say() of supervisor/standard_error.ts`);
    }
  });

  test('what is imported lies below: no box imports one above it, by any path', () => {
    const below: Readonly<Record<string, readonly string[]>> = {
      abi: ['abi'],
      trampoline: ['trampoline', 'error'],
      object: ['object', 'trampoline', 'abi', 'error'],
      policy: ['policy', 'trampoline', 'abi', 'error'],
      linux: ['linux', 'abi', 'error'],
      supervisor: ['supervisor', 'object', 'policy', 'trampoline', 'linux', 'abi', 'error'],
    };
    for (const path of sources('src')) {
      const [, box = ''] = path.split('/');
      const allowed = below[box];
      if (allowed === undefined) continue;
      for (const [, from = ''] of text(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        const [, target = ''] = join(path, '..', from).split('/');
        assert.ok(allowed.includes(target.replace(/\.js$/, '')), `${path} imports ${from}`);
      }
    }
  });
});
