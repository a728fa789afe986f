/**
 * Judges an implementation of the trampfd interface, and prints what was covered.
 *
 * usage: node dist/test/conformance/run.js [--version 1|2] [--program NAME]... [--write-docs]
 *                                          [--launcher [COMMAND [WORD]...]]
 *
 * Programs are run by the launcher's words with the program behind them: this project's `trampfd run --` when the option
 * is absent, nothing at all when it has no words (a kernel that has the interface). With --version only the programs and
 * rows of that version of the interface count: 1 is contexts, 2 is tables. Status 0 when everything conforms.
 *
 * @module
 */
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../programs/compile.js';
import { rows as allRows } from './all_rows.js';
import { contextRows } from './context_rows.js';
import { callTable, rowTable } from './coverage.js';
import { contextPrograms, type Program, programs, tablePrograms } from './programs.js';
import { type Row, tableRows } from './rows.js';
import { Findings, ownLauncher, type Run } from './suite.js';

const DOCS = join(root, 'docs', 'conformance.md');

/** The page with its generated parts renewed. */
export function renewDocs(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const [begin, end] = [`<!-- ${name}: written by --write-docs -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/conformance.md has no place for ${name}`);
    return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
  }, page);
}

/** The generated parts of the page. */
export function docsParts({ coverage }: Findings): Readonly<Record<string, string>> {
  return {
    programs: programs
      .map(({ name, subject, builds }) => `- \`${name}\`: ${subject} (${builds.join(', ')})`)
      .join('\n'),
    calls: callTable(coverage, allRows),
    rows: rowTable(coverage, allRows),
  };
}

const USAGE = 'usage: run.js [--version 1|2] [--program NAME]... [--write-docs] [--launcher [COMMAND [WORD]...]]';

/** What is to be run, and how. */
interface Order {
  readonly programs: readonly Program[];
  /** The rows that have to be covered: none where only some programs run. */
  readonly rows: readonly Row[];
  readonly launcher: readonly string[];
  readonly writesDocs: boolean;
}

/** Reads the command line; a sentence where it is wrong. */
function readOrder(words: readonly string[]): Order | string {
  const wanted: string[] = [];
  let launcher = ownLauncher;
  let writesDocs = false;
  let version: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === '--launcher') {
      launcher = words.slice(at + 1);
      break;
    }
    if (word === '--program') wanted.push(words[++at] ?? '');
    else if (word === '--version') version = words[++at] ?? '';
    else if (word === '--write-docs') writesDocs = true;
    else return `unknown option '${word}'`;
  }
  const known = { 1: [contextPrograms, contextRows], 2: [tablePrograms, tableRows] } as const;
  if (version !== undefined && version !== '1' && version !== '2') return `there is no version ${version}, but 1 and 2`;
  const [ofVersion, rows] = version === undefined ? [programs, allRows] : known[version];
  const unknown = wanted.filter((name) => !ofVersion.some((program) => program.name === name));
  if (unknown.length > 0) {
    return `no program is called ${unknown.join(' or ')}; there are ${ofVersion.map(({ name }) => name).join(' ')}`;
  }
  const isWhole = wanted.length === 0;
  if (writesDocs && (!isWhole || version !== undefined)) return 'the docs are written from a run of the whole suite';
  return {
    programs: isWhole ? ofVersion : ofVersion.filter(({ name }) => wanted.includes(name)),
    rows: isWhole ? rows : [],
    launcher,
    writesDocs,
  };
}

function report(run: Run): void {
  const verdict = run.faults.length === 0 ? 'ok    ' : 'NOT OK';
  console.log(`${verdict} ${run.title}: ${run.points} points, ${(run.milliseconds / 1000).toFixed(1)} s`);
  for (const fault of run.faults) console.log(`         ${fault}`);
}

function main(words: readonly string[]): number {
  const order = readOrder(words);
  if (typeof order === 'string') {
    console.error(`run: ${order}\n${USAGE}`);
    return 2;
  }
  const findings = new Findings();
  let faults = 0;
  for (const program of order.programs) {
    for (const build of program.builds) {
      for (const run of findings.run(program, build, order.launcher)) {
        report(run);
        faults += run.faults.length;
      }
    }
  }
  console.log(`\nPoints by call and outcome (x86-64/i386/int 0x80):\n\n${callTable(findings.coverage, allRows)}`);
  if (findings.freedoms.size > 0) console.log('\nChosen where the interface leaves a choice:\n');
  for (const [name, choice] of findings.freedoms) console.log(`  ${name}: ${choice}`);
  const missing = findings.coverage.missing(order.rows);
  for (const each of missing) console.log(`NOT OK ${each}`);
  if (order.writesDocs) writeFileSync(DOCS, renewDocs(readFileSync(DOCS, 'utf8'), docsParts(findings)));
  const conforms = faults + missing.length === 0;
  const why = `${faults} faults, ${missing.length} rows without a point`;
  console.log(conforms ? '\nIt conforms.' : `\nIt does not conform: ${why}.`);
  return conforms ? 0 : 1;
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(process.argv[1]))
  process.exitCode = main(process.argv.slice(2));
