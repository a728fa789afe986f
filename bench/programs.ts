/**
 * What ordinary programs lose under `trampfd run`, beside strace with a filter of comparable size, and beside the least
 * filter that looks at the descriptor of a write: less than that no supervisor of descriptors on seccomp can cost. And
 * what they lose under the policy `strict` beyond that.
 *
 * Programs measure themselves, so that neither the supervisor's start nor the tracer's is in the figures.
 *
 * @module
 */
import { output, program, supervised, traced } from './command.js';
import { type Benchmark, type Contender, inTurn, type Line, rows } from './measure.js';

/** Something that a program does, so many times. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly count: number;
  readonly atMost?: number;
}

/** What programs do. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'compute', what: 'a loop that only computes', count: 300_000_000, atMost: 1.01 },
  { name: 'write', what: 'a million writes of one byte', count: 1_000_000, atMost: 1.15 },
  { name: 'getppid', what: 'three million getppid', count: 3_000_000, atMost: 1.15 },
  { name: 'spawn', what: '500 fork and exec of /bin/true', count: 500, atMost: 1.15 },
  { name: 'python', what: '20 times python3 -c pass', count: 20 },
];

/** What a program may lose under `strict`, against `wx`. */
const STRICT_AT_MOST = 1.05;

function lines({ name, what, atMost }: Workload): Line[] {
  return [
    { series: name, what, unit: 'ms', scale: 1e3 },
    {
      series: `${name}-trampfd`,
      what: '... under trampfd run (wx)',
      unit: 'ms',
      scale: 1e3,
      against: name,
      ...(atMost !== undefined && { atMost }),
    },
    {
      series: `${name}-strict`,
      what: '... under its policy strict',
      unit: 'ms',
      scale: 1e3,
      against: `${name}-trampfd`,
      atMost: STRICT_AT_MOST,
    },
    { series: `${name}-filter`, what: '... under the least filter', unit: 'ms', scale: 1e3, against: name },
    { series: `${name}-strace`, what: '... under strace', unit: 'ms', scale: 1e3, against: name },
  ];
}

/** (c) in the order of docs/performance.md. */
export const programs: Benchmark = {
  name: 'programs',
  rounds: 9,
  run(rounds) {
    const binary = program('workload');
    const contenders = WORKLOADS.flatMap(({ name, count }): Contender[] => {
      const timed = (series: string, before: readonly string[]): Contender => ({
        measure: () => new Map([[series, Number(output([...before, binary, name, String(count)]))]]),
      });
      return [
        timed(name, []),
        timed(`${name}-trampfd`, supervised('wx')),
        timed(`${name}-strict`, supervised('strict')),
        timed(`${name}-filter`, [program('filter')]),
        timed(`${name}-strace`, traced('mmap,mprotect')),
      ];
    });
    const figures = inTurn(rounds, contenders);
    return { name: 'programs', title: 'Programs', rows: rows(figures, WORKLOADS.flatMap(lines)) };
  },
};
