/** When a page is promoted, and what its mappings say of it: without a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MapsLine } from '../../../src/linux/maps.js';
import { OwnPage } from '../../../src/supervisor/emulation/own_page.js';
import { OwnPages } from '../../../src/supervisor/emulation/own_pages.js';
import { PagePool, POOL_PAGES } from '../../../src/supervisor/emulation/page_pool.js';
import { DISTANCES } from '../../../src/trampoline/distances.js';
import type { PlacedTrampoline } from '../../../src/trampoline/promoted_page.js';

const START = 0x7f0000000000n;
const PAGE = 4096n;
const one: PlacedTrampoline = { form: 'gcc-heap', offset: 0, length: 28, hasLandingPad: true, isNarrow: false };

function line(start: bigint, permissions: string, inode = 0n, pages = 1n): MapsLine {
  return { start, end: start + pages * PAGE, permissions, offset: 0n, inode, device: 0, name: '', text: '' };
}

/** Calls until it is time to promote a page. */
function callsOf(page: OwnPage): number {
  for (let calls = 1; ; calls++) if (page.called()) return calls;
}

test('a page that is written to as soon as it is promoted is promoted later and later, to a limit', () => {
  const page = new OwnPage(START, 2);
  /** Calls until it is promoted, for some milliseconds. */
  const callsUntil = (lasts: number): number => {
    const calls = callsOf(page);
    page.promoted([one], 1000);
    page.demoted(1000 + lasts);
    return calls;
  };
  assert.deepEqual(
    Array.from({ length: 8 }, () => callsUntil(0.9)),
    [2, 4, 8, 16, 32, 64, 64, 64],
  );
  // One that lasts was worth it; one in between says nothing.
  assert.deepEqual([5, 5, 10, 5, 0, 5, 100, 5].map(callsUntil), [64, 64, 64, 2, 2, 4, 4, 2]);
});

test('a page that holds something else is looked at later and later', () => {
  const page = new OwnPage(START, 2);
  const calls = [0, 1, 2, 3].map(() => {
    const count = callsOf(page);
    page.postpone();
    return count;
  });
  assert.deepEqual(calls, [2, 4, 8, 16]);
  page.giveUp();
  for (let count = 0; count < 1000; count++) assert.equal(page.called(), false);
});

test('it is said to be promoted once', () => {
  const page = new OwnPage(START, 2);
  assert.equal(page.promoted([one]), true);
  page.demoted();
  assert.equal(page.promoted([one]), false);
});

test('its mapping says what stands there', () => {
  using pool = PagePool.create();
  const { inode } = pool.file;
  const page = new OwnPage(START, 2);
  assert.deepEqual(page.take([{ pool, code: START + 64n * PAGE }], [line(START, 'rw-p')]), {
    pool,
    index: 0,
    distance: DISTANCES[0],
  });
  assert.equal(page.state([line(START, 'rw-p')]), 'own');
  assert.equal(page.state([line(START - PAGE, 'rw-p', 0n, 3n)]), 'own');
  assert.equal(page.state([line(START, 'r-xs', inode)]), 'promoted');
  assert.equal(page.state([line(START, 'r--s', inode)]), 'closed');
  assert.equal(page.state([line(START, 'rw-p', inode + 1n)]), 'other');
  assert.equal(page.state([line(START, 'rw-s')]), 'other');
  assert.equal(page.state([line(START + PAGE, 'rw-p')]), 'other');
  assert.equal(page.state([]), 'other');
  // It was protected by the program; where a copy of the memory was made meanwhile, it may have been by us.
  assert.equal(page.state([line(START, 'r--p')]), 'other');
  assert.equal(page.copy(false).state([line(START, 'r--p')]), 'other');
  assert.equal(page.copy(true).state([line(START, 'r--p')]), 'between');
});

test('a page that two memories execute is not written for one of them: it gets another', () => {
  using pool = PagePool.create();
  const places = [{ pool, code: START + 64n * PAGE }];
  const page = new OwnPage(START, 2);
  assert.equal(page.take(places, [])?.index, 0);
  assert.equal(page.take(places, [])?.index, 0);
  const copy = page.copy(false);
  assert.equal(copy.take(places, [])?.index, 1);
  // The first is its parent's alone from here on.
  assert.equal(page.take(places, [])?.index, 0);
  copy.leave();
  page.leave();
  const all = Array.from({ length: POOL_PAGES }, () => new OwnPage(START, 2));
  assert.deepEqual(
    all.map((each) => each.take(places, [])?.index),
    all.map((_, index) => index),
  );
  assert.equal(new OwnPage(START, 2).take(places, []), undefined);
  assert.equal(pool.hasRoom, false);
});

test('the page goes where nothing is, at the nearest of the distances, and stacks and heaps are left room', () => {
  using pool = PagePool.create();
  const places = [{ pool, code: START + 64n * PAGE }];
  const distanceWith = (lines: readonly MapsLine[], start = START): number | undefined => {
    const page = new OwnPage(start, 2);
    const distance = page.take(places, lines)?.distance;
    page.leave();
    return distance;
  };
  const at = (index: number): bigint => START + BigInt(DISTANCES[index] ?? 0);
  assert.equal(distanceWith([]), DISTANCES[0]);
  assert.equal(distanceWith([line(at(0), 'rw-p')]), DISTANCES[1]);
  assert.equal(distanceWith([line(at(0) - PAGE, '---p', 0n, 3n), line(at(1), 'rw-p')]), DISTANCES[2]);
  const heap = { ...line(at(0) - 64n * PAGE, 'rw-p'), name: '[heap]' };
  assert.notEqual(distanceWith([heap]), DISTANCES[0]);
  const stack = { ...line(at(0) + 64n * PAGE, 'rw-p'), name: '[stack]' };
  assert.notEqual(distanceWith([stack]), DISTANCES[0]);
  // Never below what can be mapped, nor above.
  assert.ok((distanceWith([], 0x200000n) ?? 0) > 0);
  assert.ok((distanceWith([], 0x7fffffffd000n) ?? 0) < 0);
  const everything = { ...line(0n, 'r--p'), end: 1n << 47n };
  assert.equal(distanceWith([everything]), undefined);
});

test('memory that was kept for a page is given back when the page is gone, where it is that still', () => {
  using pool = PagePool.create();
  const pages = new OwnPages();
  pages.grant({ start: START, end: START + PAGE }, true);
  const page = pages.called(START);
  assert.notEqual(page?.take([{ pool, code: START + 64n * PAGE }], []), undefined);
  const room = page?.reserving()?.values[0] ?? 0n;
  page?.reserved();
  assert.equal(page?.reserving(), undefined);
  pages.forget({ start: START, end: START + PAGE });
  assert.deepEqual(pages.copy(false).returning([line(room, 'rw-p')]), []);
  assert.deepEqual(pages.returning([line(room, '---p')]), [{ name: 'munmap', values: [room, PAGE] }]);
  assert.deepEqual(pages.returning([line(room, '---p')]), []);
});

test('pages are looked for in memory that was granted so, and forgotten with it', () => {
  const pages = new OwnPages();
  pages.grant({ start: START, end: START + 4n * PAGE }, true);
  assert.equal(pages.at(START + 5n), undefined);
  assert.equal(pages.called(START - 1n), undefined);
  assert.equal(pages.called(START + 4n * PAGE), undefined);
  const page = pages.called(START + PAGE + 28n);
  assert.equal(page?.start, START + PAGE);
  assert.equal(pages.at(START + 2n * PAGE - 1n), page);
  // What was mapped over the middle of it is none of it.
  pages.forget({ start: START + PAGE, end: START + 2n * PAGE });
  assert.equal(pages.at(START + PAGE), undefined);
  assert.equal(pages.called(START + PAGE), undefined);
  assert.equal(pages.called(START)?.start, START);
  assert.equal(pages.called(START + 3n * PAGE)?.start, START + 3n * PAGE);
  pages.prune([line(START, 'rw-p')]);
  assert.equal(pages.at(START)?.start, START);
  assert.equal(pages.at(START + 3n * PAGE), undefined);
});
