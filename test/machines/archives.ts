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
  /** That of security updates; undefined where none is used. */
  readonly security: string | undefined;
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
  return { main, security: find((suite) => suite.includes('security')) };
}

/** An archive's own address where a list of mirrors stands for it (apt-transport-mirror(1)), as in Debian's images for clouds. */
function firstMirror(uri: string): string {
  if (!uri.startsWith('mirror+file:')) return uri;
  const path = uri.slice('mirror+file:'.length);
  const mirrors = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s/)[0] ?? '');
  const first = mirrors.find((mirror) => mirror !== '' && !mirror.startsWith('#'));
  if (first === undefined) throw new Error(`${path} names no mirror; kernels are fetched from there`);
  return first;
}

/** The archives of this machine. */
export function readArchives(folder = '/etc/apt'): Archives {
  const parts = join(folder, 'sources.list.d');
  const names = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  const paths = [join(folder, 'sources.list'), ...names].filter(
    (path) => existsSync(path) && (path.endsWith('.list') || path.endsWith('.sources')),
  );
  const { main, security } = archivesIn(new Map(paths.map((path) => [path, readFileSync(path, 'utf8')])));
  return { main: firstMirror(main), security: security === undefined ? undefined : firstMirror(security) };
}
