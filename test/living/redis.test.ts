/** A database server in memory, under its own load tool: scripts, snapshots by a forked child, a log that is rewritten. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listening, until } from './loopback.js';
import { livesUnderEveryPolicy, type Place } from './place.js';

/** The operations of the load, each as often as this. */
const REQUESTS = 3000;
const OPERATIONS = ['set', 'get', 'incr', 'lpush', 'rpop', 'sadd', 'hset', 'zadd', 'lrange_100', 'mset'];

/** What the load tool says it did, without how fast. */
async function load(place: Place, port: number): Promise<readonly string[]> {
  const common = ['redis-benchmark', '-p', `${port}`, '-n', `${REQUESTS}`, '-c', '20', '--csv'];
  const script = [
    'EVAL',
    "for i = 1, 20 do redis.call('INCR', KEYS[1]) end return redis.sha1hex('x')",
    '1',
    'scripted',
  ];
  const names: string[] = [];
  for (const words of [['-P', '8', '-t', OPERATIONS.join()], script]) {
    await using tool = place.startBeside([...common, ...words]);
    assert.equal((await tool.ended).status, 0, tool.errors);
    names.push(...[...tool.output.matchAll(/^"([^"]*)","\d/gm)].map(([, name = '']) => name));
  }
  return names;
}

livesUnderEveryPolicy('a database server in memory', async (place) => {
  // The package with the tools has the server too, under another name, and starts no service.
  const binary = join(place.folder, 'redis-server');
  symlinkSync('/usr/bin/redis-check-rdb', binary);
  const start = async (port: number) => {
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--enable-debug-command', 'yes'];
    const server = place.start([binary, '--port', `${port}`, ...settings, '--io-threads', '2', '--dir', place.folder]);
    await listening(server, port);
    return server;
  };
  const ask = async (port: number, ...words: string[]): Promise<string> => {
    await using client = place.startBeside(['redis-cli', '-p', `${port}`, '-e', ...words]);
    assert.equal((await client.ended).status, 0, client.errors);
    return client.output.trim();
  };

  const port = await freePort();
  await using first = await start(port);
  const did = await load(place, port);
  assert.ok(did.length > OPERATIONS.length, did.join());
  assert.equal(await ask(port, 'GET', 'scripted'), `${20 * REQUESTS}`);
  const digest = await ask(port, 'DEBUG', 'DIGEST');
  const size = await ask(port, 'DBSIZE');

  await ask(port, 'BGSAVE');
  await until(first, async () => /rdb_bgsave_in_progress:0/.test(await ask(port, 'INFO', 'persistence')));
  assert.match(await ask(port, 'INFO', 'persistence'), /rdb_last_bgsave_status:ok/);
  await ask(port, 'BGREWRITEAOF');
  await until(first, async () => /aof_rewrite_in_progress:0/.test(await ask(port, 'INFO', 'persistence')));
  assert.match(await ask(port, 'INFO', 'persistence'), /aof_last_bgrewrite_status:ok/);
  first.signal('SIGTERM');
  const end = await first.ended;
  assert.deepEqual(end, { status: 0, signal: null }, first.output);

  // What it wrote is what it had.
  const next = await freePort();
  await using second = await start(next);
  await until(second, async () => (await ask(next, 'INFO', 'persistence')).includes('loading:0'));
  assert.equal(await ask(next, 'DEBUG', 'DIGEST'), digest);
  second.signal('SIGTERM');
  assert.deepEqual(await second.ended, end, second.output);
  return { did, digest, size, errors: [first.errors, second.errors] };
});
