/** Closures of libffi that are freed and made again: each call reaches the one that is there. */
import { describe, test } from 'node:test';
import { alike, emulated, policies } from './alike.js';

const LIBRARIES = { 'the shared libffi': '-lffi', 'a libffi of its own': '-l:libffi.a' } as const;

for (const policy of policies) {
  describe(`under ${policy}, closures of`, () => {
    for (const [library, flag] of Object.entries(LIBRARIES)) {
      const program = emulated('closures', 'x86-64', [flag]);

      test(`${library} are made and freed without rest`, () => alike(policy, [program, '1', '2000'], { status: 48 }));

      test(`${library} are made and freed by eight threads`, () =>
        alike(policy, [program, '8', '300'], { status: 48 }));
    }
  });
}
