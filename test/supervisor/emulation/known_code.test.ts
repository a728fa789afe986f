/** Code that is known: as long as the same bytes stand there, and no more of it than there is room for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { USER_REGS } from '../../../src/abi/ptrace.js';
import { carryOut, KnownCodes, type Machine, relocated } from '../../../src/supervisor/emulation/known_code.js';
import { apply } from '../../../src/trampoline/apply.js';
import { recogniseLegacy } from '../../../src/trampoline/legacy.js';

const ADDRESS = 0x7f00_1234_5000n;

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** movabs $0x1122334455667788,%r11; movabs $CHAIN,%r10; jmp *%r11, as GCC writes it on the heap. */
function heap(chain = 0x10): Uint8Array {
  return bytesOf(`49bb 8877665544332211 49ba ${chain.toString(16).padStart(2, '0')}00000000000000 41ffe3 90`);
}

/** Names of registers, and where each stands in the state of a thread. */
const PLACES: Readonly<Record<Machine, Readonly<Record<string, number>>>> = {
  'x86-64': {
    rip: USER_REGS.rip,
    rsp: USER_REGS.rsp,
    eflags: USER_REGS.eflags,
    r10: USER_REGS.r10,
    r11: USER_REGS.r11,
  },
  i386: { eip: USER_REGS.rip, esp: USER_REGS.rsp, eflags: USER_REGS.eflags, eax: USER_REGS.rax, ecx: USER_REGS.rcx },
};

/** Forms that change nothing but registers, one that changes a flag, and one of the other machine. */
const FORMS: readonly (readonly [string, string, Machine])[] = [
  ['of GCC on the heap', Buffer.from(heap()).toString('hex'), 'x86-64'],
  ['of libffi', 'f30f1efa 4c8d15f5ffffff ff2507000000 0f1f8000000000 8877665544332211', 'x86-64'],
  ['of an earlier libffi, with the carry flag', '49bb 8877665544332211 49ba 1000000000000000 f9 49ffe3', 'x86-64'],
  ['of GCC on the stack', 'b9 78563412 e9 10000000', 'i386'],
];

describe('a call of a trampoline', () => {
  for (const [what, text, machine] of FORMS) {
    test(`${what} changes what the trampoline changes, and nothing else`, () => {
      const bytes = bytesOf(text);
      const address = machine === 'i386' ? 0x0804_9000n : ADDRESS;
      const known = new KnownCodes().find(bytes, address, machine);
      const code = recogniseLegacy(bytes, address, machine);
      assert.ok(known !== undefined && code !== undefined);
      assert.deepEqual(known.code, code);
      const state = new DataView(new ArrayBuffer(USER_REGS.size));
      for (let at = 0; at < USER_REGS.size; at += 8) state.setBigUint64(at, BigInt(at) * 3n, true);
      const before = new Uint8Array(state.buffer.slice(0));
      const registers = Object.fromEntries(
        Object.entries(PLACES[machine]).map(([name, at]) => [name, state.getBigUint64(at, true)]),
      );
      const after = apply(code.trampoline, registers, () => assert.fail('it loads nothing'), machine);
      assert.ok(carryOut(0, known, state));
      for (const [name, at] of Object.entries(PLACES[machine])) {
        assert.equal(state.getBigUint64(at, true), after[name], name);
        state.setBigUint64(at, BigInt(at) * 3n, true);
      }
      assert.deepEqual(new Uint8Array(state.buffer), before);
      assert.equal(known.target, after[machine === 'i386' ? 'eip' : 'rip']);
    });
  }
});

test('code is known for as long as the same bytes stand there', () => {
  const codes = new KnownCodes();
  const first = codes.find(heap(), ADDRESS, 'x86-64');
  assert.ok(first !== undefined);
  // What stands behind the trampoline does not count.
  assert.equal(codes.find(Uint8Array.of(...heap(), 1, 2, 3), ADDRESS, 'x86-64'), first);
  const other = codes.find(heap(0x20), ADDRESS, 'x86-64');
  assert.equal(other?.code.context, 0x20n);
  for (let at = 0; at < heap().length; at++) {
    const bytes = heap(0x20);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const found = codes.find(bytes, ADDRESS, 'x86-64');
    assert.deepEqual(found?.code, recogniseLegacy(bytes, ADDRESS, 'x86-64'), `byte ${at}`);
  }
  assert.equal(codes.find(heap(0x20), ADDRESS, 'i386'), undefined);
});

test('what is known of it does not change with the memory that it was read into', () => {
  const codes = new KnownCodes();
  const bytes = heap();
  const first = codes.find(bytes, ADDRESS, 'x86-64');
  bytes.set(heap(0x30));
  assert.notEqual(codes.find(bytes, ADDRESS, 'x86-64'), first);
});

test('a program whose trampolines are ever new ones fills no memory', () => {
  const codes = new KnownCodes();
  for (let index = 0n; index < 10_000n; index++) assert.ok(codes.find(heap(), ADDRESS + 32n * index, 'x86-64'));
  assert.ok(codes.size <= 1024);
});

test('code of a view is about what the program writes', () => {
  const bytes = bytesOf('f30f1efa 4c8d15f5ffffff ff2507000000 0f1f8000000000 8877665544332211');
  const known = new KnownCodes().find(bytes, ADDRESS, 'x86-64');
  assert.ok(known !== undefined);
  const state = new DataView(new ArrayBuffer(USER_REGS.size));
  assert.ok(carryOut(0, relocated(known, ADDRESS, ADDRESS + 4096n, 0x1000n), state));
  assert.equal(state.getBigUint64(USER_REGS.r10, true), ADDRESS + 0x1000n);
  assert.equal(state.getBigUint64(USER_REGS.rip, true), 0x1122334455667788n);
});
