/**
 * Debian's kernels: fetched by an apt with a state of its own, unpacked, never installed.
 *
 * Nothing of this machine's own apt changes: lists, cache and sources of the other suites are in the cache of the harness.
 * Kernels from 6.19 on have no files in `linux-image-*`: they are in `linux-binary-*` and `linux-modules-*`.
 *
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readArchives } from './archives.js';
import { cacheFolder, command, fetching } from './command.js';

/** A kernel that guests are booted with. */
export interface Kernel {
  readonly name: string;
  /** What its package is called; the newest of several is taken, for the name changes with each security update. */
  readonly image: RegExp;
  /** The suites that have it, in the main archive and in that of security updates. */
  readonly suites: readonly string[];
  readonly securitySuites: readonly string[];
  /** Whether `trampfd run` works there; elsewhere it refuses to start. */
  readonly isSupported: boolean;
}

/** The kernels. `newest` is the newest backport that Debian has. */
export const kernels: readonly Kernel[] = [
  {
    name: '5.10',
    image: /^linux-image-5\.10\.0-\d+-amd64$/,
    suites: ['bullseye'],
    securitySuites: ['bullseye-security'],
    isSupported: false,
  },
  {
    name: '6.1',
    image: /^linux-image-6\.1\.0-\d+-amd64$/,
    suites: ['bookworm'],
    securitySuites: ['bookworm-security'],
    isSupported: true,
  },
  {
    name: '6.12',
    image: /^linux-image-6\.12\.\d+\+deb13-amd64$/,
    suites: ['trixie'],
    securitySuites: ['trixie-security'],
    isSupported: true,
  },
  {
    name: 'newest',
    image: /^linux-image-\d+\.\d+(?:\.\d+)?\+deb\d+-amd64$/,
    suites: ['trixie-backports'],
    securitySuites: [],
    isSupported: true,
  },
];

/** A kernel that is unpacked. */
export interface UnpackedKernel {
  /** Has `vmlinuz`, and `lib/modules/RELEASE`. */
  readonly folder: string;
  readonly release: string;
}

/** Orders names with numbers in them as people do: 6.1.0-9 before 6.1.0-10. */
export function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Words that start a tool of apt with lists, cache and sources of the harness. */
function aptWords(tool: string, state: string): readonly string[] {
  return [
    tool,
    '-q',
    '-o',
    `Dir::Etc::SourceList=${join(state, 'sources.list')}`,
    '-o',
    'Dir::Etc::SourceParts=/dev/null',
    '-o',
    `Dir::State::Lists=${join(state, 'lists')}`,
    '-o',
    `Dir::Cache=${join(state, 'cache')}`,
    '-o',
    'APT::Sandbox::User=root',
    '-o',
    'Acquire::Languages=none',
    '-o',
    'Acquire::Retries=3',
    // Else a suite of which nothing came is a warning alone.
    '-o',
    'APT::Update::Error-Mode=any',
  ];
}

/** Makes an apt's state that knows the suites of a kernel. */
function prepareApt(kernel: Kernel, state: string): void {
  const { main, security } = readArchives();
  const line = (uri: string, suite: string): string => `deb [arch=amd64 signed-by=${KEYRING}] ${uri} ${suite} main\n`;
  for (const name of [join('lists', 'partial'), join('cache', 'archives', 'partial')]) {
    mkdirSync(join(state, name), { recursive: true });
  }
  writeFileSync(
    join(state, 'sources.list'),
    [
      ...kernel.suites.map((suite) => line(main, suite)),
      ...(security === undefined ? [] : kernel.securitySuites.map((suite) => line(security, suite))),
    ].join(''),
  );
  fetching(`what ${kernel.suites.join(', ')} has`, () => command([...aptWords('apt-get', state), 'update']));
}

/** The release of the newest package of a kernel, such as 6.1.0-57-amd64. */
function newestRelease(kernel: Kernel, state: string): string {
  const words = [...aptWords('apt-cache', state), 'search', '--names-only', '^linux-image-[0-9]'];
  const names = command(words)
    .toString()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => kernel.image.test(name))
    .sort(byVersion);
  const newest = names.at(-1);
  if (newest === undefined) throw new Error(`${kernel.suites.join(', ')}: no package is called ${kernel.image.source}`);
  return newest.replace('linux-image-', '');
}

/** Whether a kernel's modules are there: `linux-image-*` has them beside the image, newer packages apart from it. */
function hasModules(folder: string, release: string): boolean {
  return existsSync(join(folder, 'lib', 'modules', release, 'kernel'));
}

/** Where a kernel's image is, once its packages are unpacked. */
function imageIn(folder: string, release: string): string | undefined {
  return [join(folder, 'boot', `vmlinuz-${release}`), join(folder, 'lib', 'modules', release, 'vmlinuz')].find(
    existsSync,
  );
}

function unpack(release: string, state: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of ['image', 'binary', 'modules']) {
    if (imageIn(folder, release) !== undefined && hasModules(folder, release)) break;
    const downloads = join(state, 'download');
    rmSync(downloads, { recursive: true, force: true });
    mkdirSync(downloads);
    const name = `linux-${part}-${release}:amd64`;
    fetching(name, () => command([...aptWords('apt-get', state), 'download', name], { cwd: downloads }));
    for (const file of readdirSync(downloads)) command(['dpkg-deb', '-x', join(downloads, file), folder]);
    // From Debian 13 on modules are below /usr.
    if (!existsSync(join(folder, 'lib')) && existsSync(join(folder, 'usr', 'lib'))) {
      symlinkSync(join('usr', 'lib'), join(folder, 'lib'));
    }
  }
  const image = imageIn(folder, release);
  if (image === undefined) throw new Error(`linux-image-${release} and its kin have no vmlinuz`);
  if (!hasModules(folder, release)) throw new Error(`linux-image-${release} and its kin have no modules`);
  renameSync(image, join(folder, 'vmlinuz'));
  command(['depmod', '-b', folder, release]);
}

/** A kernel's folder, fetched where it is not there; anew where that is asked for. */
export function fetchKernel(kernel: Kernel, isRefreshed = false): UnpackedKernel {
  const folder = cacheFolder('kernels', kernel.name);
  const mark = join(folder, 'release');
  if (isRefreshed || !existsSync(mark)) {
    const state = cacheFolder('apt', kernel.name);
    prepareApt(kernel, state);
    const release = newestRelease(kernel, state);
    unpack(release, state, folder);
    writeFileSync(mark, release);
  }
  return { folder, release: readFileSync(mark, 'utf8') };
}
