/**
 * The disk of guests: Debian 12, this machine's Node.js, the built project at /opt/trampfd, and the tests' programs compiled.
 *
 * A guest has no compiler. Its programs are compiled here, with this machine's, in a view of its files in which the project
 * lies where it lies in the guest: what compileProgram() calls a binary depends on that.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { root as project } from '../programs/compile.js';
import { readArchives } from './archives.js';
import { cache, cacheFolder, command, fetching } from './command.js';

/** What guests have beside Debian's minimal set, with what needs it. */
const PACKAGES = [
  'busybox-static', // the first file system, and powering off
  'kmod',
  'procps',
  'util-linux',
  'iproute2',
  'libc6-i386', // i386 programs
  'libgfortran5', // callbacks
  'python3',
  'python3-ply', // what debootstrap does not see that python3-cffi depends on
  'python3-cffi',
  'clisp',
  'sudo', // set-user-ID programs, and users
] as const;

/** What guests have of the project. */
const PARTS = [
  'bin',
  'dist',
  'docs',
  'examples',
  'include',
  'test',
  'package.json',
  'node_modules/koffi',
  'node_modules/@koromix',
];

/** Where the project is in a guest. */
export const GUEST_PROJECT = '/opt/trampfd';

/** A guest's disk. */
export interface RootImage {
  readonly image: string;
  /** The static busybox in it. */
  readonly busybox: string;
}

/** Debian in a folder; kept between runs. */
function systemFolder(): string {
  const name = createHash('sha256').update(JSON.stringify(PACKAGES)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder('systems'), name);
  if (existsSync(join(folder, 'complete'))) return join(folder, 'root');
  const system = join(folder, 'root');
  const { main } = readArchives();
  // What it mounts there is gone with it, however it ends.
  const apart = ['unshare', '--mount', '--propagation', 'private'];
  fetching("the guests' system", () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(system, { recursive: true });
    const include = `--include=${PACKAGES.join(',')}`;
    command([...apart, 'debootstrap', '--variant=minbase', include, 'bookworm', system, main]);
  });
  command(['chroot', system, 'useradd', '--create-home', 'user']);
  for (const name of ['proc', 'sys', 'dev']) {
    // debootstrap may leave links to this machine's own.
    if (!lstatSync(join(system, name)).isSymbolicLink()) continue;
    rmSync(join(system, name));
    mkdirSync(join(system, name));
  }
  for (const name of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']) {
    rmSync(join(system, name), { recursive: true, force: true });
  }
  writeFileSync(join(folder, 'complete'), '');
  return system;
}

/** Every file below a path, in a fixed order. */
function filesOf(path: string): readonly string[] {
  if (!lstatSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

/** What the image would have of the project, as a hash. */
function projectHash(): string {
  const hash = createHash('sha256').update(process.version).update(JSON.stringify(PACKAGES));
  for (const path of PARTS.flatMap((part) => filesOf(join(project, part)))) {
    if (path.endsWith('.tsbuildinfo')) continue;
    const { mode } = lstatSync(path);
    hash.update(`\0${path.slice(project.length)}\0${mode}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function installProject(system: string): void {
  const target = join(system, GUEST_PROJECT);
  rmSync(target, { recursive: true, force: true });
  for (const part of PARTS) cpSync(join(project, part), join(target, part), { recursive: true });
  copyFileSync(realpathSync(process.execPath), join(system, 'usr', 'bin', 'node'));
  copyFileSync(join(project, 'test', 'machines', 'guest', 'init.sh'), join(system, 'guest-init'));
  for (const name of ['usr/bin/node', 'guest-init', 'opt']) chmodSync(join(system, name), 0o755);
}

/** Runs a script of the project with this machine's programs, on the guest's /opt/trampfd and /tmp. */
const VIEW = `set -e
view=$1 system=$2 node=$3; shift 3
mount --make-rprivate /
mount --rbind / "$view"
mount -t tmpfs none "$view/opt"
mkdir "$view${GUEST_PROJECT}"
touch "$view/opt/node"
mount --bind "$system${GUEST_PROJECT}" "$view${GUEST_PROJECT}"
mount --bind "$node" "$view/opt/node"
mount --bind "$system/tmp" "$view/tmp"
exec chroot "$view" env -u TMPDIR -u NODE_EXTRA_CA_CERTS /opt/node "$@"`;

function compilePrograms(system: string): void {
  const view = mkdtempSync(join(cacheFolder(), 'view-'));
  try {
    const node = realpathSync(process.execPath);
    const script = join(GUEST_PROJECT, 'dist', 'test', 'machines', 'guest', 'prebuild.js');
    command(['unshare', '--mount', 'sh', '-c', VIEW, 'sh', view, system, node, script]);
  } finally {
    // The mounts were in a namespace that is gone: the folder is empty, or this fails.
    rmdirSync(view);
  }
}

/** The disk of guests, made where there is none of this state of the project. */
export function rootImage(): RootImage {
  const system = systemFolder();
  const [image, mark] = [join(cache, 'root.img'), join(cache, 'root.hash')];
  const hash = projectHash();
  if (!existsSync(image) || !existsSync(mark) || readFileSync(mark, 'utf8') !== hash) {
    rmSync(mark, { force: true });
    rmSync(image, { force: true });
    installProject(system);
    compilePrograms(system);
    const size = Number(command(['du', '--summarize', '--block-size=1M', system]).toString().split('\t')[0]);
    // Features of newer tools that 5.10 does not know are left out.
    const options = ['-q', '-t', 'ext4', '-O', '^orphan_file,^metadata_csum_seed', '-d', system];
    command(['mke2fs', ...options, image, `${size + 1500}M`]);
    writeFileSync(mark, hash);
  }
  return { image, busybox: join(system, 'bin', 'busybox') };
}
