/**
 * Where real programs are run: as each user, alone and under each policy, in folders of the same path, so that all that
 * they say and leave can be compared.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, Running, SharedFolder } from '../cli/command.js';
import { root } from '../programs/compile.js';

// What the tests make, another user is to read; and modes of files are among what is compared.
process.umask(0o022);

/** What a program is run under; without one it runs alone. */
export type Policy = 'wx' | 'strict';

export const policies: readonly Policy[] = ['wx', 'strict'];

/** Who a program is run as. */
export interface User {
  readonly name: string;
  /** Words that run a program as this user. */
  readonly words: readonly string[];
  readonly id: number;
  readonly isRoot: boolean;
}

const ownId = process.getuid?.() ?? 0;
const ordinary: User = { name: 'an ordinary user', words: asOrdinaryUser, id: ownId || 65534, isRoot: false };

/** The users that the tests can be: root can be both. */
export const users: readonly User[] =
  ownId === 0 ? [{ name: 'root', words: [], id: 0, isRoot: true }, ordinary] : [ordinary];

/** How a program ended, what it wrote, and what it left. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** The longest that a program may take, in milliseconds: some compute for seconds, and a machine may be ten times slower. */
const PATIENCE = 120_000;

/** One run's surroundings: who, under what, and a folder of its own that is gone afterwards. */
export class Place implements Disposable {
  readonly user: User;
  readonly policy: Policy | undefined;
  /** The folder that programs are started in; it has the same path in each run of a test file. */
  readonly folder: string;
  readonly #command: string;

  /** @param base - a folder that every user may read, with a copy of the command in it */
  constructor(base: string, user: User, policy: Policy | undefined) {
    this.user = user;
    this.policy = policy;
    this.folder = join(base, 'work');
    this.#command = join(base, 'bin', 'trampfd');
    mkdirSync(this.folder);
    chownSync(this.folder, user.id, user.id);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The path of a copy of Node.js that this user may execute. */
  get node(): string {
    return join(this.folder, '..', 'node', 'node');
  }

  /** Puts a copy of a file of test/programs/living into the folder. */
  bring(name: string): string {
    const copy = join(this.folder, name);
    copyFileSync(join(root, 'test', 'programs', 'living', name), copy);
    return copy;
  }

  /** Starts a program as the user and under the policy. */
  start(words: readonly string[]): Running {
    return this.startBeside([...this.#supervised([]), ...words]);
  }

  /** The words before a program under the policy. */
  #supervised(options: readonly string[]): readonly string[] {
    return this.policy === undefined ? [] : [this.#command, 'run', '--policy', this.policy, ...options, '--'];
  }

  /** Starts a program as the user, without us whatever the policy: the peer of a program under test. */
  startBeside(words: readonly string[]): Running {
    const env = {
      PATH: `${dirname(this.node)}:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: this.folder,
      TMPDIR: this.folder,
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
      TZ: 'UTC',
    };
    return new Running([...this.user.words, ...words], { cwd: this.folder, env, patience: PATIENCE });
  }

  /** Runs a program to its end, as {@link start} starts it. */
  run(words: readonly string[]): Promise<Outcome> {
    return ended(this.start(words));
  }

  /** Runs a program to its end that is made of files in a folder of this place, which the policy is told of. */
  runFrom(folder: string, words: readonly string[]): Promise<Outcome> {
    return ended(this.startBeside([...this.#supervised(['--exec', join(this.folder, folder)]), ...words]));
  }

  /** Each file below a folder of this one: a digest of its bytes, or where a link leads. */
  files(below: string): Readonly<Record<string, string>> {
    const start = join(this.folder, below);
    const found: Record<string, string> = {};
    for (const name of readdirSync(start, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(start, name);
      const status = lstatSync(path);
      if (status.isSymbolicLink()) found[name] = `-> ${readlinkSync(path)}`;
      else if (status.isFile()) found[name] = createHash('sha256').update(readFileSync(path)).digest('hex');
    }
    return found;
  }
}

async function ended(program: Running): Promise<Outcome> {
  await using running = program;
  running.child.stdin?.end();
  const { status, signal } = await running.ended;
  return { status, signal, output: running.output, errors: running.errors };
}

/** Requires that a program ended well, and gives what it wrote. */
export function wellEnded({ status, signal, output, errors }: Outcome): string {
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, `${output}${errors}`);
  assert.equal(errors, '');
  return output;
}

/**
 * Tests that a session of real programs gives under each policy what it gives alone.
 *
 * @param what - the session's name
 * @param session - runs the programs and gives all that is to be equal; it fails where they do not do their work
 */
export function livesUnderEveryPolicy(what: string, session: (place: Place) => Promise<unknown>): void {
  describe(what, () => {
    const shared = new SharedFolder();
    copyCommand(shared.path);
    after(() => shared[Symbol.dispose]());
    const play = async (user: User, policy: Policy | undefined): Promise<unknown> => {
      using place = new Place(shared.path, user, policy);
      return await session(place);
    };
    for (const user of users) {
      let played: Promise<unknown> | undefined;
      const alone = (): Promise<unknown> => {
        played ??= play(user, undefined);
        return played;
      };
      test(`runs as ${user.name}`, async () => {
        await alone();
      });
      for (const policy of policies) {
        test(`does the same as ${user.name} under ${policy}`, async () => {
          const expected = await alone().catch(() => assert.fail('it does not run alone either'));
          assert.deepEqual(await play(user, policy), expected);
        });
      }
    }
  });
}
