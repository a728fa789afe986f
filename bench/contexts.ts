/**
 * What a trampoline of version 1 costs, and a change of one that is mapped, beside the cheapest call that goes to the
 * supervisor and back, and one that a supervisor in C answers.
 *
 * @module
 */
import { namedFigures, output, program, supervised } from './command.js';
import { type Benchmark, inTurn, type Line, rows } from './measure.js';

const WARM_UP = 4_000;
const TRAMPOLINES = 2_000;
const CALLS = 20_000;

const LINES: readonly Line[] = [
  { series: 'change', what: 'another context for a mapped trampoline', unit: 'µs', against: 'round-trip' },
  { series: 'change-time', what: '... the same, in microseconds', unit: 'µs', atMost: 100 },
  { series: 'change-shape', what: '... with other registers than the last', unit: 'µs', against: 'round-trip' },
  { series: 'read', what: 'a context read back', unit: 'µs', against: 'round-trip' },
  { series: 'user', what: 'a trampoline, from creation to its end', unit: 'µs', against: 'round-trip' },
  { series: 'create', what: '... create', unit: 'µs' },
  { series: 'set', what: '... set a register context', unit: 'µs' },
  { series: 'map', what: '... map, and keep forks from inheriting that', unit: 'µs' },
  { series: 'unmap', what: '... unmap', unit: 'µs' },
  { series: 'close', what: '... close', unit: 'µs' },
  { series: 'round-trip', what: "a refused write, to trampfd's supervisor and back", unit: 'µs' },
  { series: 'round-trip-c', what: 'a call answered by a supervisor in C', unit: 'µs', against: 'round-trip' },
];

/** Version 1, in the order of docs/performance.md. */
export const contexts: Benchmark = {
  name: 'contexts',
  rounds: 9,
  run(rounds) {
    const ours = [...supervised('wx'), program('contexts'), ...[WARM_UP, TRAMPOLINES, CALLS].map(String)];
    const minimal = [program('supervisor'), String(CALLS)];
    const figures = inTurn(rounds, [
      {
        measure() {
          const found = new Map(namedFigures(output(ours)));
          return found.set('change-time', found.get('change') ?? Number.NaN);
        },
      },
      { measure: () => new Map(namedFigures(output(minimal)).map(([name, figure]) => [`${name}-c`, figure])) },
    ]);
    return { name: 'contexts', title: 'Trampolines of version 1', rows: rows(figures, LINES) };
  },
};
