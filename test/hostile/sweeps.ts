/**
 * All sweeps of this folder.
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import type { Sweep } from './sweep.js';

/** The sweeps of every `*.sweep.js` beside this file, in the order of their files' names. */
export async function allSweeps(): Promise<readonly Sweep[]> {
  const folder = new URL('.', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.sweep.js'));
  const modules = await Promise.all(
    names.sort().map(async (name) => (await import(new URL(name, folder).href)) as { sweeps: readonly Sweep[] }),
  );
  return modules.flatMap(({ sweeps }) => sweeps);
}
