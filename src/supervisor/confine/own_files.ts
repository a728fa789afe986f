/**
 * The files that the next run's supervisor is read from: this package, what it depends on, and Node.js. A run must not
 * write them, wherever they lie.
 *
 * @module
 */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What of a package is read to start. Other files may lie beside: a person's own, where the package is developed. */
const PARTS: readonly string[] = ['bin', 'dist', 'package.json', 'node_modules'];

/** The folder of the package that a file belongs to. */
function packageOf(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return dirname(file);
}

/** Absolute paths, links resolved, a character for each byte. */
export function ownFiles(): readonly string[] {
  const own = packageOf(fileURLToPath(import.meta.url));
  const koffi = packageOf(createRequire(import.meta.url).resolve('koffi'));
  const files = [
    ...PARTS.map((part) => join(own, part)),
    // Where another package depends on this one, they lie beside each other. Its native part is a package of its own.
    koffi,
    join(dirname(koffi), '@koromix'),
    process.execPath,
  ];
  return [...new Set(files.filter((file) => existsSync(file)).map((file) => realpathSync.native(file, 'latin1')))];
}
