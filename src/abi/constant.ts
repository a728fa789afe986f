/**
 * How constants of the kernel are listed, so that a test can hold each of them against its header.
 *
 * @module
 */

/** One constant of the kernel's interface. */
export interface KernelConstant {
  /** The name that its header gives it. */
  readonly name: string;
  /** Its value, not negative. */
  readonly value: number;
  /** The header that defines it, as in `#include <...>`. */
  readonly header: string;
}

/** Lists an object of constants that one header defines. */
export function listed(header: string, constants: Readonly<Record<string, number>>): readonly KernelConstant[] {
  return Object.entries(constants).map(([name, value]) => ({ name, value, header }));
}
