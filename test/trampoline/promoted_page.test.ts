import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DISTANCES } from '../../src/trampoline/distances.js';
import { assemblePromoted, isPromoted, linkWords, TRAP } from '../../src/trampoline/promoted.js';
import {
  assemblePage,
  isPromotedPage,
  PAGE_LENGTH,
  type PlacedTrampoline,
  startOf,
  trampolinesOf,
} from '../../src/trampoline/promoted_page.js';
import { viewOf } from '../../src/trampoline/recognise.js';
import { HARMLESS } from '../../src/trampoline/x86_harmless.js';

const FUNCTION = 0x1122334455667788n;
const CHAIN = 0x99aabbccddeeff01n;
const ADDRESS = 0x7f0000001000n;

function word(value: bigint, size: 4 | 8): number[] {
  return Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

/** The forms, as their writers have them; where each has its function and its chain. */
const FORMS = [
  { form: 'gcc-heap', isNarrow: false, end: [0x41, 0xff, 0xe3, 0x90] },
  { form: 'gcc-stack', isNarrow: false, end: [0x49, 0xff, 0xe3, 0x90] },
  { form: 'gcc-stack', isNarrow: true, end: [0x49, 0xff, 0xe3, 0x90] },
] as const;

const written = [false, true].flatMap((hasLandingPad) =>
  FORMS.map(({ form, isNarrow, end }) => {
    const start = hasLandingPad ? [0xf3, 0x0f, 0x1e, 0xfa] : [];
    const load = [isNarrow ? 0x41 : 0x49, 0xbb, ...word(FUNCTION, isNarrow ? 4 : 8)];
    const bytes = Uint8Array.from([...start, ...load, 0x49, 0xba, ...word(CHAIN, 8), ...end]);
    const functionAt = start.length + 2;
    return { form, hasLandingPad, isNarrow, bytes, functionAt, chainAt: functionAt + (isNarrow ? 4 : 8) + 2 };
  }),
);
const llvm = {
  form: 'llvm',
  hasLandingPad: false,
  isNarrow: false,
  bytes: Uint8Array.from([0x49, 0xbb, ...word(FUNCTION, 8), 0x49, 0xba, ...word(CHAIN, 8), 0x49, 0xff, 0xe3]),
  functionAt: 2,
  chainAt: 12,
} as const;
const all = [...written, llvm];

/** Trampolines one behind the other, with gaps of zeros; the page's, and where each of them stands. */
const pages = fc
  .array(fc.record({ one: fc.constantFrom(...all), gap: fc.nat({ max: 60 }) }), { minLength: 1, maxLength: 100 })
  .map((wanted) => {
    const page = new Uint8Array(PAGE_LENGTH);
    const placed: { one: (typeof all)[number]; offset: number }[] = [];
    let at = 0;
    for (const { one, gap } of wanted) {
      // What follows LLVM's without a gap is taken for its end, where it begins with a NOP; none does.
      if (at + gap + one.bytes.length > PAGE_LENGTH) break;
      page.set(one.bytes, at + gap);
      placed.push({ one, offset: at + gap });
      at += gap + one.bytes.length;
    }
    return { page, placed };
  })
  .filter(({ placed }) => placed.length > 0);

const distances = fc.integer({ min: -(2 ** 19) + 2, max: 2 ** 19 - 3 }).map((number) => number * PAGE_LENGTH);

function found(page: Uint8Array): readonly PlacedTrampoline[] {
  const trampolines = trampolinesOf(page, ADDRESS);
  assert.ok(trampolines !== undefined);
  return trampolines;
}

test('the trampolines of a page are found, wherever they stand', () => {
  fc.assert(
    fc.property(pages, ({ page, placed }) => {
      const expected = placed.map(({ one: { form, bytes, hasLandingPad, isNarrow }, offset }) => ({
        form,
        offset,
        length: bytes.length,
        hasLandingPad,
        isNarrow,
      }));
      assert.deepEqual(found(page), expected);
    }),
  );
});

test('a page is not taken that has anything else, or nothing', () => {
  assert.equal(trampolinesOf(new Uint8Array(PAGE_LENGTH), ADDRESS), undefined);
  fc.assert(
    fc.property(
      pages,
      fc.nat({ max: PAGE_LENGTH - 1 }),
      fc.integer({ min: 1, max: 255 }),
      ({ page, placed }, at, byte) => {
        const isFree = placed.every(({ one, offset }) => at < offset || at >= offset + one.bytes.length);
        fc.pre(isFree);
        page[at] = byte;
        // The NOP behind LLVM's makes GCC's of it, which means the same.
        const isNop =
          byte === 0x90 && placed.some(({ one, offset }) => one === llvm && at === offset + one.bytes.length);
        assert.equal(trampolinesOf(page, ADDRESS) === undefined, !isNop);
      },
    ),
  );
  const edge = new Uint8Array(PAGE_LENGTH);
  edge.set(llvm.bytes.subarray(0, 20), PAGE_LENGTH - 20);
  assert.equal(trampolinesOf(edge, ADDRESS), undefined);
});

/** What the instructions at an offset do, decoded here: which addresses are loaded, relative to the page, and where it jumps. */
function decode(
  page: Uint8Array,
  start: number,
): { functionFrom: number; chainFrom: number; isNarrow: boolean; end: number } {
  const view = viewOf(page);
  let at = start;
  if (view.getUint32(at) === 0xf30f1efa) at += 4;
  assert.ok(page[at] === 0x4c || page[at] === 0x44);
  const isNarrow = page[at] === 0x44;
  assert.deepEqual([...page.subarray(at + 1, at + 3)], [0x8b, 0x1d]);
  const functionFrom = at + 7 + view.getInt32(at + 3, true);
  at += 7;
  assert.deepEqual([...page.subarray(at, at + 3)], [0x4c, 0x8b, 0x15]);
  const chainFrom = at + 7 + view.getInt32(at + 3, true);
  at += 7;
  assert.deepEqual([...page.subarray(at, at + 3)], [0x41, 0xff, 0xe3]);
  return { functionFrom, chainFrom, isNarrow, end: at + 3 };
}

test("the supervisor's page loads what the program's has, and is a trap everywhere else", () => {
  fc.assert(
    fc.property(pages, distances, ({ page, placed }, distance) => {
      const trampolines = found(page);
      const code = assemblePage(trampolines, distance);
      assert.ok(isPromotedPage(viewOf(code), trampolines, distance));
      let at = 0;
      for (const { one, offset } of placed) {
        assert.ok(code.subarray(at, offset).every((byte) => byte === TRAP));
        const { functionFrom, chainFrom, isNarrow, end } = decode(code, offset);
        assert.deepEqual(
          { functionFrom, chainFrom, isNarrow },
          {
            functionFrom: distance + offset + one.functionAt,
            chainFrom: distance + offset + one.chainAt,
            isNarrow: one.isNarrow,
          },
        );
        assert.ok(end <= offset + one.bytes.length);
        at = end;
      }
      assert.ok(code.subarray(at).every((byte) => byte === TRAP));
    }),
  );
});

test("no byte of the supervisor's page depends on what the program's trampolines hold", () => {
  const one = found(Uint8Array.from({ length: PAGE_LENGTH }, (_, at) => llvm.bytes[at] ?? 0));
  const other = found(
    Uint8Array.from({ length: PAGE_LENGTH }, (_, at) => (at >= 2 && at < 10 ? 0x5a : (llvm.bytes[at] ?? 0))),
  );
  assert.deepEqual(assemblePage(one, 8192), assemblePage(other, 8192));
});

test('a page with any other byte is not recognised, nor one for other trampolines, or another distance', () => {
  const page = new Uint8Array(PAGE_LENGTH);
  all.forEach(({ bytes }, index) => {
    page.set(bytes, 100 * index + 3);
  });
  const trampolines = found(page);
  const code = assemblePage(trampolines, 65_536);
  for (let at = 0; at < PAGE_LENGTH; at++) {
    const before = code[at] ?? 0;
    for (const bit of [1, 0x10, 0x80]) {
      code[at] = before ^ bit;
      assert.equal(isPromotedPage(viewOf(code), trampolines, 65_536), false, `byte ${at}`);
    }
    code[at] = before;
  }
  assert.equal(isPromotedPage(viewOf(code), trampolines, 65_536), true);
  assert.equal(isPromotedPage(viewOf(code), trampolines, 61_440), false);
  assert.equal(isPromotedPage(viewOf(code), trampolines.slice(1), 65_536), false);
  assert.equal(isPromotedPage(viewOf(code.subarray(0, 2048)), trampolines, 65_536), false);
});

test('a thread in the middle of a trampoline has come from its start, and no other byte is in the middle', () => {
  for (const { bytes, hasLandingPad } of all) {
    const page = new Uint8Array(PAGE_LENGTH);
    page.set(bytes, 500);
    const trampolines = found(page);
    const inner = hasLandingPad ? [504, 511, 518] : [507, 514];
    for (let at = 480; at < 540; at++) {
      assert.equal(startOf(trampolines, at), inner.includes(at) ? 500 : undefined, `${at}`);
    }
  }
});

test('whatever a program chooses, the bytes of its choice are harmless: those of displacements, of a small set', () => {
  assert.ok(DISTANCES.length > 200 && DISTANCES.every((distance) => distance % PAGE_LENGTH === 0));
  fc.assert(
    fc.property(pages, fc.constantFrom(...DISTANCES), ({ page, placed }, distance) => {
      const code = assemblePage(found(page), distance);
      for (const { one, offset } of placed) {
        const loads = offset + (one.hasLandingPad ? 4 : 0);
        for (const field of [loads + 3, loads + 10]) {
          const [low = 0, ...high] = code.subarray(field, field + 4);
          assert.ok([0xfa, 0xfb, 0xfe].includes(low), `${low}`);
          assert.equal(high[0], 0xef);
          for (const byte of high) assert.ok(HARMLESS.has(byte));
        }
      }
    }),
  );
});

test('a promoted closure has no byte of choice but those of a displacement, which are harmless; so are the words of its link', () => {
  for (const distance of DISTANCES) {
    const code = assemblePromoted('libffi', 32, distance);
    assert.ok(code !== undefined && isPromoted(viewOf(code), 'libffi', 32, distance));
    const other = assemblePromoted('libffi', 32, DISTANCES[0] ?? 0);
    const differing = [...code.keys()].filter((at) => code[at] !== other?.[at]);
    assert.ok(differing.every((at) => (at >= 14 && at < 18) || (at >= 21 && at < 25)));
    for (const at of [14, 15, 16, 17, 21, 22, 23, 24]) assert.ok(HARMLESS.has(code[at] ?? 0));
  }
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 47n), max: 1n << 47n }), (away) => {
      const words = linkWords(away);
      assert.equal(BigInt.asIntN(64, words[0] + words[1]), away);
      for (const one of words) for (const byte of word(one, 8)) assert.ok(HARMLESS.has(byte));
    }),
  );
});
