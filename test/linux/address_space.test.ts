/** What a process has mapped where: asked for one address, it is what /proc/PID/maps says, however long that is. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { addressSpaceOf } from '../../src/linux/address_space.js';
import { type MapsLine, mappings, mappingsOf } from '../../src/linux/maps.js';
import { lineAt, linesWithin } from '../../src/linux/maps_search.js';
import { compileProgram } from '../programs/compile.js';

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

/** Starts a program with so many mappings more. */
async function withMappings(count: number): Promise<number> {
  child = spawn(compileProgram('linux/many_mappings.c'), [`${count}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child?.stdout?.once('data', resolve));
  return child.pid ?? 0;
}

/** The fields of a line, whoever has read it. */
function fields({ start, end, permissions, offset, inode, device, name, text }: MapsLine) {
  return { start, end, permissions, offset, inode, device, name, text: text.replace(/ +/g, ' ').trimEnd() };
}

for (const count of [10, 20_000]) {
  test(`of a process with ${count} mappings more`, async () => {
    const processId = await withMappings(count);
    // The kernel's own page at the top of each is none that is mapped.
    const all = mappings(processId)?.filter(({ name }) => name !== '[vsyscall]') ?? [];
    assert.ok(all.length > count);
    using space = addressSpaceOf(processId);
    assert.ok(space !== undefined);
    const some = all.filter((_, index) => index < 5 || index > all.length - 40 || index % 997 === 0);
    for (const line of some) {
      for (const address of [line.start, line.start + 1n, line.end - 1n]) {
        assert.deepEqual(fields(space.at(address) as MapsLine), fields(line));
      }
      assert.equal(space.at(line.end) === undefined, lineAt(all, line.end) === undefined);
    }
    assert.equal(space.at(0n), undefined);
    const { start } = all[2] as MapsLine;
    const { end } = all[9] as MapsLine;
    const expected = all.slice(2, 10).map(fields);
    assert.deepEqual(space.within({ start, end }).map(fields), expected);
    assert.deepEqual(space.within({ start: start + 1n, end: end - 1n }).map(fields), expected);
    assert.deepEqual(linesWithin(all, { start, end }).map(fields), expected);
    // The program's own file begins with its headers, and is mapped in one piece.
    const own = all.filter(({ name }) => name.includes('many_mappings'));
    for (const line of own) assert.equal(space.baseOf(line), own[0]?.start);
  });
}

test('a process that is gone has none', () => {
  assert.equal(addressSpaceOf(2 ** 30), undefined);
});

test('a line of another form is never taken for a mapping', () => {
  const line = '7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n';
  assert.equal(mappingsOf(`${line}nonsense\n`), undefined);
  const many = mappingsOf(`${line.repeat(600)}nonsense\n`);
  assert.throws(() => many?.at(-1)?.start, { code: 'EIO' });
});
