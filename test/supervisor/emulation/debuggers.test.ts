/** Who is traced already cannot be traced again: a program under a debugger gets no emulation, and is told so. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asOrdinaryUser, copyCommand, Running, SharedFolder, trampfd } from '../../cli/command.js';
import { emulated, runToEnd, under } from './alike.js';

const program = emulated('ends', 'x86-64');

describe('a debugger', () => {
  test('in the run keeps its program, which is refused what would be emulated', async () => {
    const words = ['strace', '-f', '-o', '/dev/null', program, 'status', '5'];
    const ended = await runToEnd([...under('wx', []), ...words]);
    // The program says what it does not get.
    assert.equal(ended.output, 'no executable memory\n', ended.errors);
    assert.equal(ended.status, 99);
    assert.match(ended.errors, /^trampfd: .*\btrac/m);
  });

  test('in the run is refused a program that is emulated already', async () => {
    const script = '"$0" loop & sleep 0.5; strace -p $! 2>&1; kill $!; wait; exit 6';
    const ended = await runToEnd([...under('wx', []), 'sh', '-c', script, program]);
    assert.match(ended.output, /Operation not permitted/);
    assert.equal(ended.status, 6);
  });

  test('outside is refused as well', async () => {
    await using running = new Running([...under('wx', []), program, 'loop']);
    await running.until(/^ready$/m);
    const own = (await runToEnd(['ps', '-o', 'pid=', '--ppid', String(running.processId)])).output.trim();
    const attached = await runToEnd(['strace', '-p', own]);
    assert.match(attached.errors, /Operation not permitted/);
    assert.notEqual(attached.status, 0);
  });
});

test('a program that nobody may look into is emulated where the supervisor is root, and refused where it is not', async () => {
  using folder = new SharedFolder();
  const command = copyCommand(folder.path);
  const words = ['run', '--', program, 'undumpable'];
  const ordinary = await runToEnd([...asOrdinaryUser, command, ...words]);
  assert.equal(ordinary.output, 'no executable memory\n', ordinary.errors);
  assert.match(ordinary.errors, /^trampfd: .*it cannot be traced: it has another user, .* or it is not dumpable: run/m);
  const own = await runToEnd([trampfd, ...words]);
  const isRoot = process.getuid?.() === 0;
  assert.deepEqual([own.output, own.status], isRoot ? ['15\n', 47] : ['no executable memory\n', 99], own.errors);
});

test('a program is traced when it has asked, and not before', async () => {
  const { output, status } = await runToEnd([...under('wx', []), program, 'traced']);
  assert.equal(status, 47);
  assert.match(output, /^before: not traced\nwith such memory: traced\n/);
});

test('a program with an address sanitizer keeps it', async () => {
  // Its search for leaks traces the program itself, which cannot be had twice: it is off here.
  const sanitized = emulated('signals', 'x86-64', ['-fsanitize=address', '-fno-omit-frame-pointer']);
  const words = ['env', 'ASAN_OPTIONS=detect_leaks=0', sanitized, 'jump'];
  const alone = await runToEnd(words);
  assert.equal(alone.status, 42, alone.errors);
  assert.deepEqual(await runToEnd([...under('wx', []), ...words]), alone);
});
