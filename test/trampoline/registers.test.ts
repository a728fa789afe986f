import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectures } from '../../src/trampoline/architectures.js';
import { registerByName, registerByNumber, registersFor } from '../../src/trampoline/registers.js';
import { architectureNames } from './cases.js';
import { machines } from './machines.js';

test('an architecture is listed under its own name', () => {
  assert.deepEqual(
    Object.values(architectures).map((architecture) => architecture.name),
    architectureNames,
  );
});

for (const name of architectureNames) {
  const { first, names } = machines[name];
  /** The interface's names, each with its number. */
  const numbers = names
    .split(' ')
    .flatMap((register, index) => (register === '-' ? [] : [[register, first + index] as const]));

  test(`${name}: register numbers are the interface's`, () => {
    assert.deepEqual(
      architectures[name].tableRegisters.map((register) => [register.name, register.number]),
      numbers,
    );
    const known = new Map(numbers.map(([register, number]) => [number, register]));
    for (const number of [-1, ...Array(100).keys(), 0x7fffffff, 0.5, Number.NaN]) {
      assert.equal(registerByNumber(name, number), known.get(number));
    }
  });

  test(`${name}: a name gives its register; the default ones are among them and differ`, () => {
    for (const [register, number] of numbers) assert.equal(registerByName(name, register).number, number);
    const { codeRegister, dataRegister } = architectures[name];
    assert.notEqual(registerByName(name, codeRegister), registerByName(name, dataRegister));
    assert.ok(registersFor(name, 'code').includes(registerByName(name, codeRegister)));
    const all = numbers.map(([register]) => register).join(' ');
    assert.throws(() => registerByName(name, 'sp'), { code: 'EINVAL', message: new RegExp(all) });
  });

  test(`${name}: no two registers have one number, one encoding or one name`, () => {
    for (const key of ['number', 'encoding', 'name'] as const) {
      const values = architectures[name].tableRegisters.map((register) => register[key]);
      assert.equal(new Set(values).size, values.length, key);
    }
  });
}
