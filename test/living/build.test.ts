/** A build with make: compilers, assemblers, linkers; what they make is the same to the byte, and can be run. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../programs/compile.js';
import { livesUnderEveryPolicy, type Place, wellEnded } from './place.js';

/** A copy of the project's sources that the user may write beside. */
async function project(place: Place): Promise<void> {
  cpSync(join(root, 'test', 'programs', 'living', 'project'), join(place.folder, 'sources'), { recursive: true });
  await using copy = place.startBeside(['cp', '-r', 'sources', 'project']);
  assert.equal((await copy.ended).status, 0, copy.errors);
}

livesUnderEveryPolicy('a build with make', async (place) => {
  await project(place);
  const built = wellEnded(await place.run(['make', '-C', 'project', '-j2', '--no-print-directory', '--output-sync']));
  assert.match(built, /^g\+\+ .* -o table table\.o libcalculate\.a/m);
  const files = place.files('project');

  // What was built is run under the policy by its name; its own library is among what may be executed.
  const ran: string[] = [];
  const expression = ['(1 + x) ^ 2 / 3 - x', '5'];
  for (const program of ['calculate', 'calculate-lto', 'calculate-shared']) {
    const { output, errors } = await place.runFrom('project', [join('project', program), ...expression]);
    assert.deepEqual([output, errors], ['7\n', ''], program);
    ran.push(output);
  }
  const table = await place.runFrom('project', ['project/table', 'x ^ 2', 'x * 3', 'y', '1 +']);
  assert.match(table.output, /^x \* 3\t0\t3\t6\t9\t12\nx \^ 2\t0\t1\t4\t9\t16\n/);

  const again = wellEnded(await place.run(['make', '-C', 'project', '--no-print-directory']));
  assert.match(again, /^make: Nothing to be done/);
  wellEnded(await place.run(['make', '-C', 'project', '--no-print-directory', 'clean']));
  return { files, built: built.split('\n').sort(), ran, table, cleaned: place.files('project') };
});
