/**
 * Programs of the conformance suite in a guest.
 *
 * usage: node conformance.js PROGRAM[/BUILD]...
 *
 * @module
 */
import { programs } from '../../conformance/programs.js';
import { Findings, ownLauncher } from '../../conformance/suite.js';
import { point } from './report.js';

const findings = new Findings();
const wanted = new Set(process.argv.slice(2));
for (const program of programs) {
  const isWhole = wanted.delete(program.name);
  for (const build of program.builds) {
    if (!wanted.delete(`${program.name}/${build}`) && !isWhole) continue;
    for (const { title, faults, milliseconds } of findings.run(program, build, ownLauncher)) {
      point(title, faults.length === 0 ? undefined : faults.join('\n'));
      console.log(`${title}: ${faults.length} faults, ${(milliseconds / 1000).toFixed(1)} s`);
    }
  }
}
if (wanted.size > 0) throw new Error(`no program is called ${[...wanted].join(' or ')}`);
