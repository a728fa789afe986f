/**
 * How long `trampfd run` takes to start and end, against Node.js, which it is written for.
 *
 * @module
 */
import { TRAMPFD, wallTime } from './command.js';
import { type Benchmark, inTurn, type Line, rows } from './measure.js';

const LINES: readonly Line[] = [
  { series: 'node', what: 'node -e 0', unit: 'ms', scale: 1e3 },
  { series: 'trampfd', what: 'trampfd run -- true', unit: 'ms', scale: 1e3, against: 'node', atMost: 2 },
];

/** (d) in the order of docs/performance.md. */
export const startup: Benchmark = {
  name: 'startup',
  rounds: 25,
  run(rounds) {
    const figures = inTurn(rounds, [
      { measure: () => new Map([['node', wallTime([process.execPath, '-e', '0'])]]) },
      { measure: () => new Map([['trampfd', wallTime([TRAMPFD, 'run', '--', 'true'])]]) },
    ]);
    return { name: 'startup', title: 'Start-up', rows: rows(figures, LINES) };
  },
};
