/**
 * Runs the benchmarks, prints their ratios, and writes every raw figure to bench/results.json.
 *
 * usage: node dist/bench/run.js [call|tables|contexts|emulation|promotion|memory|programs|unasked|startup ...] [--rounds N]
 *
 * The exit status does not depend on the targets: it is 0 when everything was measured.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../test/programs/compile.js';
import { call } from './call.js';
import { contexts } from './contexts.js';
import { emulation, memory } from './emulation.js';
import { type Machine, machine } from './machine.js';
import type { Benchmark, Section } from './measure.js';
import { programs } from './programs.js';
import { promotion } from './promotion.js';
import { format } from './report.js';
import { startup } from './startup.js';
import { tables } from './tables.js';
import { unasked } from './unasked.js';

const BENCHMARKS: readonly Benchmark[] = [
  call,
  tables,
  contexts,
  emulation,
  promotion,
  memory,
  programs,
  unasked,
  startup,
];
const RESULTS = join(root, 'bench', 'results.json');

/** A benchmark's result with all that is needed to take it again. */
interface Result extends Section {
  readonly command: string;
  readonly date: string;
  readonly machine: Machine;
}

/** What an earlier run left, but for what this one is about to measure. */
function earlierResults(measured: ReadonlySet<string>): Result[] {
  if (!existsSync(RESULTS)) return [];
  const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Result[];
  return results.filter(({ name }) => !measured.has(name));
}

function save(results: readonly Result[]): void {
  const order = BENCHMARKS.map(({ name }) => name);
  const kept = [...earlierResults(new Set(results.map(({ name }) => name))), ...results];
  kept.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  writeFileSync(RESULTS, `${JSON.stringify(kept, null, 2)}\n`);
}

function usage(problem: string): never {
  const names = BENCHMARKS.map(({ name }) => name).join('|');
  console.error(`bench: ${problem}\nusage: node dist/bench/run.js [${names} ...] [--rounds N]`);
  process.exit(2);
}

function main(): void {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string' } } });
  const unknown = positionals.find((wanted) => !BENCHMARKS.some(({ name }) => name === wanted));
  if (unknown !== undefined) usage(`there is no benchmark '${unknown}'`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    usage(`--rounds takes a positive whole number, not '${values.rounds}'`);
  }
  const here = machine();
  console.log(`${here.processors} x ${here.processor}, Linux ${here.kernel}, Node.js ${here.node}`);
  console.log(here.looking === undefined ? '' : `strict looks at each execution here: ${here.looking}\n`);
  const results: Result[] = [];
  for (const benchmark of BENCHMARKS) {
    if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
    const section = benchmark.run(rounds ?? benchmark.rounds);
    console.log(format(section));
    const command = `node dist/bench/run.js ${benchmark.name} --rounds ${rounds ?? benchmark.rounds}`;
    results.push({ ...section, command, date: new Date().toISOString(), machine: here });
    save(results);
  }
}

try {
  main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
