/**
 * What programs pay for emulation that never ask for it: nothing is attached to them, so they should run as fast as
 * under `--no-emulation`. The two take turns, for the difference that is looked for is less than what a machine changes
 * in a minute.
 *
 * @module
 */
import { output, program, supervised } from './command.js';
import { type Benchmark, type Contender, inTurn, type Line, rows } from './measure.js';
import { WORKLOADS, type Workload } from './programs.js';

/** What a program may lose, against a supervisor that emulates nothing. */
const AT_MOST = 1.02;

function lines({ name, what }: Workload): Line[] {
  return [
    { series: `${name}-without`, what: `${what}, under --no-emulation`, unit: 'ms', scale: 1e3 },
    {
      series: name,
      what: '... under trampfd run (wx)',
      unit: 'ms',
      scale: 1e3,
      against: `${name}-without`,
      atMost: AT_MOST,
    },
  ];
}

/** Programs that have no trampolines of their own, in the order of docs/performance.md. */
export const unasked: Benchmark = {
  name: 'unasked',
  rounds: 15,
  run(rounds) {
    const binary = program('workload');
    const contenders = WORKLOADS.flatMap(({ name, count }): Contender[] => {
      const timed = (series: string, before: readonly string[]): Contender => ({
        measure: () => new Map([[series, Number(output([...before, binary, name, String(count)]))]]),
      });
      return [timed(`${name}-without`, supervised('wx', '--no-emulation')), timed(name, supervised('wx'))];
    });
    const figures = inTurn(rounds, contenders);
    return { name: 'unasked', title: 'Programs that never ask', rows: rows(figures, WORKLOADS.flatMap(lines)) };
  },
};
