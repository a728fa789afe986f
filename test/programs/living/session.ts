/**
 * A session of Node.js without a compiler: a server and its clients, threads, child processes, cryptography, files.
 *
 * Prints one line for each part, the same in every run.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { execFile, fork, spawn } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  pbkdf2Sync,
  scrypt,
  sign,
  verify,
} from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  watch,
  writeFile,
} from 'node:fs/promises';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createGunzip, createGzip, gunzipSync, gzipSync } from 'node:zlib';

const itself = fileURLToPath(import.meta.url);

function digest(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** A computation that takes a moment. */
function primes(below: number): number {
  const composite = new Uint8Array(below);
  let count = 0;
  for (let n = 2; n < below; n++) {
    if (composite[n]) continue;
    count++;
    for (let multiple = n * n; multiple < below; multiple += n) composite[multiple] = 1;
  }
  return count;
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A server that compresses, and clients that share connections. */
async function web(): Promise<unknown> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Encoding', 'gzip');
    response.end(gzipSync(`${request.method} ${request.url} ${'x'.repeat(2000)}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const ask = async (path: string): Promise<string> => {
    const [response] = (await once(get({ agent, port, path, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return gunzipSync(Buffer.concat(chunks)).toString();
  };
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => ask(`/${n}`)));
  const missing = await fetchStatus(port);
  agent.destroy();
  server.close();
  return [answers.length, digest(answers.join()), missing];
}

/** What a client sees that wants nothing but the head. */
async function fetchStatus(port: number): Promise<string> {
  const [response] = (await once(get({ port, host: '127.0.0.1', method: 'HEAD' }), 'response')) as [IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

/** Threads that share memory, and wait for each other in it. */
async function threads(): Promise<unknown> {
  const shared = new SharedArrayBuffer(16);
  const workers = [1, 2, 3].map((n) => new Worker(new URL(import.meta.url), { workerData: { shared, n } }));
  const counts = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  await Promise.all(workers.map((worker) => worker.terminate()));
  return [counts, new Int32Array(shared)[0]];
}

function workerThread(): void {
  const { shared, n } = workerData as { readonly shared: SharedArrayBuffer; readonly n: number };
  const counter = new Int32Array(shared);
  for (let i = 0; i < 1000; i++) Atomics.add(counter, 0, n);
  parentPort?.postMessage(primes(10_000 * n));
}

/** Other programs: through pipes, through a channel, killed. */
async function children(): Promise<unknown> {
  const sorted = spawn('sort', ['-n'], { stdio: ['pipe', 'pipe', 'inherit'] });
  sorted.stdin.end('3\n1\n2\n');
  const chunks: Buffer[] = [];
  for await (const chunk of sorted.stdout) chunks.push(chunk as Buffer);
  const { stdout } = await promisify(execFile)('sh', ['-c', 'echo $((6 * 7))']);
  const child = fork(itself, ['child']);
  child.send(20_000);
  const [answer] = await once(child, 'message');
  child.disconnect();
  const [status] = await once(child, 'exit');
  const sleeping = spawn('sleep', ['1000']);
  sleeping.kill('SIGTERM');
  const [, signal] = await once(sleeping, 'exit');
  return [Buffer.concat(chunks).toString(), stdout, answer, status, signal];
}

/** Keys, signatures, derived keys. */
async function cryptography(): Promise<unknown> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const signature = sign(null, Buffer.from('signed'), createPrivateKey(privateKey));
  const holds = verify(null, Buffer.from('signed'), createPublicKey(publicKey), signature);
  const derived = await promisify<string, string, number, Buffer>(scrypt)('password', 'salt', 32);
  return [holds, pbkdf2Sync('password', 'salt', 5000, 16, 'sha256').toString('hex'), digest(derived)];
}

/** Files: streams, folders, links, changes that are watched. */
async function files(): Promise<unknown> {
  await mkdir('files/deep/deeper', { recursive: true });
  await writeFile('files/plain', 'line of a file\n'.repeat(20_000));
  await pipeline(createReadStream('files/plain'), createGzip(), createWriteStream('files/packed'));
  await pipeline(createReadStream('files/packed'), createGunzip(), createWriteStream('files/deep/unpacked'));
  const same = (await readFile('files/plain')).equals(await readFile('files/deep/unpacked'));
  await symlink('plain', 'files/link');
  const changes = watch('files');
  const seen = (async () => {
    for await (const { filename } of changes) if (filename === 'renamed') return filename;
    return undefined;
  })();
  // The watch begins when it is first asked for something, which it has been.
  await appendFile('files/other', 'other');
  await rename('files/other', 'files/renamed');
  const file = await open('files/renamed', 'r+');
  await file.write('OTH', 0);
  await file.truncate(4);
  await file.sync();
  await file.close();
  const names = (await readdir('files', { recursive: true })).sort();
  const result = [same, await seen, names, (await stat('files/link')).size, await readFile('files/renamed', 'latin1')];
  await rm('files', { recursive: true });
  return result;
}

/** What a language without a compiler still has to do itself. */
function language(): unknown {
  const matches = 'x1y22z333'.replace(/(?<letter>[a-z])(\d+)/g, '$2$<letter>');
  const big = 2n ** 200n % 1_000_000_007n;
  const sorted = Array.from({ length: 5000 }, (_, n) => (n * 7919) % 5003).sort((a, b) => a - b);
  const made = new Function('a', 'b', 'return a * b')(6, 7) as number;
  const generated = [
    ...(function* () {
      for (let n = 0; n < 5; n++) yield n * n;
    })(),
  ];
  return [
    matches,
    big.toString(),
    digest(sorted.join()),
    made,
    generated,
    'WebAssembly' in globalThis,
    primes(100_000),
  ];
}

async function main(): Promise<void> {
  const parts = { web, threads, children, cryptography, files, language };
  for (const [name, part] of Object.entries(parts)) console.log(name, JSON.stringify(await part()));
  assert.equal(process.execArgv[0], '--jitless');
}

if (!isMainThread) workerThread();
else if (process.argv[2] === 'child') {
  process.on('message', (below) => process.send?.(primes(below as number)));
} else await main();
