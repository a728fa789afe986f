/**
 * What a sweep is: one thing that is done to runs again and again, each time at another moment or in another way, with
 * what must hold every time. A file `NAME.sweep.ts` beside this one exports its sweeps.
 *
 * @module
 */

/**
 * The limit of something that is promised to take so many milliseconds at most. The sweeps hold runs to what is promised;
 * the ordinary tests, which share their machine with each other, to several times that.
 */
export type Limit = (milliseconds: number) => number;

/** One sweep. */
export interface Sweep {
  readonly name: string;
  /** How often it is tried: by `npm run test:hostile`, and as one of the ordinary tests. */
  readonly times: number;
  readonly short: number;
  /**
   * One try.
   *
   * @param number which, from 0 on: the same number tries the same
   * @param limit how long something may take
   * @returns what was wrong, or undefined
   */
  readonly attempt: (number: number, limit: Limit) => Promise<string | undefined>;
}

/** What a sweep has found. */
export interface Swept {
  readonly tried: number;
  /** What was wrong, each with the number of its try. */
  readonly failing: readonly string[];
}

/** Tries a sweep so many times, some of them at once. */
export async function sweep(
  one: Sweep,
  times: number,
  { workers, limit, tell }: { readonly workers: number; readonly limit: Limit; readonly tell: (text: string) => void },
): Promise<Swept> {
  const failing: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let number = next++; number < times; number = next++) {
      const wrong = await one.attempt(number, limit);
      if (wrong === undefined) continue;
      failing.push(`try ${number}: ${wrong}`);
      tell(`${one.name}: try ${number}: ${wrong}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return { tried: times, failing };
}

/** The fraction that belongs to a try: those of any few tries that follow each other lie all over from 0 to 1. */
export function fractionOf(number: number): number {
  return (number * 0.6180339887498949) % 1;
}
