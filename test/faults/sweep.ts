/**
 * Goes through the points of the supervisor, has each fail in turn, and judges what becomes of the run: never memory or
 * code that the policy denies, never a wait without end, and a sentence where the program did not come to its end.
 *
 * @module
 */
import { type Fault, failuresOf } from './points.js';
import { type Outcome, type Setting, type Stage, settingName } from './stage.js';

/** How long a run may take, in milliseconds, and how long one that took longer is given when it is tried again. */
const PATIENCE = 12_000;
const LAST_PATIENCE = 60_000;

/** What is wrong with an outcome. */
export type Verdict = 'opening' | 'hang' | 'stack trace' | 'silence';

/** A fault that was not borne as it should be. */
export interface Failing {
  readonly setting: Setting;
  readonly fault: Fault;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
}

/** Judges a run; undefined where nothing is wrong. */
export function judge(setting: Setting, { output, errors, status, isOver }: Outcome): Verdict | undefined {
  if (setting.forbidden.test(output)) return 'opening';
  if (!isOver) return 'hang';
  if (/^\s+at .*[/:]\w+:\d+|^Node\.js v/m.test(errors)) return 'stack trace';
  if (status === 0 && output.includes('memory behind: ')) return undefined;
  // What the program's own attempts have said is no sentence about its end.
  const said = errors.split('\n').filter((line) => !line.includes('it is like no trampoline that is known'));
  return said.some((line) => /^trampfd: \S/.test(line)) ? undefined : 'silence';
}

/** Every fault of a run, by the points that it comes to. */
export async function faultsOf(stage: Stage, setting: Setting): Promise<readonly Fault[]> {
  const points = await stage.points(setting);
  const calls = new Map<string, number>();
  for (const point of points) calls.set(point, (calls.get(point) ?? 0) + 1);
  return [...calls].flatMap(([point, times]) =>
    failuresOf(point).flatMap((failure): Fault[] => [
      { point, occurrence: 1, failure },
      // Where a signal ended each of them, none would ever be made.
      ...(times > 1 && failure !== 'EINTR' ? [{ point, occurrence: 0, failure }] : []),
    ]),
  );
}

/** What a sweep has found. */
export interface Swept {
  readonly name: string;
  /** All faults of the run, and how many of them were tried. */
  readonly faults: number;
  readonly tried: number;
  readonly failing: readonly Failing[];
}

/** How a sweep is done. */
export interface SweepOptions {
  /** How many faults are tried, spread over all. */
  readonly most: number;
  /** Runs at a time. */
  readonly workers: number;
  /** Is told of each fault that was not borne. */
  readonly tell?: (failing: Failing) => void;
}

/** Sweeps over one run. */
export async function sweep(stage: Stage, setting: Setting, { most, workers, tell }: SweepOptions): Promise<Swept> {
  const all = await faultsOf(stage, setting);
  const stride = Math.max(1, all.length / most);
  const faults = all.filter((_, index) => Math.floor(index / stride) !== Math.floor((index - 1) / stride));
  const failing: Failing[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let fault = faults[next++]; fault !== undefined; fault = faults[next++]) {
      let outcome = await stage.run(setting, fault, PATIENCE);
      if (judge(setting, outcome) === 'hang') outcome = await stage.run(setting, fault, LAST_PATIENCE);
      const verdict = judge(setting, outcome);
      if (verdict === undefined) continue;
      failing.push({ setting, fault, verdict, outcome });
      tell?.({ setting, fault, verdict, outcome });
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return { name: settingName(setting), faults: all.length, tried: faults.length, failing };
}

/** What went wrong, for people. */
export function describeFailing({ setting, fault, verdict, outcome }: Failing): string {
  const { point, occurrence, failure } = fault;
  const which = occurrence === 0 ? 'always' : `call ${occurrence}`;
  const { status, signal, output, errors } = outcome;
  const said = [...output.trimEnd().split('\n'), ...errors.trimEnd().split('\n')].map((line) => `    ${line}`);
  return [`${verdict}: ${settingName(setting)}: ${point} (${which}): ${failure}; ${signal ?? status}`, ...said].join(
    '\n',
  );
}
