/** A library that wants an executable stack, opened by a program that has none: every thread's callbacks work. */
import { test } from 'node:test';
import { alike, emulated, policies, widths } from './alike.js';

for (const policy of policies) {
  for (const width of widths) {
    test(`a library with nested functions is opened under ${policy} (${width})`, () => {
      const library = emulated('library', width, ['-shared', '-fPIC']);
      const program = emulated('open_library', width);
      return alike(policy, [program, library], { status: 46 }, [program, library]);
    });
  }
}
