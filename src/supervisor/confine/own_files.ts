/**
 * The files that the next run's supervisor is read from: this package, what it depends on, Node.js, and the libraries of
 * that. A run must not write them, wherever they lie.
 *
 * @module
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isWithin } from './mount_plan.js';
import { asBytes } from './paths.js';

/** What of a package is read to start. Other files may lie beside: a person's own, where the package is developed. */
const PARTS: readonly string[] = ['bin', 'dist', 'package.json', 'node_modules'];

/** The folder of the package that a file belongs to. */
function packageOf(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return dirname(file);
}

/** A mapping of a file's code in /proc/PID/maps (proc(5)). A newline alone ends a line there, and a path may have all else. */
const CODE = /^\S+ ..x. \S+ \S+ \d+ +(\/.*)$/s;

/** A file in a folder of libraries: `lib`, `lib64`, or that of a machine in one. */
const LIBRARY = /\/lib[^/]*\/(?:[^/]*-linux-[^/]*\/)?[^/]*$/;

/**
 * The files that this process executes: Node.js and its libraries. Those of a Node.js in a home folder lie beside it. With them
 * their folders, where the loader would take another file of the same name first (glibc-hwcaps of ld.so(8)), if their names say
 * that they hold libraries.
 */
function executedFiles(): readonly string[] {
  const maps = readFileSync('/proc/self/maps', 'latin1');
  const files = new Set(maps.split('\n').flatMap((line) => CODE.exec(line)?.[1] ?? []));
  return [...files].flatMap((file) => (LIBRARY.test(file) ? [dirname(file), file] : [file]));
}

/** Absolute paths, links resolved, a character for each byte. */
export function ownFiles(): readonly string[] {
  const own = packageOf(fileURLToPath(import.meta.url));
  const koffi = packageOf(createRequire(import.meta.url).resolve('koffi'));
  const parts = PARTS.map((part) => join(own, part));
  const files = [
    // What it depends on is looked for in a folder of its own first, which could be made where there is none.
    ...(parts.every((part) => existsSync(part)) ? parts : [own]),
    // Where another package depends on this one, they lie beside each other. Its native part is a package of its own.
    koffi,
    join(dirname(koffi), '@koromix'),
    process.execPath,
  ];
  const found = files.filter((file) => existsSync(file)).map((file) => realpathSync.native(file, 'latin1'));
  const executed = executedFiles().filter(
    (file) => existsSync(asBytes(file)) && !found.some((other) => isWithin(file, other)),
  );
  return [...new Set([...found, ...executed])];
}
