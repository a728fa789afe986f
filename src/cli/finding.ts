/**
 * Findings of `trampfd doctor`, and how a report is made of them.
 *
 * @module
 */

/** One line of the report. */
export interface Finding {
  readonly name: string;
  /** `unknown` where it could not be probed; the sentence says why. */
  readonly answer: 'yes' | 'no' | 'unknown';
  /** One sentence: what that means for the user. */
  readonly meaning: string;
  /** Whether a run cannot work unless the answer is yes. */
  readonly needed?: boolean;
}

/** The report, and whether `trampfd run` can work. */
export interface Report {
  readonly text: string;
  readonly usable: boolean;
}

/** A finding with a sentence for each answer. */
export function finding(
  name: string,
  holds: boolean | undefined,
  yes: string,
  no: string,
  unknown: string = no,
): Finding {
  if (holds === undefined) return { name, answer: 'unknown', meaning: unknown };
  return { name, answer: holds ? 'yes' : 'no', meaning: holds ? yes : no };
}

/** A finding that a run cannot do without. */
export function needed(name: string, holds: boolean, yes: string, no: string): Finding {
  return { ...finding(name, holds, yes, no), needed: true };
}

/** The report as text: a line for each finding, and what follows from all of them. */
export function reportText(head: string, findings: readonly Finding[]): Report {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map(
    ({ name, answer, meaning }) =>
      `${(answer === 'unknown' ? '?' : answer).padEnd(4)} ${name.padEnd(width)}  ${meaning}`,
  );
  const wanting = findings.filter((entry) => entry.needed === true && entry.answer !== 'yes');
  const usable = wanting.length === 0;
  // What could not be probed follows from something that is missing, which is what people have to see to.
  const known = wanting.filter(({ answer }) => answer === 'no');
  const missing = (known.length > 0 ? known : wanting).map(({ name }) => name);
  const end = usable
    ? "'trampfd run' works here."
    : `'trampfd run' cannot work here for lack of: ${missing.join(', ')}.`;
  return { text: [head, '', ...lines, '', end, ''].join('\n'), usable };
}
