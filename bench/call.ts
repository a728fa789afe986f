/**
 * What one call costs through each kind of trampoline.
 *
 * One process measures every way in turn (bench/programs/call.c), under a policy that denies nothing: the stack
 * trampoline of GCC and the closure of libffi need what `wx` refuses.
 *
 * @module
 */
import { namedFigures, output, program, supervised } from './command.js';
import { type Benchmark, collect, type Line, rows } from './measure.js';

const CALLS = 20_000_000;
const FAULTS = 200_000;

/** The most that a call through a trampoline should cost, in calls through a pointer. */
const TARGET = 1.7;

const LINES: readonly Line[] = [
  { series: 'direct', what: 'direct call, within the program', unit: 'ns', against: 'pointer' },
  { series: 'pointer', what: 'library calls back through a pointer', unit: 'ns' },
  {
    series: 'trampoline',
    what: 'library calls back through a trampoline table',
    unit: 'ns',
    against: 'pointer',
    atMost: TARGET,
  },
  {
    series: 'context',
    what: '... through a trampoline of version 1, one register',
    unit: 'ns',
    against: 'pointer',
    atMost: TARGET,
  },
  { series: 'context-two', what: '... of version 1, two registers', unit: 'ns', against: 'pointer', atMost: TARGET },
  { series: 'context-stack', what: '... of version 1, with data on the stack', unit: 'ns', against: 'pointer' },
  { series: 'gcc-stack', what: '... through a GCC stack trampoline', unit: 'ns', against: 'pointer' },
  { series: 'libffi', what: '... through a libffi closure', unit: 'ns', against: 'pointer' },
  { series: 'emulation', what: '... emulated in a SIGSEGV handler', unit: 'ns', against: 'pointer' },
  { series: 'program-pointer', what: 'program calls itself through a pointer', unit: 'ns' },
  {
    series: 'program-trampoline',
    what: '... through a trampoline table',
    unit: 'ns',
    against: 'program-pointer',
    atMost: TARGET,
  },
  {
    series: 'program-context',
    what: '... through a trampoline of version 1',
    unit: 'ns',
    against: 'program-pointer',
    atMost: TARGET,
  },
  { series: 'library-pointer', what: 'library calls itself through a pointer', unit: 'ns' },
  {
    series: 'library-trampoline',
    what: '... through a trampoline table',
    unit: 'ns',
    against: 'library-pointer',
    atMost: TARGET,
  },
  {
    series: 'library-context',
    what: '... through a trampoline of version 1',
    unit: 'ns',
    against: 'library-pointer',
    atMost: TARGET,
  },
  { series: 'empty-pointer', what: 'library calls back an empty function', unit: 'ns' },
  { series: 'empty-trampoline', what: '... through a trampoline table', unit: 'ns', against: 'empty-pointer' },
  { series: 'empty-context', what: '... through a trampoline of version 1', unit: 'ns', against: 'empty-pointer' },
];

/** (a) in the order of docs/performance.md. */
export const call: Benchmark = {
  name: 'call',
  rounds: 9,
  run(rounds) {
    const caller = program('caller', ['-shared', '-fPIC']);
    const binary = program('call', ['-z', 'execstack', '-lffi']);
    const command = [...supervised('off'), binary, caller, ...[rounds, CALLS, FAULTS].map(String)];
    const figures = new Map<string, number[]>();
    collect(namedFigures(output(command)), figures);
    return { name: 'call', title: 'One call', rows: rows(figures, LINES) };
  },
};
