/** Sources of packages are read in both formats, and what is not Debian's is passed over. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { archivesIn, readArchives } from './archives.js';

const FIELDS = `Types: deb
# a remark
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test('fields', () => {
  assert.deepEqual(archivesIn(new Map([['debian.sources', FIELDS]])), {
    main: 'http://mirror.example/debian',
    security: 'http://mirror.example/debian-security',
  });
});

test('lines, with options and other archives among them', () => {
  const lines = `deb [signed-by=/key] https://other.example/node nodistro main
# deb http://off.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/key] http://mirror.example/debian bookworm main contrib
deb http://security.example/debian bookworm-security main
`;
  assert.deepEqual(archivesIn(new Map([['sources.list', lines]])), {
    main: 'http://mirror.example/debian',
    security: 'http://security.example/debian',
  });
});

test('no archive of security updates is made up; none of Debian is an error', () => {
  const one = new Map([['sources.list', 'deb http://mirror.example/debian trixie main\n']]);
  assert.deepEqual(archivesIn(one), { main: 'http://mirror.example/debian', security: undefined });
  assert.throws(() => archivesIn(new Map([['a.list', 'deb http://other.example/x stuff main\n']])), /no source/);
});

test('a list of mirrors stands for its first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-archives-'));
  try {
    writeFileSync(
      join(folder, 'mirrors'),
      '# those nearby\nhttp://near.example/debian\tpriority:1\nhttp://far.example/debian\n',
    );
    writeFileSync(join(folder, 'sources.list'), `deb mirror+file:${join(folder, 'mirrors')} bookworm main\n`);
    assert.deepEqual(readArchives(folder), { main: 'http://near.example/debian', security: undefined });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
