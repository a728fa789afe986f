/**
 * Debian's archives as this machine is configured to reach them: sources.list(5), in both of its formats.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where packages of Debian are fetched from. */
export interface Archives {
  readonly main: string;
  readonly security: string;
}

/** An archive's address, and suites that are used of it. */
interface Source {
  readonly uri: string;
  readonly suites: readonly string[];
}

/** Sources of a file in the format of one line each: `deb [OPTIONS] URI SUITE COMPONENT...`. */
function sourcesInLines(text: string): readonly Source[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)].map(([, uri = '', suite = '']) => ({
    uri,
    suites: [suite],
  }));
}

/** Sources of a file with paragraphs of fields (deb822). */
function sourcesInFields(text: string): readonly Source[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string): readonly string[] =>
      new RegExp(`^${name}:(.*)$`, 'm').exec(paragraph)?.[1]?.trim().split(/\s+/) ?? [];
    if (!field('Types').includes('deb')) return [];
    return field('URIs').map((uri) => ({ uri, suites: field('Suites') }));
  });
}

/** Names of Debian's suites that have packages of their own. */
const RELEASE = /^(?:bullseye|bookworm|trixie|forky|oldstable|stable|testing|sid)(?:-updates)?$/;

/**
 * The archives that files of sources name.
 *
 * @param files - each file's name and text
 * @throws Error where no file names them
 */
export function archivesIn(files: ReadonlyMap<string, string>): Archives {
  const sources = [...files].flatMap(([name, text]) =>
    name.endsWith('.sources') ? sourcesInFields(text) : sourcesInLines(text),
  );
  const find = (isWanted: (suite: string) => boolean): string | undefined =>
    sources.find(({ suites }) => suites.some(isWanted))?.uri;
  const main = find((suite) => RELEASE.test(suite));
  if (main === undefined)
    throw new Error('no source of /etc/apt is an archive of Debian; kernels are fetched from there');
  return { main, security: find((suite) => suite.includes('security')) ?? main };
}

/** The archives of this machine. */
export function readArchives(folder = '/etc/apt'): Archives {
  const parts = join(folder, 'sources.list.d');
  const names = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  const paths = [join(folder, 'sources.list'), ...names].filter(
    (path) => existsSync(path) && (path.endsWith('.list') || path.endsWith('.sources')),
  );
  return archivesIn(new Map(paths.map((path) => [path, readFileSync(path, 'utf8')])));
}
