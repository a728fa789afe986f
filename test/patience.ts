/**
 * How long the tests wait for a program, on machines that are slow.
 *
 * @module
 */

/** How many times slower than usual this machine is: TRAMPFD_TEST_SLOWNESS of the environment, 1 where it is absent. */
function slowness(): number {
  const given = Number(process.env['TRAMPFD_TEST_SLOWNESS'] ?? 1);
  if (!(given >= 1))
    throw new Error(`TRAMPFD_TEST_SLOWNESS is '${process.env['TRAMPFD_TEST_SLOWNESS']}', not a number from 1`);
  return given;
}

/** A limit in milliseconds, longer by as much as this machine is slower. */
export function patience(milliseconds: number): number {
  return milliseconds * slowness();
}
