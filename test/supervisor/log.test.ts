/**
 * What is told of a run: sentences for people, one JSON object a line for programs; and no target's name or file can make
 * a line of its own, or speak to the terminal.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Log, type LogEvent, noLog, openLog, sentence } from '../../src/supervisor/log.js';
import { Output } from '../../src/supervisor/output.js';
import { outputMemory } from '../../src/supervisor/output_memory.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

const folder = mkdtempSync(join(tmpdir(), 'trampfd-log-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const name = readFileSync('/proc/self/comm', 'utf8').trimEnd();
const who = { processId: process.pid, threadId: process.pid, call: 'mmap', entry: 'x86-64' } as const;
const caller = { address: '0x7f0000001234', maps: null, file: null, stack: [] } as const;

const EVENTS: readonly (readonly [LogEvent, string])[] = [
  [
    { event: 'started', processId: 12, policy: 'wx', window: '768 to 1023' },
    'process 12 runs under policy wx, tables have descriptors 768 to 1023',
  ],
  [{ event: 'failed', reason: 'the listener is gone' }, 'the listener is gone'],
  [
    { event: 'would-refuse', arguments: ['0x0', '0x1000', '0x7'], reason: 'W and X together', caller, ...who },
    `${name}[${process.pid}]: W and X together: mmap(0x0, 0x1000, 0x7) from 0x7f0000001234`,
  ],
  [
    {
      event: 'would-refuse',
      arguments: ['0x0'],
      reason: 'W and X together',
      caller: { ...caller, file: '/lib/libc.so.6+0x10', stack: ['/lib/libffi.so.8+0x20', '/bin/x+0x30'] },
      ...who,
    },
    `${name}[${process.pid}]: W and X together: mmap(0x0) from /lib/libc.so.6+0x10 <- /lib/libffi.so.8+0x20 <- /bin/x+0x30`,
  ],
  [
    { event: 'table-created', descriptor: 1023, ...who },
    `${name}[${process.pid}]: created a trampoline table, descriptor 1023`,
  ],
  [
    { event: 'table-sealed', descriptor: 1023, trampolines: 7, codeRegister: 'r11', dataRegister: 'r10', ...who },
    `${name}[${process.pid}]: sealed the table of descriptor 1023: 7 trampolines, code in r11, data in r10`,
  ],
  [
    { event: 'table-mapped', descriptor: 1023, ...who },
    `${name}[${process.pid}]: may map the table of descriptor 1023`,
  ],
  [
    { event: 'trampoline-created', descriptor: 1022, ...who },
    `${name}[${process.pid}]: created a trampoline of version 1, descriptor 1022`,
  ],
  [
    {
      event: 'context-set',
      descriptor: 1022,
      context: 'registers',
      registers: ['r10', 'rdi'],
      target: '0x401000',
      stackBytes: 0,
      ...who,
    },
    `${name}[${process.pid}]: set the registers of descriptor 1022: a call goes to 0x401000 with r10, rdi`,
  ],
  [
    {
      event: 'context-set',
      descriptor: 1022,
      context: 'stack',
      registers: [],
      target: '0x401000',
      stackBytes: 24,
      ...who,
    },
    `${name}[${process.pid}]: set the stack of descriptor 1022: a call goes to 0x401000 with no registers and 24 bytes on the stack`,
  ],
  [
    {
      event: 'context-set',
      descriptor: 1022,
      context: 'stack',
      registers: null,
      target: null,
      stackBytes: 24,
      ...who,
    },
    `${name}[${process.pid}]: set the stack of descriptor 1022: a call faults now`,
  ],
  [
    { event: 'trampoline-mapped', descriptor: 1022, inherited: false, ...who },
    `${name}[${process.pid}]: mapped the trampoline of descriptor 1022`,
  ],
  [
    { event: 'trampoline-mapped', descriptor: 1022, inherited: true, ...who },
    `${name}[${process.pid}]: mapped the trampoline of descriptor 1022; forks inherit the mapping, for the caller cannot be traced`,
  ],
  [
    { event: 'refused', arguments: ['0x0', '0x1'], errno: 'EINVAL', reason: 'no such offset', ...who },
    `${name}[${process.pid}]: mmap(0x0, 0x1) = EINVAL: no such offset`,
  ],
];

/** A log that writes to a descriptor. */
function logTo(descriptor: number, form: 'json' | 'text'): Log {
  const memory = outputMemory(4096);
  if (form === 'json') return openLog({ form, descriptor, memory });
  return openLog({ form }, new Output(descriptor, memory, String));
}

/** What a log writes of events. */
function written(form: 'json' | 'text', events: readonly LogEvent[]): string {
  const path = join(folder, 'log');
  const descriptor = openSync(path, 'w');
  const log = logTo(descriptor, form);
  // Nobody gathers what happens to tables for a text that does not tell of it.
  assert.equal(log.enabled, form === 'json');
  for (const event of events) log.write(event);
  closeSync(descriptor);
  return readFileSync(path, 'utf8');
}

describe('sentences', () => {
  for (const [event, expected] of EVENTS) test(expected.slice(0, 60), () => assert.equal(sentence(event), expected));

  test('are lines that say who speaks, of what is wrong alone', () => {
    const wrong = EVENTS.filter(([{ event }]) => event === 'would-refuse' || event === 'failed');
    const lines = wrong.map(([, expected]) => `trampfd: ${expected}\n`).join('');
    assert.equal(
      written(
        'text',
        EVENTS.map(([event]) => event),
      ),
      lines,
    );
  });
});

describe('JSON', () => {
  test('one object a line: the event, the time, and the name of the process', () => {
    const lines = written(
      'json',
      EVENTS.map(([event]) => event),
    )
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(lines.length, EVENTS.length);
    lines.forEach(({ time, command, ...event }, index) => {
      assert.deepEqual(event, EVENTS[index]?.[0]);
      assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
      assert.equal(command, 'threadId' in event ? name : undefined);
    });
  });
});

describe('a target that chose its name with care', () => {
  const odd = join(folder, 'a\ntrampfd: b\x1b[2J');
  copyFileSync(compileProgram('linux/pages.c'), odd);

  test('stays in its line, and does not reach the terminal', async () => {
    await using program = new Dialogue(odd);
    await program.line();
    const event: LogEvent = {
      event: 'would-refuse',
      arguments: [],
      reason: 'x\r\u009b2Jy',
      caller: { ...caller, file: '/tmp/\x1b[31m+0x10' },
      ...who,
      threadId: program.processId,
    };
    const text = written('text', [event]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.match(text, /^[^\x00-\x1f\x7f-\x9f]*\n$/);
    assert.ok(text.includes('a\\x0atrampfd: b'), text);
    const [line = '', ...rest] = written('json', [event]).split('\n');
    assert.deepEqual(rest, ['']);
    // The kernel keeps 15 bytes of a name.
    assert.equal((JSON.parse(line) as { command: string }).command, 'a\ntrampfd: b\x1b[2');
  });
});

describe('where nothing can be written', () => {
  test('the run goes on', () => {
    const full = openSync('/dev/full', 'w');
    logTo(full, 'text').write({ event: 'failed', reason: 'x' });
    closeSync(full);
    logTo(full, 'json').write({ event: 'failed', reason: 'x' });
  });

  test('no log is asked for nothing', () => {
    assert.equal(openLog(undefined), noLog);
    assert.equal(noLog.enabled, false);
    noLog.write({ event: 'failed', reason: 'x' });
  });
});
