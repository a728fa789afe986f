import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectures } from '../../src/trampoline/architectures.js';
import { registerByName, registerByNumber } from '../../src/trampoline/registers.js';
import { architectureNames } from './cases.js';

/** The interface's names, in the order of their numbers. */
const NUMBERS = {
  i386: { first: 0, names: 'eax ebx ecx edx esi edi ebp' },
  'x86-64': { first: 7, names: 'rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15' },
  arm: { first: 0, names: 'r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12' },
  arm64: {
    first: 13,
    names: Array.from({ length: 30 }, (_, index) => `x${index}`).join(' '),
  },
} as const;

test('an architecture is listed under its own name', () => {
  assert.deepEqual(
    Object.values(architectures).map((architecture) => architecture.name),
    architectureNames,
  );
});

for (const name of architectureNames) {
  const { first, names } = NUMBERS[name];
  const list = names.split(' ');

  test(`${name}: register numbers are the interface's`, () => {
    assert.deepEqual(
      list.map((_, index) => registerByNumber(name, first + index)),
      list,
    );
    for (const none of [-1, first - 1, first + list.length, 0x7fffffff, 0.5, Number.NaN]) {
      assert.equal(registerByNumber(name, none), undefined);
    }
  });

  test(`${name}: a name gives its register; the default ones are among them and differ`, () => {
    for (const [index, register] of list.entries()) {
      assert.equal(registerByName(name, register).number, first + index);
    }
    const { codeRegister, dataRegister } = architectures[name];
    assert.notEqual(registerByName(name, codeRegister), registerByName(name, dataRegister));
    assert.throws(() => registerByName(name, 'sp'), { code: 'EINVAL', message: new RegExp(names) });
  });
}
