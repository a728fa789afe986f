/**
 * Reads what a conformance program prints: the Test Anything Protocol, with what each point covers.
 *
 * @see https://testanything.org/tap-specification.html
 * @module
 */

/** What a point covers: a call that succeeded or failed with an errno, and which row of the tables that is. */
export interface Covered {
  readonly call: string;
  /** An errno's name, or `success`. */
  readonly outcome: string;
  /** A row of rows.ts; empty where a success is no row of its own. */
  readonly row: string;
}

/** What a program said. */
export interface Tap {
  readonly points: number;
  readonly covered: readonly Covered[];
  /** What was chosen where the interface leaves a choice, by name. */
  readonly freedoms: ReadonlyMap<string, string>;
  /** Sentences about all that is wrong: points that failed, and output that is no complete TAP. */
  readonly faults: readonly string[];
}

/**
 * Reads a program's output. A point that is skipped or left to do is a fault: a suite that passes has judged everything.
 */
export function readTap(text: string): Tap {
  const covered: Covered[] = [];
  const freedoms = new Map<string, string>();
  const faults: string[] = [];
  let points = 0;
  let plan: number | undefined;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const point = /^(not )?ok (\d+) - (.*)$/.exec(line);
    const planned = /^1\.\.(\d+)$/.exec(line)?.[1];
    const freedom = /^# freedom ([^ :]+): (.*)$/.exec(line);
    if (point !== null) {
      const [, not, number, rest = ''] = point;
      points++;
      if (not !== undefined) faults.push(line);
      if (Number(number) !== points) faults.push(`point ${number} comes as number ${points}`);
      if (/#\s*(skip|todo)/i.test(rest)) faults.push(`nothing may be left out: ${line}`);
      const covers = /# covers (\S+) (\S+)(?: (\S+))?$/.exec(rest);
      const [, call, outcome, row = ''] = covers ?? [];
      if (call !== undefined && outcome !== undefined) covered.push({ call, outcome, row });
    } else if (planned !== undefined) {
      if (plan !== undefined) faults.push('there are two plans');
      plan = Number(planned);
    } else if (freedom !== null) {
      const [, name = '', choice = ''] = freedom;
      freedoms.set(name, choice);
    } else if (!line.startsWith('#')) {
      faults.push(line);
    }
  }
  if (plan === undefined) faults.push('there is no plan: the program has not come to its end');
  else if (plan !== points || plan === 0) faults.push(`${points} points came of the ${plan} that were planned`);
  return { points, covered, freedoms, faults };
}
