/**
 * What an emulated call costs: a pointer to a nested function, whose trampoline GCC writes on a stack that is not
 * executable, beside the same trampoline emulated by a handler of SIGSEGV within the process, and by a tracer in C that
 * does nothing else. And what a million such calls leave behind in the supervisor.
 *
 * @module
 */
import { measured, namedFigures, output, program, supervised } from './command.js';
import { type Benchmark, inTurn, type Line, rows } from './measure.js';

/** Calls before any is measured: the supervisor's JavaScript is compiled by then. */
const WARM_UP = 10_000;
const CALLS = 50_000;
const HANDLED_CALLS = 200_000;
const EXECUTED_CALLS = 10_000_000;

const LINES: readonly Line[] = [
  { series: 'handler', what: 'emulated in a SIGSEGV handler of the process', unit: 'µs', scale: 1e-3 },
  { series: 'emulated', what: 'emulated by trampfd run', unit: 'µs', scale: 1e-3, against: 'handler', atMost: 5 },
  { series: 'emulated-time', what: '... the same, in microseconds', unit: 'µs', scale: 1e-3, atMost: 25 },
  {
    series: 'emulated-pinned',
    what: '... with everything on one processor',
    unit: 'µs',
    scale: 1e-3,
    against: 'handler',
  },
  { series: 'tracer', what: 'emulated by a tracer in C', unit: 'µs', scale: 1e-3, against: 'handler' },
  {
    series: 'tracer-pinned',
    what: '... with everything on one processor',
    unit: 'µs',
    scale: 1e-3,
    against: 'handler',
  },
  { series: 'executable', what: 'executed on a stack that permits it, alone', unit: 'ns' },
];

const ONE_PROCESSOR: readonly string[] = ['taskset', '-c', '0'];

/** Calls that are emulated, in the order of docs/performance.md. */
export const emulation: Benchmark = {
  name: 'emulation',
  rounds: 9,
  run(rounds) {
    // As GCC links a program that has such a pointer, and as it is linked where no stack is to be executable.
    const plain = program('nested');
    const unexecutable = program('nested', ['-z', 'noexecstack']);
    const calls = (what: string, count: number): string[] => [what, String(WARM_UP), String(count)];
    const ours = [...supervised('wx'), plain, ...calls('outside', CALLS)];
    const tracer = [program('tracer'), unexecutable, ...calls('outside', CALLS)];
    const figures = inTurn(rounds, [
      measured('handler', [unexecutable, ...calls('handler', HANDLED_CALLS)]),
      {
        measure() {
          const [[, figure] = ['', Number.NaN]] = namedFigures(output(ours));
          return new Map(Object.entries({ emulated: figure, 'emulated-time': figure }));
        },
      },
      measured('emulated-pinned', [...ONE_PROCESSOR, ...ours]),
      measured('tracer', tracer),
      measured('tracer-pinned', [...ONE_PROCESSOR, ...tracer]),
      measured('executable', [plain, ...calls('executable', EXECUTED_CALLS)]),
    ]);
    return { name: 'emulation', title: 'An emulated call', rows: rows(figures, LINES) };
  },
};

const WARM_UP_OF_MEMORY = 100_000;
const CALLS_OF_MEMORY = 1_000_000;
/** The most that it may be after, against before: garbage comes and goes. */
const MEMORY_AT_MOST = 1.05;

const MEMORY_LINES: readonly Line[] = [
  { series: 'before', what: 'the supervisor after 100,000 emulated calls', unit: 'MiB', scale: 1 / 1024 },
  {
    series: 'after',
    what: '... after 1,000,000 more',
    unit: 'MiB',
    scale: 1 / 1024,
    against: 'before',
    atMost: MEMORY_AT_MOST,
  },
  { series: 'growth', what: '... more than before, in the same round', unit: 'MiB', scale: 1 / 1024 },
];

/** The supervisor's resident memory over a million emulated calls. */
export const memory: Benchmark = {
  name: 'memory',
  rounds: 3,
  run(rounds) {
    const counts = [WARM_UP_OF_MEMORY, CALLS_OF_MEMORY].map(String);
    const command = [...supervised('wx'), program('nested'), 'memory', ...counts];
    const figures = inTurn(rounds, [
      {
        measure() {
          const found = new Map(namedFigures(output(command)));
          return found.set('growth', (found.get('after') ?? Number.NaN) - (found.get('before') ?? Number.NaN));
        },
      },
    ]);
    return { name: 'memory', title: 'What emulated calls leave behind', rows: rows(figures, MEMORY_LINES) };
  },
};
