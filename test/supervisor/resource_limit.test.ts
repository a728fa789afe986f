/** Limits of the supervisor are none that its programs set; those of their own processes are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, supervise, trampfd } from '../cli/command.js';

/** Sets limits of the supervisor, which would have it fail or end; then it is asked for something. */
const OF_THE_SUPERVISOR = `
  for limit in --nofile=0 --fsize=0 --cpu=1 --as=0 --data=0 --nproc=0; do
    prlimit --pid $PPID $limit 2>&1 | sed 's/.*: //'
  done
  for task in /proc/$PPID/task/*; do prlimit --pid "\${task##*/}" --nofile=0 2>/dev/null && echo "set one of thread $task"; done
  prlimit --pid $PPID --noheadings --output SOFT --nofile | grep -qx 0 && echo 'it is set'
  ctypes='import ctypes; f = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7); print(f())'
  python3 -c "$ctypes"`;

for (const policy of ['wx', 'strict']) {
  test(`under ${policy}, no limit of the supervisor is set`, () => {
    const { status, output, errors } = run([trampfd, 'run', '--policy', policy, '--', 'sh', '-c', OF_THE_SUPERVISOR]);
    assert.deepEqual([status, errors], [0, '']);
    assert.equal(output, `${'Operation not permitted\n'.repeat(6)}7\n`);
  });
}

test('limits of other processes of the run are set as without it', () => {
  const script = `
    sleep 20 & other=$!
    prlimit --pid $other --nofile=77:88; prlimit --pid $$ --nofile=66:99
    for id in $other $$; do prlimit --pid $id --noheadings --raw --output SOFT,HARD --nofile; done
    kill $other`;
  const words = ['sh', '-c', script];
  assert.deepEqual(supervise(words), run(words));
  assert.equal(run(words).output, '77 88\n66 99\n');
});

if (process.getuid?.() === 0) {
  test('a process that has the number of the supervisor in a namespace of its own is another one', () => {
    const script = `
      export S=$PPID
      exec unshare --pid --fork sh -c '
        echo $((S - 1)) >/proc/sys/kernel/ns_last_pid; sleep 20 &
        test $! = $S && prlimit --pid $S --nofile=77:88 && echo set; kill $!'`;
    const { status, output, errors } = run([trampfd, 'run', '--', 'sh', '-c', script]);
    assert.deepEqual([status, output, errors], [0, 'set\n', '']);
  });
}
