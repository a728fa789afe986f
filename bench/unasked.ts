/**
 * What programs pay for emulation that never ask for it: nothing is attached to them, so they should run as fast as
 * under `--no-emulation`. The two take turns, for the difference that is looked for is less than what a machine changes
 * in a minute. And what programs take to start where each is looked at (`--every-program`).
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

/** Where the supervisor is asked about each execution. */
const EVERY: Line = {
  series: 'spawn-every',
  what: '500 fork and exec of /bin/true, under --every-program',
  unit: 'ms',
  scale: 1e3,
  against: 'spawn-without',
};

/** Programs that have no trampolines of their own, in the order of docs/performance.md. */
export const unasked: Benchmark = {
  name: 'unasked',
  rounds: 15,
  run(rounds) {
    const binary = program('workload');
    const contenders = WORKLOADS.flatMap(({ name, count }): Contender[] => {
      const timed = (series: string, ...options: readonly string[]): Contender => ({
        measure() {
          const words = [...supervised('wx', ...options), binary, name, String(count)];
          return new Map([[series, Number(output(words))]]);
        },
      });
      const both = [timed(`${name}-without`, '--no-emulation'), timed(name)];
      return name === 'spawn' ? [...both, timed(EVERY.series, '--every-program')] : both;
    });
    const figures = inTurn(rounds, contenders);
    const all = [...WORKLOADS.flatMap(lines), EVERY];
    return { name: 'unasked', title: 'Programs that never ask', rows: rows(figures, all) };
  },
};
