/**
 * Tables that are made when they are first asked for: every start of the supervisor loads all of this folder, and most runs
 * make no trampoline.
 *
 * @module
 */

/** A function that gives what another one made at the first call. */
export function once<Value extends object>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
