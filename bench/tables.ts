/**
 * What a trampoline table costs, and a notification's way to the supervisor and back, beside a supervisor in C that does
 * nothing but answer, and beside strace.
 *
 * @module
 */
import { namedFigures, output, program, supervised, traced } from './command.js';
import { type Benchmark, inTurn, type Line, rows } from './measure.js';

/** Tables before any is measured: the supervisor's JavaScript is compiled by then. What the first ones cost has its line. */
const WARM_UP = 8_000;
const TABLES = 4_000;
const CALLS = 20_000;

/** Trampolines of a table that is asked for. */
const LARGE = 100_000;

/** Trampolines in a page of x86-64. */
const TRAMPOLINES = 68;

const LINES: readonly Line[] = [
  { series: 'table', what: 'a table, from creation to its end', unit: 'µs', atMost: 150 },
  { series: 'trampoline', what: `... for each of its ${TRAMPOLINES} trampolines`, unit: 'µs' },
  { series: 'create', what: '... create', unit: 'µs' },
  { series: 'configure', what: '... configure (code and data)', unit: 'µs' },
  { series: 'map', what: '... map', unit: 'µs' },
  { series: 'unmap', what: '... unmap', unit: 'µs' },
  { series: 'close', what: '... close', unit: 'µs' },
  {
    series: 'table-pinned',
    what: 'a table, with everything on one processor',
    unit: 'µs',
    atMost: 150,
  },
  { series: 'first', what: "a table of a program's first hundred", unit: 'µs', against: 'table' },
  { series: 'large', what: 'the code of a table of 100,000 trampolines', unit: 'ms' },
  { series: 'round-trip', what: "a refused write, to trampfd's supervisor and back", unit: 'µs', atMost: 15 },
  { series: 'round-trip-c', what: 'a call answered by a supervisor in C', unit: 'µs', against: 'round-trip' },
  { series: 'descriptor-c', what: 'a descriptor given by a supervisor in C', unit: 'µs', against: 'round-trip-c' },
  { series: 'round-trip-strace', what: 'a call traced by strace', unit: 'µs', against: 'round-trip' },
];

/** (b) in the order of docs/performance.md. */
export const tables: Benchmark = {
  name: 'tables',
  rounds: 9,
  run(rounds) {
    const ours = [...supervised('wx'), program('tables'), String(WARM_UP), String(TABLES), String(CALLS)];
    const large = [...supervised('wx'), program('large'), String(LARGE), '5'];
    const minimal = [program('supervisor'), String(CALLS)];
    const strace = [...traced('getpgid'), program('workload'), 'getpgid', String(CALLS)];
    const figures = inTurn(rounds, [
      {
        measure() {
          const found = new Map(namedFigures(output(ours)));
          return found.set('trampoline', (found.get('table') ?? Number.NaN) / TRAMPOLINES);
        },
      },
      {
        measure() {
          // Nobody is woken on another processor then, which the kernel has no way to avoid for a descriptor.
          const found = new Map(namedFigures(output(['taskset', '-c', '0', ...ours])));
          return new Map([['table-pinned', found.get('table') ?? Number.NaN]]);
        },
      },
      { measure: () => new Map(namedFigures(output(large))) },
      { measure: () => new Map(namedFigures(output(minimal)).map(([name, figure]) => [`${name}-c`, figure])) },
      { measure: () => new Map([['round-trip-strace', (Number(output(strace)) / CALLS) * 1e6]]) },
    ]);
    return { name: 'tables', title: 'Tables and notifications', rows: rows(figures, LINES) };
  },
};
