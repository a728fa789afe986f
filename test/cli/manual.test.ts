/** The manual page and the help name all that the command line takes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { kinds, levelNames } from '../../src/policy/kinds.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { root } from '../programs/compile.js';
import { run, trampfd } from './command.js';

const page = join(root, 'docs', 'trampfd.1');

describe('the manual page', () => {
  test('has no mistakes that mandoc finds', () => {
    // Which other pages are installed is not the page's matter: those remarks are below a warning.
    const { status, output, errors } = run(['mandoc', '-T', 'lint', '-W', 'warning', page]);
    assert.equal(output + errors, '');
    assert.equal(status, 0);
  });

  test('has every section that people look for, as text that can be read', () => {
    const { output } = run(['mandoc', '-T', 'ascii', '-W', 'error', page]);
    // Bold letters come as the letter, a step back, and the letter again.
    const text = output.replace(new RegExp(`.${String.fromCharCode(8)}`, 'g'), '');
    for (const section of [
      'SYNOPSIS',
      'DESCRIPTION',
      'POLICIES',
      'EMULATION',
      'ENVIRONMENT',
      'EXIT STATUS',
      'SIGNALS',
      'LOG',
      "THE SUPERVISOR'S END",
      'LIMITS',
      'EXAMPLES',
      'SEE ALSO',
    ]) {
      assert.match(text, new RegExp(`^${section}$`, 'm'));
    }
    // Words behind an option in its macro become options of one letter; ours have two dashes.
    assert.doesNotMatch(text, /(?<![\w-])-[a-z]{2,}\s+-[a-z]{2,}/);
  });

  test('has every option and command of --help', () => {
    const { output, status } = run([trampfd, '--help']);
    assert.equal(status, 0);
    const source = readFileSync(page, 'utf8');
    const options = [...output.matchAll(/--([\w-]+)/g)].map(([, name = '']) => name);
    assert.deepEqual([...new Set(options)].sort(), [
      'allow',
      'arch',
      'best-effort',
      'code',
      'context',
      'data',
      'deny',
      'every-program',
      'exec',
      'help',
      'json',
      'log',
      'no-emulation',
      'policy',
      'policy-file',
      'version',
    ]);
    for (const option of options) assert.match(source, new RegExp(`(?:Fl|\\|) -${option}\\b`), option);
    for (const command of ['run', 'policy', 'doctor', 'show']) {
      assert.match(output, new RegExp(`trampfd ${command}`));
      assert.match(source, new RegExp(`^\\.Cm ${command}$`, 'm'));
    }
  });

  test('and --help have every architecture', () => {
    const { output } = run([trampfd, '--help']);
    const source = readFileSync(page, 'utf8');
    for (const name of Object.keys(architectures)) {
      assert.match(output, new RegExp(`--arch .*\\b${name}\\b`));
      assert.match(source, new RegExp(`^\\.Cm ${name}\\b`, 'm'));
    }
  });

  test('has every kind of permission, and every policy', () => {
    const source = readFileSync(page, 'utf8');
    for (const name of [...kinds, ...levelNames]) assert.match(source, new RegExp(`^\\.It Cm ${name}$`, 'm'));
  });

  test('has every kind of event that the log writes', () => {
    const source = readFileSync(join(root, 'src', 'supervisor', 'log.ts'), 'utf8');
    const events = [...source.matchAll(/event: '([a-z-]+)'/g)].map(([, name = '']) => name);
    assert.ok(events.length >= 6);
    const text = readFileSync(page, 'utf8');
    for (const event of events) assert.ok(text.includes(event), event);
  });
});

describe('--help and --version', () => {
  for (const words of [
    ['--help'],
    ['-h'],
    ['help'],
    ['run', '--help'],
    ['policy', '--help'],
    ['doctor', '--help'],
    ['show', '-h'],
  ]) {
    test(words.join(' '), () => {
      const { status, output, errors } = run([trampfd, ...words]);
      assert.equal(status, 0);
      assert.equal(errors, '');
      assert.match(output, /^usage: trampfd run /);
      for (const line of output.split('\n')) assert.ok(line.length <= 100, line);
    });
  }

  test('the version is the package’s', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const { status, output } = run([trampfd, '--version']);
    assert.equal(status, 0);
    assert.equal(output, `trampfd ${version}\n`);
  });
});
