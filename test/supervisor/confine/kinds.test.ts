/**
 * Every kind of descriptor that a kernel has, inherited by a run: passed on, opened again or refused with a sentence, and
 * nothing that can be executed is to be had from any.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, type Ended, run, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const shared = new SharedFolder();
after(() => shared[Symbol.dispose]());
const command = copyCommand(shared.path);
const env = { ...process.env, PATH: `${join(shared.path, 'node')}:/usr/bin:/bin` };

function place(name: string): string {
  const path = join(shared.path, name);
  copyFileSync(compileProgram(`supervisor/${name}.c`, { flags: ['-lutil', '-lrt'] }), path);
  chmodSync(path, 0o755);
  return path;
}
const [inherit, reach] = [place('inherit'), place('reach')];

/** Kinds of which something that can be executed is to be had without us, and that a run has. */
const opened = [
  ...['file', 'file-path', 'folder', 'folder-path', 'unlinked-reading', 'memory-file-reading', 'processes', 'devices'],
  ...['zero', 'zero-reading', 'zero-path', 'zero-elsewhere'],
];
/** Kinds that a run has, and that are harmless without us too. */
const harmless = [
  ...['link-path', 'null', 'full', 'random', 'urandom', 'null-removed', 'tun'],
  ...['terminal', 'terminal-master', 'terminal-hung-up', 'pipe', 'named-pipe', 'named-pipe-path'],
  ...['socket', 'socket-at-its-end', 'queue-pipe', 'queue-null', 'queue-pipe-in-queue', 'queue-of-itself'],
  ...['listening', 'queue-listening', 'socket-path', 'tcp', 'tcp-listening', 'udp6', 'netlink', 'vsock'],
  ...['event', 'timer', 'signals', 'epoll', 'watches', 'process', 'namespace', 'messages', 'rules'],
];

const NO_NAME = /which has no name any more/;
/** Of the supervisor's own, which an ordinary user cannot open. */
const OF_PROCESS = /which lies in a tree that is read-only|which cannot be opened again/;
const DETACHED = /the uppermost folder or file of a mount that is attached nowhere here/;
const UNSEEN = /which was opened through a mount that is not seen here/;
const QUEUE = /a socket in which descriptors of the outside wait to be received \(\S+( \(deleted\))?\)/;

/** Kinds that a run does not start with, and what it says. */
const refused: Readonly<Record<string, RegExp>> = {
  unlinked: NO_NAME,
  unnamed: NO_NAME,
  'memory-file': NO_NAME,
  'memory-file-huge': NO_NAME,
  secret: /which cannot be opened again/,
  'own-memory': OF_PROCESS,
  'kernel-setting': OF_PROCESS,
  kvm: /a device that the run does not have/,
  fuse: /with which a file system of the outside is served/,
  disk: /a disk/,
  'queue-file': QUEUE,
  'queue-path': QUEUE,
  'queue-folder': QUEUE,
  'queue-memory-file': QUEUE,
  'queue-zero': QUEUE,
  'queue-object': QUEUE,
  'queue-in-queue': QUEUE,
  'queue-deep': QUEUE,
  'queue-in-circle': QUEUE,
  'queue-behind-others': QUEUE,
  'queue-behind-empty': QUEUE,
  'queue-behind-long': QUEUE,
  'queue-looked-at': /descriptors wait to be received that cannot be looked at/,
  packet: /whose ring can be mapped as memory/,
  xdp: /whose rings can be mapped as memory/,
  alg: /a socket of a family that is not known to be harmless/,
  'events-of-files': /which gives out files/,
  faults: /with which the memory of a process outside can be written/,
  ring: /whose rings are memory/,
  counter: /whose buffer is memory/,
  'bpf-map': /an object of BPF/,
  context: /from which a file system can be mounted/,
  'mount-folder': DETACHED,
  'mount-file': DETACHED,
  'mount-of-root': DETACHED,
  'mount-of-devices': DETACHED,
  'mount-of-processes': DETACHED,
  'mount-of-temporary': DETACHED,
  'mount-within': UNSEEN,
  'kernel-log':
    /a device that the run does not have, so the program cannot have it under strict; give (?:it as a pipe|a pipe in its place)/,
  listener: /with which calls of a process outside are answered/,
};

/** Kinds that not every kernel or user has. */
const rare: ReadonlySet<string> = new Set([
  ...['memory-file-huge', 'secret', 'kvm', 'fuse', 'tun', 'disk', 'zero-elsewhere', 'null-removed', 'vsock', 'rules'],
  ...['packet', 'xdp', 'alg', 'events-of-files', 'queue-object', 'faults', 'ring', 'counter', 'bpf-map', 'context'],
  ...['mount-folder', 'mount-file', 'mount-of-root', 'mount-of-devices', 'mount-of-processes', 'mount-of-temporary'],
  ...['mount-within', 'kernel-log', 'listener'],
]);

/** The first number that a kind is made at where there are several: the program closes none from there on. */
const FIRST = 400;

/** Has a program inherit kinds, each at a number of its own, in an empty folder. */
function inheriting(
  kinds: readonly (readonly [string, number])[],
  user: readonly string[],
  words: readonly string[],
): Ended {
  using folder = new SharedFolder();
  chmodSync(folder.path, 0o777);
  const made = kinds.map(([kind, number]) => `${kind}=${number}`);
  const numbers = kinds.map(([, number]) => String(number));
  return run([...user, inherit, ...made, '--', ...words, reach, ...numbers], { env, cwd: folder.path });
}

const strict = [command, 'run', '--policy', 'strict', '--'];

/** What `reach` has found, by kind. */
function findings(kinds: readonly (readonly [string, number])[], { output }: Ended): ReadonlyMap<string, string> {
  const lines = new Map(output.split('\n').map((line) => line.split(': ') as [string, string]));
  return new Map(kinds.map(([kind, number]) => [kind, lines.get(String(number)) ?? '']));
}

const users: Readonly<Record<string, readonly string[]>> =
  asOrdinaryUser.length === 0 ? { 'an ordinary user': [] } : { root: [], 'an ordinary user': asOrdinaryUser };

for (const [name, user] of Object.entries(users)) {
  describe(`inherited by a run of ${name},`, () => {
    const numbered = [...opened, ...harmless, ...Object.keys(refused)].map(
      (kind, index) => [kind, FIRST + index] as const,
    );
    const bare = findings(numbered, inheriting(numbered, user, []));
    /** Kinds that there are here. */
    const present = numbered.filter(([kind]) => bare.get(kind) !== 'closed');

    test('every common kind can be made here, and what can be had from it without us is found', () => {
      assert.deepEqual(
        numbered.filter((one) => !present.includes(one) && !rare.has(one[0])),
        [],
      );
      for (const [kind] of present) {
        if (harmless.includes(kind)) assert.equal(bare.get(kind), 'nothing', kind);
        if (opened.includes(kind) || (refused[kind] === QUEUE && kind !== 'queue-object')) {
          assert.match(bare.get(kind) ?? '', /mapped|opened again/, kind);
        }
      }
    });

    test('nothing can be had from what is passed on or opened again', () => {
      const kinds = present.filter(([kind]) => refused[kind] === undefined);
      const ended = inheriting(kinds, user, strict);
      assert.deepEqual([ended.errors, ended.status], ['', 0]);
      for (const [kind, found] of findings(kinds, ended)) assert.equal(found, 'nothing', kind);
    });

    test('the same as standard input', () => {
      for (const kind of ['null', 'zero', 'zero-reading', 'terminal', 'socket', 'event', 'folder']) {
        const ended = inheriting([[kind, 0]], user, strict);
        assert.deepEqual([ended.errors, ended.output, ended.status], ['', '0: nothing\n', 0], kind);
      }
    });

    test('all else is refused, with a sentence', () => {
      for (const [index, [kind]] of present.entries()) {
        const pattern = refused[kind];
        if (pattern === undefined) continue;
        const number = index % 2 === 0 ? 0 : FIRST;
        const { errors, output, status } = inheriting([[kind, number]], user, strict);
        assert.deepEqual([output, status], ['', 125], kind);
        assert.match(errors, pattern, kind);
        assert.match(
          errors,
          new RegExp(
            `^trampfd: descriptor ${number} is [^\\n]+, so the program cannot have it under strict; [^\\n]*close it[^\\n]*\\n$`,
          ),
        );
      }
    });
  });
}
