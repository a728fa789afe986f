/**
 * What trampolines cost that programs write themselves, once the supervisor has put its own in their place: a closure of
 * libffi, and GCC's trampolines on the heap, under `wx` and alone. What the first call of a closure costs, by which that
 * comes about. And a whole program that lives on callbacks.
 *
 * @module
 */
import { join } from 'node:path';
import { root } from '../test/programs/compile.js';
import { measured, namedFigures, output, program, supervised } from './command.js';
import { type Benchmark, type Contender, inTurn, type Line, rows } from './measure.js';

/** Calls before any is measured: nothing is emulated any more by then. */
const WARM_UP = 1_000;
const CALLS = 10_000_000;
/** Calls of a trampoline that is written again each time. */
const REWRITTEN = 10_000;

const CLOSURES = 1_000;
const NUMBERS = 20_000;

/** The most that a promoted call may cost, in the same calls alone. */
const PROMOTED_AT_MOST = 1.3;
/** The most that the first call of a closure may take, in microseconds. */
const FIRST_AT_MOST = 1_000;

const LINES: readonly Line[] = [
  { series: 'closure', what: "a libffi closure's call, alone", unit: 'ns' },
  { series: 'closure-wx', what: '... under wx', unit: 'ns', against: 'closure', atMost: PROMOTED_AT_MOST },
  { series: 'heap', what: 'a GCC heap trampoline, alone', unit: 'ns' },
  { series: 'heap-wx', what: '... under wx', unit: 'ns', against: 'heap', atMost: PROMOTED_AT_MOST },
  { series: 'rewritten', what: 'one that is written again before each call, alone', unit: 'µs', scale: 1e-3 },
  { series: 'rewritten-wx', what: '... under wx', unit: 'µs', scale: 1e-3, against: 'rewritten' },
  { series: 'sorting', what: 'python3: qsort with a comparison by ctypes', unit: 'ms', scale: 1e3 },
  { series: 'sorting-wx', what: '... under wx', unit: 'ms', scale: 1e3, against: 'sorting' },
  { series: 'first', what: 'the first call of a closure, under wx', unit: 'µs', atMost: FIRST_AT_MOST },
  { series: 'second', what: '... the second', unit: 'µs' },
  { series: 'very-first', what: "... a program's very first", unit: 'µs', atMost: FIRST_AT_MOST },
  { series: 'allocation', what: 'the very first closure allocated, under wx', unit: 'µs' },
  { series: 'allocation-alone', what: '... alone', unit: 'µs' },
];

/** Calls that are served, in the order of docs/performance.md. */
export const promotion: Benchmark = {
  name: 'promotion',
  rounds: 9,
  run(rounds) {
    const binary = program('promoted', ['-lffi']);
    const first = [program('first', ['-lffi']), String(CLOSURES)];
    // Debian's own, and not whatever comes first in PATH: that may be a script.
    const sorting = ['/usr/bin/python3', join(root, 'bench', 'programs', 'sorting.py'), String(NUMBERS)];
    const both = (name: string, count: number): Contender[] => {
      const command = [binary, name, ...[WARM_UP, count].map(String)];
      return [measured(name, command), measured(`${name}-wx`, [...supervised('wx'), ...command])];
    };
    const figures = inTurn(rounds, [
      ...both('closure', CALLS),
      ...both('heap', CALLS),
      ...both('rewritten', REWRITTEN),
      { measure: () => new Map([['sorting', Number(output(sorting))]]) },
      { measure: () => new Map([['sorting-wx', Number(output([...supervised('wx'), ...sorting]))]]) },
      { measure: () => new Map(namedFigures(output([...supervised('wx'), ...first]))) },
      {
        measure() {
          const alone = new Map(namedFigures(output(first)));
          return new Map([['allocation-alone', alone.get('allocation') ?? Number.NaN]]);
        },
      },
    ]);
    return { name: 'promotion', title: 'Trampolines of the supervisor in their place', rows: rows(figures, LINES) };
  },
};
