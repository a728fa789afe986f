/**
 * Ways to a trusted tree that its own mounts do not show, on the real kernel: the folders of an overlay, the file of a loop
 * device, second names of files. Each is tried without us first, so that there is something to be kept from.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, SharedFolder } from '../../cli/command.js';
import { compileProgram } from '../../programs/compile.js';

const isRoot = process.getuid?.() === 0;

/** Words that run a script where it may mount: an ordinary user becomes the root of a user namespace. */
const inOwnMounts = [
  'unshare',
  ...(isRoot ? [] : ['--user', '--map-root-user']),
  '--mount',
  '--propagation',
  'private',
];

/** All files of the system are looked at in most scripts. */
const PATIENCE = 180_000;

const home = new SharedFolder();
after(() => home[Symbol.dispose]());
const command = copyCommand(home.path);

/**
 * Runs a script of sh(1) in a mount namespace of its own; `$F` is an empty folder, `$T` starts a program under strict, and
 * `$U` does as an ordinary user. `attack W X` has a program written to one path, and executes another; `places` says of paths
 * whether they can be written. What executables and links are remembered is the script's own.
 */
function script(lines: readonly string[]): { readonly lines: readonly string[]; readonly errors: string } {
  using folder = new SharedFolder();
  const user = asOrdinaryUser.join(' ');
  const prelude = [
    'set -e',
    `F=${folder.path} T="${command} run --policy strict" U="${user} ${command} run --policy strict"`,
    `export F PATH=${home.path}/node:$PATH`,
    // Of the trees of the system that others know, with nothing mounted in them, what is remembered is shared.
    ...(lines.some((line) => line.includes('/usr/local/games'))
      ? ['mount -t tmpfs tmpfs /var/cache', 'mount -t tmpfs tmpfs /dev/shm']
      : []),
    'cp /bin/true $F/true; cp /bin/false $F/false; chmod 755 $F/true $F/false',
    `cat >$F/attack <<'END'
      "$2" 2>/dev/null; echo before $?
      (cat $F/false >"$1") 2>/dev/null && echo written
      "$2" 2>/dev/null; echo after $?
END`,
    `cat >$F/places <<'END'
      for at in "$@"; do
        if [ -d "$at" ]; then (: >"$at/new") 2>/dev/null; else (: >>"$at") 2>/dev/null; fi && echo "$at yes" || echo "$at no"
      done
END`,
  ];
  const [program = '', ...words] = [...inOwnMounts, 'sh', '-c', [...prelude, ...lines].join('\n')];
  const options = { encoding: 'latin1', timeout: PATIENCE, killSignal: 'SIGKILL' } as const;
  const { status, stdout: output, stderr: errors } = spawnSync(program, words, options);
  assert.equal(status, 0, `${output}${errors}`);
  return {
    lines: output.replaceAll(folder.path, 'F').trimEnd().split('\n'),
    errors: errors.replaceAll(folder.path, 'F'),
  };
}

/** What an attack prints where nothing keeps it from its end. */
const DONE = ['before 0', 'written', 'after 1'];
/** And where it cannot write. */
const KEPT = ['before 0', 'after 0'];

describe('an overlay is not changed by its folders', () => {
  const folders = ['mkdir $F/lower $F/low2 $F/upper $F/work $F/tree', 'cp -p $F/true $F/lower/program'];
  const overlay = 'mount -t overlay overlay -o lowerdir=$F/lower:$F/low2,upperdir=$F/upper,workdir=$F/work';

  test('that is a tree which was named', () => {
    const { lines } = script([
      ...folders,
      `${overlay} $F/tree`,
      'mkdir $F/bound && mount --bind $F $F/bound',
      'sh $F/attack $F/lower/program $F/tree/program',
      // The kernel may keep what it has read of the old file; a new overlay has not.
      `umount $F/tree; cp -p $F/true $F/lower/program; ${overlay} $F/tree`,
      '$T --exec $F/tree -- sh $F/attack $F/lower/program $F/tree/program',
      '$T --exec $F/tree -- sh $F/attack $F/bound/lower/program $F/tree/program',
      '$T --exec $F/tree -- sh $F/places $F/lower $F/low2 $F/upper $F/work $F/bound/upper $F/bound $F',
    ]);
    assert.deepEqual(lines, [
      ...DONE,
      ...KEPT,
      ...KEPT,
      'F/lower no',
      'F/low2 no',
      'F/upper no',
      'F/work no',
      'F/bound/upper no',
      'F/bound yes',
      'F yes',
    ]);
  });

  test('that lies within a tree of the system, and whose folders have names of any kind', () => {
    const { lines } = script([
      'L="$F/a b:c,d"',
      'mkdir "$L" $F/upper $F/work',
      'cp -p $F/true "$L/program"',
      'E="$F/a b\\\\:c\\\\,d"',
      'mount -t overlay overlay -o "lowerdir=$E,upperdir=$F/upper,workdir=$F/work" /usr/local/games',
      '$T -- sh $F/attack "$L/program" /usr/local/games/program',
      '$T -- sh $F/places "$L" $F/upper $F',
    ]);
    assert.deepEqual(lines, [...KEPT, 'F/a b:c,d no', 'F/upper no', 'F yes']);
  });

  test('that lies over its own lower folder, which another mount shows', () => {
    const { lines } = script([
      ...folders,
      'mkdir $F/bound && mount --bind $F $F/bound',
      'mount -t overlay overlay -o lowerdir=$F/lower,upperdir=$F/upper,workdir=$F/work $F/lower',
      '$T --exec $F/lower -- sh $F/attack $F/bound/lower/program $F/lower/program',
      '$T --exec $F/lower -- sh $F/places $F/bound/lower $F/upper $F/bound',
    ]);
    assert.deepEqual(lines, [...KEPT, 'F/bound/lower no', 'F/upper no', 'F/bound yes']);
  });

  test('that lies on another overlay', () => {
    const { lines } = script([
      ...folders,
      'mkdir $F/first $F/tree/x',
      'mount -t overlay overlay -o lowerdir=$F/lower:$F/low2 $F/first',
      'mount -t overlay overlay -o lowerdir=$F/first:$F/low2 $F/tree',
      '$T --exec $F/tree -- sh $F/attack $F/lower/program $F/tree/program',
      '$T --exec $F/tree -- sh $F/places $F/lower $F/low2 $F',
    ]);
    assert.deepEqual(lines, [...KEPT, 'F/lower no', 'F/low2 no', 'F yes']);
  });

  test('by another overlay that writes to them', () => {
    const second = 'mount -t overlay overlay -o lowerdir=$F/low2,upperdir=$F/lower,workdir=$F/work $F/second';
    const { lines } = script([
      ...folders,
      'mkdir $F/second $F/bound',
      'mount -t overlay overlay -o lowerdir=$F/lower:$F/low2 $F/tree',
      `${second}; mount --bind $F/second $F/bound`,
      'sh $F/attack $F/second/program $F/tree/program',
      'umount $F/bound $F/second $F/tree; rm -r $F/work/*; cp -p $F/true $F/lower/program',
      'mount -t overlay overlay -o lowerdir=$F/lower:$F/low2 $F/tree',
      `${second}; mount --bind $F/second $F/bound`,
      '$T --exec $F/tree -- sh $F/attack $F/second/program $F/tree/program',
      '$T --exec $F/tree -- sh $F/attack $F/bound/program $F/tree/program',
      '$T -- sh $F/places $F/second $F/bound',
    ]);
    // Of another tree's run they are none of the ways.
    assert.deepEqual(lines, [...DONE, ...KEPT, ...KEPT, 'F/second yes', 'F/bound yes']);
  });

  test('and what lies in a tree is not executed where one writes to it', () => {
    const { lines } = script([
      'mkdir -p $F/tree/upper $F/tree/work $F/low $F/second $F/third $F/work',
      'cp -p $F/true $F/tree/upper/program; cp -p $F/true $F/tree/other',
      'mount -t overlay overlay -o lowerdir=$F/low,upperdir=$F/tree/upper,workdir=$F/tree/work $F/second',
      'sh $F/attack $F/second/program $F/tree/upper/program; cp -p $F/true $F/second/program',
      '$T --exec $F/tree -- sh $F/attack $F/second/program $F/tree/upper/program',
      '$T --exec $F/tree -- $F/tree/other && echo other',
      // One that writes to all of a tree.
      'umount $F/second; mkdir $F/around; mv $F/tree $F/around/tree',
      'mount -t overlay overlay -o lowerdir=$F/low,upperdir=$F/around,workdir=$F/work $F/third',
      '$T --exec $F/around/tree -- sh $F/attack $F/third/tree/other $F/around/tree/other',
    ]);
    assert.deepEqual(lines, [...DONE, 'before 126', 'written', 'after 126', 'other', ...KEPT]);
  });
});

if (isRoot) {
  describe('a tree on a loop device is not changed by its file', () => {
    const image = [
      'mkdir $F/from $F/tree $F/images',
      'cp -p $F/true $F/from/program',
      'rm -f $F/images/img',
      'mkfs.ext4 -q -d $F/from $F/images/img 8M >$F/said',
    ];

    test('whatever name it has, and wherever it is seen', () => {
      const { lines } = script([
        ...image,
        'mv $F/images/img "$F/images/i m (deleted)"',
        'mkdir $F/bound && mount --bind $F/images $F/bound',
        'mount -o loop "$F/images/i m (deleted)" /usr/local/games',
        '$T -- sh $F/places "$F/images/i m (deleted)" "$F/bound/i m (deleted)" $F/images',
        '$T -- /usr/local/games/program && echo executed',
        'umount /usr/local/games',
        '$T -- sh $F/places "$F/images/i m (deleted)"',
      ]);
      assert.deepEqual(lines, [
        'F/images/i m (deleted) no',
        'F/bound/i m (deleted) no',
        'F/images yes',
        'executed',
        'F/images/i m (deleted) yes',
      ]);
    });

    test('nor by that of the file system on which its file lies', () => {
      const { lines } = script([
        ...image,
        'mkdir $F/outer',
        'mkfs.ext4 -q $F/outer.img 32M >$F/said && mount -o loop $F/outer.img $F/outer',
        'cp $F/images/img $F/outer/img && mount -o loop $F/outer/img $F/tree',
        '$T --exec $F/tree -- sh $F/places $F/outer/img $F/outer.img $F/outer',
        'umount $F/tree && umount $F/outer',
      ]);
      assert.deepEqual(lines, ['F/outer/img no', 'F/outer.img no', 'F/outer yes']);
    });

    test('nor by another loop device with the same file; one with another part of it is none of the ways', () => {
      const { lines } = script([
        'mkdir $F/tree $F/second $F/third; truncate -s 32M $F/both',
        'part() { losetup --find --show --offset $1 --sizelimit 16777216 $F/both; }',
        'A=$(part 0) B=$(part 0) C=$(part 16777216); mkfs.ext4 -q $A; mkfs.ext4 -q $C',
        'mount $A $F/second; mount -o ro,noload $B $F/tree; mount $C $F/third',
        '$T --exec $F/tree -- sh $F/places $F/second $F/third $F/both',
        'umount $F/tree $F/second $F/third; losetup --detach $A $B $C',
      ]);
      assert.deepEqual(lines, ['F/second no', 'F/third yes', 'F/both no']);
    });

    test('and what is written to a file in a tree by a loop device is not mapped as code', () => {
      const { lines } = script([
        'mkdir $F/tree $F/second; truncate -s 16M $F/tree/img; mkfs.ext4 -q $F/tree/img; cp -p $F/true $F/tree/program',
        'mount -o loop $F/tree/img $F/second',
        '$T --exec $F/tree -- sh $F/places $F/second $F/tree/img',
        "$T --exec $F/tree -- grep -o '/tree/img r[^ ]*' /proc/self/mountinfo",
        '$T --exec $F/tree -- $F/tree/program && echo executed',
        'umount $F/second',
      ]);
      assert.deepEqual(lines, ['F/second yes', 'F/tree/img no', '/tree/img ro,nodev,noexec,relatime', 'executed']);
    });

    test('of a file system of any kind', () => {
      const { lines } = script([
        'mkdir $F/from $F/tree',
        'cp -p $F/true $F/from/program',
        'mksquashfs $F/from $F/img -quiet -no-progress >$F/said 2>&1',
        'mount -t squashfs -o loop $F/img $F/tree',
        '$T --exec $F/tree -- sh $F/places $F/img',
        '$T --exec $F/tree -- $F/tree/program && echo executed',
        'umount $F/tree',
      ]);
      assert.deepEqual(lines, ['F/img no', 'executed']);
    });

    test('that has another name is not trusted: a tree that was named does not start, one within a tree is not executed', () => {
      const { lines, errors } = script([
        ...image,
        'ln $F/images/img $F/images/other',
        'mount -o loop $F/images/img $F/tree',
        '$T --exec $F/tree -- true || echo $?',
        'umount $F/tree; mount -o loop $F/images/img /usr/local/games',
        '$T -- sh -c "/usr/local/games/program 2>/dev/null || echo \\$?"',
        '$U -- sh -c "/usr/local/games/program && echo executed"',
        'umount /usr/local/games',
      ]);
      assert.deepEqual(lines, ['125', '126', 'executed']);
      assert.match(errors, /F\/tree cannot be trusted: .* F\/images\/img, which has another name/);
      assert.match(
        errors,
        /nothing is executed from \/usr\/local\/games \(ext4\): it is made from F\/images\/img, which/,
      );
    });

    test('that has been removed may have another name', () => {
      const { lines, errors } = script([
        ...image,
        'mount -o loop $F/images/img /usr/local/games',
        'rm $F/images/img',
        '$T -- sh -c "/usr/local/games/program 2>/dev/null || echo \\$?"',
        'umount /usr/local/games',
      ]);
      assert.deepEqual(lines, ['126']);
      assert.match(
        errors,
        /nothing is executed from \/usr\/local\/games \(ext4\): the file of loop\d+ has been removed/,
      );
    });
  });
}

test('what a process of the same user serves is not trusted: within a tree nothing is executed from it, named neither', () => {
  const { lines, errors } = script([
    `cat >$F/inside <<'END'
      $T -- sh -c 'grep " /usr/local/games " /proc/self/mountinfo | tail -n 1 | cut -d" " -f6' | tr , '\\n' | grep -x noexec
      $T --exec /usr/local/games -- true; echo $?
END`,
    `export T; ${compileProgram('supervisor/fuse.c')} /usr/local/games sh $F/inside`,
  ]);
  assert.deepEqual(lines, ['noexec', '0']);
  const sentence =
    /nothing is executed from \/usr\/local\/games \(fuse\.served\): a process of the same user serves its files \(FUSE\), .*; use a copy$/gm;
  assert.equal(errors.match(sentence)?.length, 2);
});

test('what is opened again is the same file, by all bits of its number', () => {
  const { lines, errors } = script([
    `cat >$F/inside <<'END'
      ( exec 6<$F/served/changing; $T -- echo started ) 2>&1 | grep -o 'descriptor 6 .* another file now\\|started'
END`,
    'mkdir $F/served',
    `export T F; ${compileProgram('supervisor/fuse.c')} $F/served sh $F/inside`,
  ]);
  assert.deepEqual(
    [lines.map((line) => line.replace(/ is .*\/served/, ' is served')), errors],
    [['descriptor 6 is served/changing, and that is the name of another file now'], ''],
  );
});

describe('a file with another name outside', () => {
  const files = [
    'mount -t tmpfs tmpfs /usr/local/games',
    'mkdir -p /usr/local/games/in $F/out',
    'cp -p $F/true /usr/local/games/in/program',
    'cp -p /usr/local/games/in/program /usr/local/games/other',
    // Both names lie on one file system.
    'mkdir $F/all $F/all/tree $F/all/out; mount -t tmpfs tmpfs $F/all; mkdir $F/all/tree $F/all/out',
    'cp -p $F/true $F/all/tree/program; cp -p $F/true $F/all/tree/second',
    'ln $F/all/tree/program $F/all/out/program; ln $F/all/tree/second $F/all/tree/third',
    'mount --bind $F/all/tree /usr/local/games',
  ];

  test('of a tree of the system is not executed, its neighbours are, and a sentence says so; each time', () => {
    const { lines, errors } = script([
      ...files,
      'sh $F/attack $F/all/out/program /usr/local/games/program; cat $F/true >$F/all/out/program',
      '$T -- sh $F/attack $F/all/out/program /usr/local/games/program',
      '$T -- sh -c "/usr/local/games/second && /usr/local/games/third && echo executed"',
      '$T --exec /usr/local/games -- true || echo $?',
      '$T -- /usr/local/games/program || echo $?',
    ]);
    assert.deepEqual(lines, [...DONE, 'before 126', 'written', 'after 126', 'executed', '125', '125']);
    const sentence =
      /^trampfd: \/usr\/local\/games\/program is not executed: it has another name outside of the trusted trees \(a hard link\)/gm;
    assert.equal(errors.match(sentence)?.length, 2);
    assert.equal(
      errors.match(/^trampfd: \/usr\/local\/games(?:\/program)?: a file of it has another name/gm)?.length,
      2,
    );
  });

  test('is no library either: its bytes cannot be mapped as code', () => {
    const { lines } = script([
      ...files,
      'cp /usr/lib/x86_64-linux-gnu/libz.so.1 $F/all/out/lib.so 2>/dev/null || cp /lib/*/libc.so.6 $F/all/out/lib.so',
      'ln $F/all/out/lib.so $F/all/tree/lib.so; cp $F/all/out/lib.so $F/all/tree/plain.so',
      'for one in lib plain; do',
      '  $T -- env LD_PRELOAD=/usr/local/games/$one.so true 2>&1 | grep -o "failed to map" || echo loaded $one',
      'done',
    ]);
    assert.deepEqual(lines, ['failed to map', 'loaded plain']);
  });

  test('is found when it comes, and is executed again when the name has gone', () => {
    const { lines } = script([
      ...files,
      'rm $F/all/out/program',
      'say() { $T -- sh -c "/usr/local/games/program 2>/dev/null; echo \\$?" 2>/dev/null; }',
      'say; sleep 0.1',
      'rm $F/all/tree/program; cp -p $F/true $F/all/out/program; ln $F/all/out/program $F/all/tree/program; say',
      'rm $F/all/out/program; say',
    ]);
    assert.deepEqual(lines, ['0', '126', '0']);
  });

  test('that was mounted a second time has as many names as before', () => {
    const { lines } = script([
      ...files,
      'mkdir $F/all/tree/twice; mount --bind $F/all/tree $F/all/tree/twice',
      ': >$F/all/tree/file; mount --bind $F/all/tree/program $F/all/tree/file',
      'mount --rbind $F/all/tree /usr/local/games',
      'for one in program twice/program file; do $T -- sh -c "/usr/local/games/$one 2>/dev/null; echo \\$?" 2>/dev/null; done',
    ]);
    assert.deepEqual(lines, ['126', '126', '126']);
  });

  test('is known by what no confined program can write', () => {
    const { lines } = script([
      ...files,
      '$T -- true 2>/dev/null',
      'set -- $(ls -d /dev/shm/trampfd-* /run/trampfd /run/user/*/trampfd 2>/dev/null)',
      '[ $# -ge 1 ] && echo remembered',
      '$T -- sh -c \'for at in "$@"; do (: >$at/new) 2>/dev/null || (: >$at/*) 2>/dev/null || rm -rf $at 2>/dev/null || mv $at $at.old 2>/dev/null || echo no; done\' sh "$@" 2>/dev/null | sort -u',
      'rm -rf "$@"; $T -- sh -c "/usr/local/games/program 2>/dev/null; echo \\$?" 2>/dev/null',
    ]);
    assert.deepEqual(lines, ['remembered', 'no', '126']);
  });

  test('nor is it forged at a place where a later start would look: one without a session, or without /run', () => {
    const identity = isRoot ? '0' : '$(id -u)';
    const forge = (folder: string): string =>
      `mkdir ${folder} 2>/dev/null; rm -rf ${folder} 2>/dev/null; chmod 700 ${folder} 2>/dev/null; (: >${folder}/new) 2>/dev/null && echo forged || echo no`;
    const { lines } = script([
      ...files,
      'mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run; mkdir -p /run/user',
      `I=${identity}; mkdir /run/user/$I && mount -t tmpfs tmpfs /run/user/$I`,
      `S=/dev/shm/trampfd-$I; export S`,
      `$T -- sh -c '${forge('$S')}' 2>/dev/null`,
      // What others could write to, and what is no folder, is made anew before a run could.
      `chmod 777 $S; $T -- sh -c '${forge('$S')}' 2>/dev/null`,
      `rm -rf $S; ln -s /nowhere $S; $T -- sh -c '${forge('$S')}' 2>/dev/null`,
    ]);
    assert.deepEqual(lines, ['no', 'no', 'no']);
  });

  if (isRoot) {
    test('is of no matter to a user who cannot write it', () => {
      const { lines, errors } = script([
        ...files,
        '$U -- sh -c "/usr/local/games/program && echo executed"',
        'chown 65534 $F/all/tree/program',
        'rm -rf /dev/shm/*',
        '$U -- sh -c "/usr/local/games/program 2>/dev/null || echo \\$?"',
      ]);
      assert.deepEqual(lines, ['executed', '126']);
      assert.equal(errors.match(/is not executed/g)?.length, 1);
    });
  }
});
