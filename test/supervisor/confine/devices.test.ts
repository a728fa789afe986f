/**
 * The /dev of a confined program: the plan from what there is, and the folder on the real kernel.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { type DeviceEntry, isAllowed, isShown, planDevices } from '../../../src/supervisor/confine/devices.js';
import { asOrdinaryUser, copyCommand, run, SharedFolder, trampfd } from '../../cli/command.js';

const isRoot = process.getuid?.() === 0;
const NONE: ReadonlySet<string> = new Set();

function node(path: string, major: number, minor: number, accessible = true): DeviceEntry {
  return { path, kind: 'character', major, minor, accessible };
}

describe('a node', () => {
  const allowed: readonly DeviceEntry[] = [
    ...[node('null', 1, 3), node('zero', 1, 5), node('full', 1, 7), node('random', 1, 8), node('urandom', 1, 9)],
    ...[node('tty', 5, 0), node('console', 5, 1), node('tty0', 4, 0), node('ttyS0', 4, 64), node('ttyUSB0', 188, 0)],
    ...[node('snd/timer', 116, 33), node('video0', 81, 0), node('fb0', 29, 0), node('net/tun', 10, 200)],
  ];
  const refused: readonly DeviceEntry[] = [
    ...[node('mem', 1, 1), node('kmem', 1, 2), node('port', 1, 4), node('kmsg', 1, 11), node('kvm', 10, 232)],
    ...[node('input/event0', 13, 64), node('uinput', 10, 223), node('uhid', 10, 239), node('hidraw0', 240, 0)],
    ...[node('tty1', 4, 1), node('vcs1', 7, 1), node('vcsu', 7, 64), node('loop-control', 10, 237), node('sg0', 21, 0)],
    ...[node('raw/raw1', 162, 1), node('vfio/vfio', 10, 196), node('dri/card0', 226, 0), node('userfaultfd', 10, 126)],
    ...[node('udmabuf', 10, 125), node('new', 511, 0), node('a/fuse', 10, 229), node('other-ptmx', 5, 2)],
  ];
  for (const entry of allowed) test(`${entry.path} is there`, () => assert.ok(isAllowed(entry, NONE)));
  for (const entry of refused) test(`${entry.path} is not`, () => assert.ok(!isAllowed(entry, NONE)));

  test('of a virtual console is there where the program inherits it', () => {
    assert.ok(isAllowed(node('tty1', 4, 1), new Set(['tty1'])));
    assert.ok(!isAllowed(node('tty1', 4, 1), new Set(['tty2'])));
    assert.ok(!isAllowed(node('mem', 1, 1), new Set(['mem'])));
  });

  test('that is a disk is never there, whatever its numbers are', () => {
    fc.assert(
      fc.property(fc.nat(4095), fc.nat(255), (major, minor) => {
        assert.ok(!isAllowed({ path: 'null', kind: 'socket', major, minor }, new Set(['null'])));
      }),
    );
  });
});

describe('a plan of devices', () => {
  const entries: readonly DeviceEntry[] = [
    node('null', 1, 3),
    node('kmsg', 1, 11),
    node('ttyS0', 4, 64, false),
    node('ptmx', 5, 2),
    { path: 'net', kind: 'folder' },
    node('net/tun', 10, 200),
    { path: 'disk', kind: 'folder' },
    { path: 'disk/root', kind: 'link', target: '../vda', major: 254, minor: 0 },
    { path: 'fd', kind: 'link', target: '/proc/self/fd' },
    { path: 'log', kind: 'socket', accessible: true },
    { path: 'initctl', kind: 'pipe', accessible: false },
    { path: 'pts', kind: 'folder' },
    { path: 'shm', kind: 'folder' },
  ];

  test('has folders, links and nodes of what may be opened, and nothing else', () => {
    assert.deepEqual(planDevices(entries, NONE, 'node'), {
      folders: ['net'],
      links: [{ path: 'fd', target: '/proc/self/fd' }],
      nodes: [
        { path: 'null', kind: 'character' },
        { path: 'net/tun', kind: 'character' },
        { path: 'log', kind: 'socket' },
      ],
      trees: ['pts', 'shm'],
      multiplexer: 'node',
      inherited: [],
    });
  });

  test('has a link to the multiplexer where everybody may open it', () => {
    const { links, trees } = planDevices(entries, NONE, 'link');
    assert.deepEqual(links.at(-1), { path: 'ptmx', target: 'pts/ptmx' });
    assert.ok(trees.includes('pts'));
  });

  test('has terminals of its own where nobody may, and those that it inherits', () => {
    const plan = planDevices(entries, new Set(['pts/3', 'pts/x', 'tty1']), 'instance');
    assert.ok(!plan.trees.includes('pts'));
    assert.deepEqual(plan.inherited, [3]);
  });

  test('has no terminals where there is no folder of them', () => {
    const plan = planDevices([node('null', 1, 3)], new Set(['pts/3']), 'instance');
    assert.deepEqual([plan.multiplexer, plan.links, plan.inherited], ['none', [], []]);
  });

  test('shows what is in its trees, and what is elsewhere', () => {
    const plan = planDevices(entries, NONE, 'node');
    for (const path of ['/dev/shm', '/dev/shm/a/b', '/usr', '/device']) assert.ok(isShown(plan, path), path);
    for (const path of ['/dev', '/dev/mapped', '/dev/shm2']) assert.ok(!isShown(plan, path), path);
  });

  test('never has a node that may not be opened, or a link to one', () => {
    const number = fc.nat(260);
    const entry = fc.record({
      path: fc.constantFrom('a', 'b', 'c/d', 'e/f/g'),
      kind: fc.constantFrom('character' as const, 'link' as const),
      major: number,
      minor: number,
      target: fc.constant('x'),
      accessible: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ path }) => path }), (some) => {
        const plan = planDevices(some, NONE, 'link');
        for (const { path } of plan.nodes) {
          const found = some.find((one) => one.path === path);
          assert.ok(found?.accessible && isAllowed(found, NONE), path);
        }
        for (const { path } of plan.links) {
          const found = some.find((one) => one.path === path);
          const isKnown = ({ major, minor }: DeviceEntry): boolean => major === found?.major && minor === found?.minor;
          assert.ok(
            some.some((one) => plan.nodes.some(({ path: there }) => there === one.path) && isKnown(one)),
            path,
          );
        }
        for (const path of [...plan.nodes, ...plan.links].map((one) => one.path)) {
          const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
          assert.ok(parent === '' || plan.folders.includes(parent), path);
        }
      }),
    );
  });
});

describe('in a run', () => {
  const folder = new SharedFolder();
  after(() => folder[Symbol.dispose]());
  const command = copyCommand(folder.path);
  const path = { ...process.env, PATH: `${folder.path}/node:${process.env['PATH']}`, HOME: folder.path };
  const users: readonly (readonly [string, readonly string[]])[] = [
    ['root', []],
    ['an ordinary user', asOrdinaryUser],
  ];
  const inRun = (user: readonly string[], ...words: readonly string[]): ReturnType<typeof run> =>
    run([...user, command, 'run', '--policy', 'strict', '--', ...words], { env: path, cwd: '/' });

  for (const [name, user] of isRoot ? users : [['this user', []] as const]) {
    test(`${name} has the usual nodes, and cannot change the folder`, () => {
      const script = [
        'for name in null zero full random urandom tty ptmx fd stdin shm pts; do test -e /dev/$name || echo $name; done',
        'head -c 3 /dev/zero | wc -c',
        'echo x >/dev/null && echo written',
        'echo x >/dev/full || echo full',
        'for way in ": >/dev/new" "rm /dev/null" "mv /dev/null /dev/other" "mkdir /dev/folder" "ln -s a /dev/b" "chmod 777 /dev"; do',
        '  ( eval "$way" ) 2>/dev/null && echo "done: $way"',
        'done',
        'echo shared >/dev/shm/trampfd-test-$$ && rm /dev/shm/trampfd-test-$$ && echo shared',
      ];
      const { output, errors } = inRun(user, 'sh', '-c', script.join('\n'));
      assert.deepEqual(output.split('\n'), ['3', 'written', 'full', 'shared', ''], errors);
    });

    test(`${name} makes pseudo terminals, and finds them and the one that is inherited by their names`, () => {
      const python = [
        'import os, sys',
        'print(os.ttyname(0) == sys.argv[1], os.path.exists(os.ttyname(0)))',
        'for count in range(3): master, slave = os.openpty(); print(os.ttyname(slave).startswith("/dev/pts/"), os.ttyname(slave) != os.ttyname(0))',
        'os.write(master, b"typed\\n"); print(os.read(slave, 6))',
      ].join('\n');
      const inner = `exec ${command} run --policy strict -- /usr/bin/python3 -c '${python}' "$(tty)"`;
      const words = [...user, 'script', '-qec', inner, '/dev/null'];
      const { status, output } = run(words, { env: { ...path, SHELL: '/bin/sh' }, cwd: '/', input: '' });
      const lines = output.split(/\r?\n/).filter((line) => /^[TFb]/.test(line));
      assert.deepEqual(
        [status, lines],
        [0, ['True True', 'True True', 'True True', 'True True', "b'typed\\n'"]],
        output,
      );
    });
  }

  test('there is no node that is not on the list', () => {
    const { output } = inRun([], 'find', '/dev', '-type', 'b', '-o', '-type', 'c', '-o', '-type', 'f');
    const outside = new Set(readdirSync('/dev'));
    for (const name of ['kmsg', 'kvm', 'vda', 'sda', 'loop0', 'input', 'uinput', 'uhid', 'tty5', 'vcs', 'autofs']) {
      if (outside.has(name)) assert.ok(!output.split('\n').includes(`/dev/${name}`), name);
    }
    assert.ok(output.includes('/dev/null'));
  });

  if (!isRoot) return;

  test('a node that appears later is not there, and one that is replaced outside stays', () => {
    // A /dev that is the test's own, so that it can be changed.
    const script = [
      'set -e',
      `mkdir ${folder.path}/dev ${folder.path}/fifo`,
      `mount -t tmpfs -o mode=755 none ${folder.path}/dev`,
      `for name in null zero full random urandom tty; do cp -a /dev/$name ${folder.path}/dev/; done`,
      `mkdir ${folder.path}/dev/shm ${folder.path}/dev/pts`,
      `mount --move ${folder.path}/dev /dev`,
      `mkfifo ${folder.path}/fifo/begin ${folder.path}/fifo/go`,
      `${command} run --policy strict -- sh -c "echo >${folder.path}/fifo/begin; read line <${folder.path}/fifo/go; ` +
        'ls /dev | tr \\"\\n\\" \\" \\"; head -c 1 /dev/null | wc -c; cat /dev/later" 2>&1 &',
      `read line <${folder.path}/fifo/begin`,
      'mknod -m 666 /dev/later c 1 5',
      'rm /dev/null',
      'mknod -m 666 /dev/null c 1 5',
      `echo >${folder.path}/fifo/go`,
      'wait',
    ];
    const { output } = run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script.join('\n')], {
      env: path,
    });
    assert.equal(
      output,
      'full null ptmx pts random shm tty urandom zero 0\ncat: /dev/later: No such file or directory\n',
    );
  });
});

test('a run leaves nothing in /dev', () => {
  const before = readdirSync('/dev').filter((name) => !/^(?:pts|fd)$/.test(name));
  assert.equal(run([trampfd, 'run', '--policy', 'strict', '--', 'true']).status, 0);
  assert.deepEqual(
    readdirSync('/dev').filter((name) => !/^(?:pts|fd)$/.test(name)),
    before,
  );
});
