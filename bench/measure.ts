/**
 * Measurements taken in turn, and what is made of them: medians and ratios of medians.
 *
 * A machine that is shared changes its speed while one measures. So contenders take turns (A B C A B C ...), no ratio
 * is taken between figures of different runs, and every raw figure is kept.
 *
 * @module
 */

/** The unit of a series, per whatever the series is about; MiB for what stays in memory. */
export type Unit = 'ns' | 'µs' | 'ms' | 's' | 'MiB';

/** The raw figures of each series by its name, in the order in which they were taken. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** Something that is measured once a round. */
export interface Contender {
  /** Takes one measurement: a figure for each series that it gives. */
  measure(): ReadonlyMap<string, number>;
}

/** What is to be made of a series. */
export interface Line {
  /** The name of the series. */
  readonly series: string;
  /** What it is, for people. */
  readonly what: string;
  readonly unit: Unit;
  /** Figures are multiplied by this before anything else, to come to the unit; 1 when absent. */
  readonly scale?: number;
  /** The series that the ratio is taken against; without one there is no ratio. */
  readonly against?: string;
  /** What is aimed at: the most that the ratio, or without one the median, should be. */
  readonly atMost?: number;
}

/** A line with its figures. */
export interface Row {
  readonly series: string;
  readonly what: string;
  readonly unit: Unit;
  readonly rounds: readonly number[];
  readonly median: number;
  readonly ratio?: { readonly against: string; readonly value: number };
  readonly target?: { readonly of: 'ratio' | 'median'; readonly atMost: number; readonly met: boolean };
}

/** One benchmark's result. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A benchmark: `run` takes the number of rounds. */
export interface Benchmark {
  readonly name: string;
  /** How many rounds it takes unless told otherwise. */
  readonly rounds: number;
  run(rounds: number): Section;
}

/**
 * The middle value, or the mean of the two in the middle.
 *
 * @throws RangeError when there is no value
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('median: there is no value');
  return (lower + upper) / 2;
}

/** Appends figures to their series. */
export function collect(
  figures: Iterable<readonly [series: string, figure: number]>,
  into: Map<string, number[]>,
): void {
  for (const [series, figure] of figures) {
    const rounds = into.get(series);
    if (rounds === undefined) into.set(series, [figure]);
    else rounds.push(figure);
  }
}

/** Lets the contenders measure in turn, `rounds` times. */
export function inTurn(rounds: number, contenders: readonly Contender[]): Rounds {
  const figures = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) collect(contender.measure(), figures);
  }
  return figures;
}

function figuresOf(rounds: Rounds, line: Line): readonly number[] {
  const figures = rounds.get(line.series);
  if (figures === undefined) throw new RangeError(`bench: nothing measured '${line.series}'`);
  return figures.map((figure) => figure * (line.scale ?? 1));
}

/**
 * The rows that lines ask for.
 *
 * @throws RangeError when a line names a series that was not measured, or none of the lines is what it goes against
 */
export function rows(rounds: Rounds, lines: readonly Line[]): Row[] {
  const medians = new Map(lines.map((line) => [line.series, median(figuresOf(rounds, line))] as const));
  const medianOf = (series: string): number => {
    const value = medians.get(series);
    if (value === undefined) throw new RangeError(`bench: no line is about '${series}'`);
    return value;
  };
  return lines.map((line): Row => {
    const { series, what, unit, against, atMost } = line;
    const ratio = against === undefined ? undefined : { against, value: medianOf(series) / medianOf(against) };
    const judged = ratio?.value ?? medianOf(series);
    return {
      series,
      what,
      unit,
      rounds: figuresOf(rounds, line),
      median: medianOf(series),
      ...(ratio !== undefined && { ratio }),
      ...(atMost !== undefined && {
        target: { of: ratio === undefined ? 'median' : 'ratio', atMost, met: judged <= atMost } as const,
      }),
    };
  });
}
