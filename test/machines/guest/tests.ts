/**
 * Files of the test suite in a guest, as they are.
 *
 * usage: node tests.js FILE[=PART-OF-A-NAME]...   paths below dist/test, without `.test.js`
 *
 * @module
 */

import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { point } from './report.js';

for (const word of process.argv.slice(2)) {
  const [name = '', part = ''] = word.split('=');
  const began = performance.now();
  const events = run({
    files: [fileURLToPath(new URL(`../../${name}.test.js`, import.meta.url))],
    concurrency: false,
    testNamePatterns: [new RegExp(part)],
  });
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const {
      name: title,
      details,
      skip,
    } = data as {
      readonly name: string;
      readonly skip?: string | boolean;
      readonly details: { readonly type?: string; readonly error?: Error };
    };
    // A suite has failed of what its tests have; others have another name.
    if (details.type === 'suite' || skip !== undefined) continue;
    const { error } = details;
    const cause = error?.cause instanceof Error ? error.cause : error;
    point(`${name}: ${title}`, type === 'test:pass' ? undefined : (cause?.message ?? 'it failed'));
  }
  console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
