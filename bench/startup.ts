/**
 * How long `trampfd run` takes to start and end, against Node.js, which it is written for; and how much longer where a
 * program is confined first.
 *
 * @module
 */
import { supervised, TRAMPFD, wallTime } from './command.js';
import { type Benchmark, inTurn, type Line, rows } from './measure.js';

/** What the launcher leaves of the environment to Node.js: NODE_EXTRA_CA_CERTS alone can take longer than all else of its start. */
const LEFT: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'] };

const LINES: readonly Line[] = [
  { series: 'node', what: 'node -e 0', unit: 'ms', scale: 1e3 },
  { series: 'trampfd', what: 'trampfd run -- true', unit: 'ms', scale: 1e3, against: 'node', atMost: 2 },
  { series: 'strict', what: 'trampfd run --policy strict -- true', unit: 'ms', scale: 1e3, against: 'trampfd' },
  { series: 'longer', what: '... longer than under wx, in the same round', unit: 'ms', scale: 1e3, atMost: 30 },
];

/** (d) in the order of docs/performance.md. */
export const startup: Benchmark = {
  name: 'startup',
  rounds: 25,
  run(rounds) {
    const figures = inTurn(rounds, [
      { measure: () => new Map([['node', wallTime([process.execPath, '-e', '0'], LEFT)]]) },
      {
        measure() {
          const trampfd = wallTime([TRAMPFD, 'run', '--', 'true']);
          const strict = wallTime([...supervised('strict'), 'true']);
          return new Map(Object.entries({ trampfd, strict, longer: strict - trampfd }));
        },
      },
    ]);
    return { name: 'startup', title: 'Start-up', rows: rows(figures, LINES) };
  },
};
