import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type ArchitectureName, architectures } from '../../src/trampoline/architectures.js';
import { longestLegacyForm, nearestForm, recogniseLegacy } from '../../src/trampoline/legacy.js';
import type { RecognisedCode } from '../../src/trampoline/legacy_form.js';
import { architectureNames } from './cases.js';
import { bytesOf, type LegacyCase, type Values, valuesFor } from './legacy_case.js';
import { legacyCases } from './legacy_cases.js';

/** Where what was found jumps to. */
function targetOf({ trampoline: { loads, target } }: RecognisedCode): bigint {
  if ('address' in target) return target.address;
  const from = loads.find(({ register }) => register === target.register)?.from;
  assert.ok(from?.kind === 'constant');
  return from.value;
}

/** Whether a writer of the form that was found would write these bytes, and mean just what was found. */
function isWritten(bytes: Uint8Array, found: RecognisedCode, address: bigint, name: ArchitectureName): boolean {
  const values = { address, context: found.context, target: targetOf(found) };
  const isThumb = name === 'arm' && (address & 1n) === 1n;
  return legacyCases[name].some((known) => {
    if (known.form !== found.form || (known.isThumb ?? false) !== isThumb) return false;
    const written = bytesOf(known.bytes(values));
    return (
      written.bytes.length === found.length &&
      written.bytes.every((byte, at) => byte === bytes[at] || written.kinds[at] === 'unused') &&
      isDeepStrictEqual(known.means(values), found.trampoline)
    );
  });
}

function expected(known: LegacyCase, values: Values): RecognisedCode {
  const { form, bytes, means, entryRegister } = known;
  const { address, context } = values;
  return {
    form,
    length: bytesOf(bytes(values)).bytes.length,
    trampoline: means(values),
    context,
    ...(entryRegister === undefined ? {} : { assumes: { register: entryRegister, value: address } }),
  };
}

/** Two writers' bytes are the same but for whose constant is the code's address. */
const isUnmistakable = ({ contextIsItself }: LegacyCase, { address, context }: Values): boolean =>
  contextIsItself === true || address !== context;

for (const name of architectureNames) {
  const cases = legacyCases[name];
  for (const known of cases) {
    const values = valuesFor(name, known).filter((some) => isUnmistakable(known, some));

    test(`${name}, ${known.what}: it is recognised, whatever its values are and whatever follows`, () => {
      fc.assert(
        fc.property(values, fc.uint8Array({ maxLength: 40 }), (some, rest) => {
          const { bytes } = bytesOf(known.bytes(some));
          assert.deepEqual(recogniseLegacy(bytes, some.address, name), expected(known, some));
          const found = recogniseLegacy(Uint8Array.of(...bytes, ...rest), some.address, name);
          assert.ok(found);
          // What follows may only make it a longer form, whose call does the same.
          assert.deepEqual(found.trampoline, known.means(some));
          assert.ok(found.length === bytes.length || found.form !== known.form);
        }),
        { numRuns: 300 },
      );
    });

    test(`${name}, ${known.what}: with any fixed bit changed it is nothing, or what another writer writes`, () => {
      fc.assert(
        fc.property(values, (some) => {
          const { bytes, kinds } = bytesOf(known.bytes(some));
          for (const [at, kind] of kinds.entries()) {
            if (kind !== 'fixed') continue;
            for (let bit = 0; bit < 8; bit++) {
              const changed = Uint8Array.from(bytes);
              changed[at] = (changed[at] ?? 0) ^ (1 << bit);
              const found = recogniseLegacy(changed, some.address, name);
              if (found === undefined) continue;
              assert.ok(isWritten(changed, found, some.address, name), `bit ${bit} of byte ${at}: ${found.form}`);
            }
          }
        }),
        { numRuns: 20 },
      );
    });

    test(`${name}, ${known.what}: with its end missing it is nothing, or what another writer writes`, () => {
      fc.assert(
        fc.property(values, (some) => {
          const { bytes } = bytesOf(known.bytes(some));
          for (let length = 0; length < bytes.length; length++) {
            const found = recogniseLegacy(bytes.subarray(0, length), some.address, name);
            if (found !== undefined) assert.ok(isWritten(bytes, found, some.address, name), `${length}: ${found.form}`);
          }
        }),
        { numRuns: 20 },
      );
    });

    test(`${name}, ${known.what}: a part of a larger memory is read from where it begins`, () => {
      const [some] = fc.sample(values, 1);
      assert.ok(some);
      const memory = new Uint8Array(4096);
      const { bytes } = bytesOf(known.bytes(some));
      memory.set(bytes, 1001);
      const found = recogniseLegacy(memory.subarray(1001, 1001 + bytes.length), some.address, name);
      assert.deepEqual(found, expected(known, some));
    });

    test(`${name}, ${known.what}: it is the nearest form to itself, and to itself with a byte changed`, () => {
      fc.assert(
        fc.property(values, (some) => {
          const { bytes, kinds } = bytesOf(known.bytes(some));
          const fixedBefore = (end: number) => kinds.slice(0, end).filter((kind) => kind === 'fixed').length;
          const whole = nearestForm(bytes, name);
          assert.ok(whole);
          assert.deepEqual([whole.agrees, whole.differsAt], [fixedBefore(bytes.length), bytes.length]);
          const last = kinds.lastIndexOf('fixed');
          const changed = Uint8Array.from(bytes);
          changed[last] = 0xee; // in no form
          const near = nearestForm(changed, name);
          assert.ok(near);
          assert.ok(near.agrees >= fixedBefore(last) && near.differsAt >= last, `${near.agrees} ${near.differsAt}`);
        }),
        { numRuns: 20 },
      );
    });

    test(`${name}, ${known.what}: it stands where the architecture can execute it`, () => {
      const { instructionAlignment } = architectures[name];
      const [some] = fc.sample(values, 1);
      assert.ok(some);
      for (const off of [1n, 2n, 3n]) {
        // On arm bit 0 is the instruction set, not a part of the place.
        const address: bigint = name === 'arm' ? some.address ^ 2n : some.address ^ off;
        const moved: Values = { ...some, address, context: known.contextIsItself ? address : some.context };
        const found = recogniseLegacy(bytesOf(known.bytes(moved)).bytes, moved.address, name);
        const isAligned: boolean = (known.isThumb ? address - 1n : address) % BigInt(instructionAlignment) === 0n;
        assert.equal(found !== undefined, isAligned, `at 0x${moved.address.toString(16)}`);
      }
    });
  }

  test(`${name}: random bytes are judged without an error, and are a form only where a writer writes them`, () => {
    const { wordSize } = architectures[name];
    const addresses = fc.bigInt({ min: 0n, max: (1n << BigInt(8 * wordSize - 3)) - 1n }).map((index) => index * 8n);
    const beginnings = fc.oneof(
      fc.constant(new Uint8Array()),
      ...cases.map((known) => valuesFor(name, known).map((some) => bytesOf(known.bytes(some)).bytes)),
    );
    fc.assert(
      fc.property(beginnings, fc.nat(40), fc.uint8Array({ maxLength: 64 }), addresses, (form, kept, rest, address) => {
        const bytes = Uint8Array.of(...form.subarray(0, kept), ...rest);
        const found = recogniseLegacy(bytes, address, name);
        if (found !== undefined) assert.ok(isWritten(bytes, found, address, name), found.form);
        const near = nearestForm(bytes, name);
        assert.ok(near === undefined || (near.agrees > 0 && near.differsAt <= bytes.length));
        assert.ok(found === undefined || near !== undefined);
      }),
      { numRuns: 2000 },
    );
  });
}

test('the longest form is as many bytes as one has to read', () => {
  const lengths = Object.values(legacyCases).flatMap((cases) =>
    cases.map((known) => bytesOf(known.bytes({ address: 0n, context: 0n, target: 0n })).bytes.length),
  );
  assert.equal(longestLegacyForm, Math.max(...lengths));
});

test('the nearest form is the one whose own bytes agree furthest', () => {
  const near = (hex: string) => nearestForm(Uint8Array.from(Buffer.from(hex, 'hex')), 'x86-64');
  assert.deepEqual(near('f30f1efa4c8d15f5ffffffff25080000000f1f80000000008877665544332211'), {
    form: 'libffi',
    agrees: 13,
    differsAt: 13,
  });
  assert.deepEqual(near('49bb887766554433221149ba000000000000000049ffd390'), {
    form: 'gcc-stack',
    agrees: 6,
    differsAt: 22,
  });
  assert.deepEqual(near('f30f1efa5548'), { form: 'libffi', agrees: 4, differsAt: 4 });
  assert.equal(near('554889e5'), undefined);
  assert.equal(near(''), undefined);
});
