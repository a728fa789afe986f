/**
 * What a run's emulation came to: calls by their form and caller, and what is told of them at the end.
 *
 * @module
 */
import type { LegacyForm } from '../../trampoline/legacy_form.js';
import type { EmulationCount, Log } from '../log.js';

/** Callers that are told apart, for each form; what comes after that is counted as one. */
const MOST_CALLERS = 64;
const OTHERS = 'others';
/** From so many emulated calls on, a hint says how a program would be faster. */
const WORTH_A_HINT = 10_000;

interface Count {
  emulated: number;
  promoted: number;
}

const HINTS: Readonly<Record<LegacyForm, string>> = {
  libffi: 'link it to a libffi with static trampolines, or make its closures from tables of <trampfd.h>',
  'libffi-old': 'link it to a libffi of today, or make its closures from tables of <trampfd.h>',
  libffcall: 'make its callbacks with libffi, or from tables of <trampfd.h>',
  'gcc-stack': 'build it with -ftrampoline-impl=heap (GCC 14), or make its nested functions from tables of <trampfd.h>',
  'gcc-heap': "replace GCC's two functions by those over tables of <trampfd.h> (examples/gcc_heap_trampolines.c)",
  llvm: 'make its callbacks from tables of <trampfd.h>',
  pax: 'make its callbacks from tables of <trampfd.h>',
};

/** The counts of a run. */
export class Tally {
  readonly #counts = new Map<LegacyForm, Map<string, Count>>();

  #countOf(form: LegacyForm, caller: string): { count: Count; isFirst: boolean } {
    let callers = this.#counts.get(form);
    if (callers === undefined) {
      callers = new Map();
      this.#counts.set(form, callers);
    }
    const name = callers.has(caller) || callers.size < MOST_CALLERS ? caller : OTHERS;
    const known = callers.get(name);
    if (known !== undefined) return { count: known, isFirst: false };
    const count = { emulated: 0, promoted: 0 };
    callers.set(name, count);
    return { count, isFirst: true };
  }

  /**
   * Counts a call that was emulated.
   *
   * @returns whether it is the first of its form and caller
   */
  emulated(form: LegacyForm, caller: string): boolean {
    const { count, isFirst } = this.#countOf(form, caller);
    count.emulated += 1;
    return isFirst;
  }

  /** Counts a place that was promoted: from then on its calls are nobody's to count. */
  promoted(form: LegacyForm, caller: string): void {
    this.#countOf(form, caller).count.promoted += 1;
  }

  /** Tells what there is to tell, once. */
  tell(log: Log): void {
    if (!log.enabled || this.#counts.size === 0) return;
    const counts: EmulationCount[] = [...this.#counts].flatMap(([kind, callers]) =>
      [...callers].map(([caller, { emulated, promoted }]) => ({
        kind,
        caller,
        emulated,
        promoted,
        hint: emulated >= WORTH_A_HINT ? `${caller} would be faster: ${HINTS[kind]}` : null,
      })),
    );
    this.#counts.clear();
    log.write({ event: 'emulation-summary', counts });
  }
}
