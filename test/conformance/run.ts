/**
 * Judges an implementation of the trampfd interface, and prints what was covered.
 *
 * usage: node dist/test/conformance/run.js [--program NAME]... [--write-docs] [--launcher [COMMAND [WORD]...]]
 *
 * Programs are run by the launcher's words with the program behind them: this project's `trampfd run --` when the option
 * is absent, nothing at all when it has no words (a kernel that has the interface). Status 0 when everything conforms.
 *
 * @module
 */
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../programs/compile.js';
import { callTable, rowTable } from './coverage.js';
import { programs } from './programs.js';
import { rows } from './rows.js';
import { Findings, ownLauncher } from './suite.js';

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
    calls: callTable(coverage, rows),
    rows: rowTable(coverage, rows),
  };
}

function main(words: readonly string[]): number {
  const wanted: string[] = [];
  let launcher = ownLauncher;
  let writesDocs = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === '--launcher') {
      launcher = words.slice(at + 1);
      break;
    }
    if (word === '--program') wanted.push(words[++at] ?? '');
    else if (word === '--write-docs') writesDocs = true;
    else {
      console.error(
        `run: unknown option '${word}'; usage: run.js [--program NAME]... [--write-docs] [--launcher WORDS]`,
      );
      return 2;
    }
  }
  const unknown = wanted.filter((name) => !programs.some((program) => program.name === name));
  if (unknown.length > 0) {
    console.error(
      `run: no program is called ${unknown.join(' or ')}; there are ${programs.map(({ name }) => name).join(' ')}`,
    );
    return 2;
  }

  const findings = new Findings();
  let faults = 0;
  for (const program of programs.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    for (const build of program.builds) {
      for (const run of findings.run(program, build, launcher)) {
        const seconds = (run.milliseconds / 1000).toFixed(1);
        console.log(
          `${run.faults.length === 0 ? 'ok    ' : 'NOT OK'} ${run.title}: ${run.points} points, ${seconds} s`,
        );
        for (const fault of run.faults) console.log(`         ${fault}`);
        faults += run.faults.length;
      }
    }
  }
  console.log(`\nPoints by call and outcome (x86-64/i386/int 0x80):\n\n${callTable(findings.coverage, rows)}`);
  if (findings.freedoms.size > 0) console.log('\nChosen where the interface leaves a choice:\n');
  for (const [name, choice] of findings.freedoms) console.log(`  ${name}: ${choice}`);
  const missing = wanted.length > 0 ? [] : findings.coverage.missing(rows);
  for (const each of missing) console.log(`NOT OK ${each}`);
  if (writesDocs) writeFileSync(DOCS, renewDocs(readFileSync(DOCS, 'utf8'), docsParts(findings)));
  console.log(
    `\n${faults + missing.length === 0 ? 'It conforms.' : `It does not conform: ${faults} faults, ${missing.length} rows without a point.`}`,
  );
  return faults + missing.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(process.argv[1]))
  process.exitCode = main(process.argv.slice(2));
