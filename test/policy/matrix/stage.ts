/**
 * What the attempts are made on: for a user and a width a folder with the programs, the files that they find beside them,
 * folders that the user may write, and processes outside of the run.
 *
 *   exec/            the programs, and what they start: a run may execute from here
 *   headers/         the programs of rows about program headers, and files with headers that are not to run as they ask
 *   work/            the user's own, WX_FOLDER; in it holder/trusted, from which a run may execute too
 *   other/           of the process outside that belongs to the user 65534
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { compileProgram } from '../../programs/compile.js';
import { withExecutableData, withInterpreter, withoutStackHeader } from './elf_headers.js';
import { matrixRows, type Width } from './rows.js';
import type { User } from './table.js';

/** Who has no privilege, where the tests run as root. */
const NOBODY = 65534;

/** Whether this process is root: without that there is only the ordinary user, who is this one. */
export const isRoot: boolean = process.getuid?.() === 0;

/** An i386 program finds the kernel's headers where the 64-bit ones are; only the libraries are apart. */
const FLAGS: Readonly<Record<Width, readonly string[]>> = {
  'x86-64': ['-m64', '-O2', '-pthread'],
  i386: ['-m32', '-O2', '-pthread', '-D_FILE_OFFSET_BITS=64', '-idirafter', '/usr/include/x86_64-linux-gnu'],
};

const LOADERS: Readonly<Record<Width, string>> = {
  'x86-64': '/lib64/ld-linux-x86-64.so.2',
  i386: '/lib/ld-linux.so.2',
};

/** `mov $0, %eax; ret` and a page of nothing. */
const HARMLESS = Buffer.concat([Buffer.of(0xb8, 0, 0, 0, 0, 0xc3)], 4096);

/** An interpreter's name that is long enough for any other to be put in its place. */
const LONG_NAME = `/${'interpreter'.repeat(20)}`;

function compile(name: string, width: Width, ...flags: readonly string[]): string {
  return compileProgram(`wx/${name}.c`, { flags: [...FLAGS[width], ...flags] });
}

/**
 * Rows whose programs start files with an executable stack or the like. They have a folder of their own, since a run that
 * may execute such files keeps an eye on each execution, which others do not need.
 */
const ABOUT_HEADERS: ReadonlySet<number> = new Set([23, 24, 35, 46, 47]);

/** The programs of some rows and what they start, in a folder. */
function fillExec(folder: string, width: Width, aboutHeaders: boolean): void {
  const place = (name: string, content: string | Buffer): void => {
    const path = join(folder, name);
    if (typeof content === 'string') copyFileSync(content, path);
    else writeFileSync(path, content);
    chmodSync(path, 0o755);
  };
  for (const { number, program, widths } of matrixRows) {
    if (widths.includes(width) && ABOUT_HEADERS.has(number) === aboutHeaders)
      place(program, compile(program, width, '-z', 'noexecstack'));
  }
  const started = compile('started', width, '-z', 'noexecstack');
  const wanted = compile('library', width, '-z', 'noexecstack', '-shared', '-fPIC', '-Wl,-soname,wanted.so');
  place('plain', started);
  place('ordinary', compile('ordinary', width, '-z', 'noexecstack'));
  place('library.so', compile('library', width, '-z', 'noexecstack', '-shared', '-fPIC'));
  place('wants-library', compile('started', width, '-z', 'noexecstack', '-Wl,--no-as-needed', wanted));
  place('set-user', compile('set-user', width, '-z', 'noexecstack'));
  place('victim', HARMLESS);
  if (!aboutHeaders) return;
  const executableStack = compile('started', width, '-z', 'execstack');
  const interpreted = compile('started', width, '-z', 'noexecstack', `-Wl,--dynamic-linker=${LONG_NAME}`);
  place('executable-stack', executableStack);
  place('unreadable', executableStack);
  place('unmarked', withoutStackHeader(readFileSync(executableStack)));
  place('writable-segment', withExecutableData(readFileSync(started)));
  place('loader', withExecutableData(readFileSync(LOADERS[width])));
  place('interpreted', withInterpreter(readFileSync(interpreted), join(folder, 'loader')));
  place('script', Buffer.from(`#!${join(folder, 'executable-stack')} stack\n`));
  place('stack.so', compile('stack-library', width, '-z', 'execstack', '-shared', '-fPIC'));
  chmodSync(join(folder, 'unreadable'), 0o111);
}

function fillTrusted(work: string): void {
  const trusted = join(work, 'holder', 'trusted');
  mkdirSync(join(trusted, 'inner'), { recursive: true });
  mkdirSync(join(work, 'alias'));
  for (const name of ['file', 'linked']) writeFileSync(join(trusted, name), HARMLESS);
  copyFileSync('/bin/true', join(trusted, 'program'));
  symlinkSync(join(work, 'new'), join(trusted, 'new'));
}

/** Gives a folder and all in it to a user; what belongs to root for its purpose stays. */
function give(folder: string, id: number): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => !entry.isSymbolicLink() && !['set-user', 'unreadable'].includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of [folder, ...paths]) chownSync(path, id, id);
}

/** A process that stays until it is ended. */
class Outside {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;

  constructor(words: readonly string[]) {
    const [command = '', ...rest] = words;
    this.#child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', () => reject(new Error('the process outside has ended')));
      this.#child.stdout?.once('data', () => resolve());
    });
    // Who does not wait for it does not hear of its end either.
    this.#ready.catch(() => undefined);
  }

  async number(): Promise<string> {
    await this.#ready;
    return String(this.#child.pid);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Words that make a program run as somebody. */
function asUser(id: number): readonly string[] {
  return isRoot ? ['setpriv', '--reuid', String(id), '--regid', String(id), '--clear-groups'] : [];
}

/** A place for attempts; see the module. */
export class Stage {
  readonly width: Width;
  readonly user: User;
  readonly folder: string;
  readonly #victim: string;

  constructor(parent: string, user: User, width: Width) {
    this.width = width;
    this.user = user;
    this.folder = join(parent, `${user}-${width}`);
    for (const name of ['exec', 'headers', 'work', 'other']) mkdirSync(join(this.folder, name), { recursive: true });
    fillExec(join(this.folder, 'exec'), width, false);
    fillExec(join(this.folder, 'headers'), width, true);
    fillTrusted(this.work);
    this.#victim = compile('victim-outside', 'x86-64');
    if (!isRoot) return;
    give(join(this.folder, 'other'), NOBODY);
    if (user === 'ordinary') {
      for (const name of ['exec', 'headers', 'work']) give(join(this.folder, name), NOBODY);
    }
    for (const name of ['exec', 'headers']) chmodSync(join(this.folder, name, 'set-user'), 0o4755);
  }

  /** The folder that a row's program is in. */
  treeOf(program: string): string {
    const number = matrixRows.find((row) => row.program === program)?.number ?? 0;
    return join(this.folder, ABOUT_HEADERS.has(number) ? 'headers' : 'exec');
  }

  get work(): string {
    return join(this.folder, 'work');
  }

  /** The hard link into the trusted folder: a run refuses to start with it. */
  set linked(isLinked: boolean) {
    rmSync(join(this.work, 'link'), { force: true });
    if (isLinked) linkSync(join(this.work, 'holder', 'trusted', 'linked'), join(this.work, 'link'));
  }

  /** Words that run a program as this stage's user. */
  get asItsUser(): readonly string[] {
    return this.user === 'root' ? [] : asUser(NOBODY);
  }

  /** Words that mount what row 45 needs, as root in a mount namespace of its own, before all else. */
  get mounting(): readonly string[] {
    if (!isRoot) return [];
    const trusted = join(this.work, 'holder', 'trusted');
    const script = 'mount --bind "$0" "$1" && mount -t tmpfs -o mode=777 none "$0/inner" && shift && exec "$@"';
    return ['unshare', '--mount', 'sh', '-c', script, trusted, join(this.work, 'alias')];
  }

  /** Starts the processes outside: the user's own, and one of the user 65534. */
  startOutside(): { readonly own: Outside; readonly other: Outside } {
    const other = join(this.folder, 'other');
    return {
      own: new Outside([...this.asItsUser, this.#victim, this.work]),
      other: new Outside([...(isRoot ? asUser(NOBODY) : []), this.#victim, other]),
    };
  }
}
