/** When files were changed, asked by one native call: the same as one by one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { changeTimes } from '../../src/linux/change_times.js';

const place = mkdtempSync(join(tmpdir(), 'trampfd-times-'));
after(() => rmSync(place, { recursive: true, force: true }));

/** As the file system of Node.js says it. */
function oneByOne(path: string): number | undefined {
  return statSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false })?.mtimeMs;
}

test('every time is the one that fs.statSync gives, to the last bit', () => {
  const paths = readdirSync('/usr/bin', { encoding: 'latin1' }).map((name) => `/usr/bin/${name}`);
  assert.ok(paths.length > 100);
  assert.deepEqual(changeTimes(paths), paths.map(oneByOne));
});

test('what is not there has none, wherever it stands; links are followed; a name may have any bytes', () => {
  const odd = Buffer.concat([Buffer.from(`${place}/`), Buffer.from([0x20, 0xff, 0xc3, 0x28])]);
  mkdirSync(odd);
  for (const [name, seconds] of Object.entries({ old: -5, new: 3_000_000_000.5 })) {
    mkdirSync(join(place, name));
    utimesSync(join(place, name), seconds, seconds);
  }
  symlinkSync('old', join(place, 'link'));
  const there = [odd.toString('latin1'), ...['old', 'new', 'link'].map((name) => join(place, name))];
  const paths = ['/nonexistent', ...there.flatMap((path) => [path, `${path}/nothing`]), '/nonexistent'];
  const times = changeTimes(paths);
  assert.deepEqual(times, paths.map(oneByOne));
  assert.equal(times.filter((time) => time === undefined).length, 2 + there.length);
});

test('many that are not there take no longer for being many', () => {
  const paths = Array.from({ length: 20_000 }, (_, index) => `/nonexistent/${index}`);
  assert.ok(changeTimes(paths).every((time) => time === undefined));
  assert.deepEqual(changeTimes([]), []);
});

test('a path with a zero is no path', () => {
  assert.throws(() => changeTimes(['/usr', '/usr\0/bin']), RangeError);
});
