/** A web server with a master and workers, under load of its peers' own making, reloaded and stopped gracefully. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listening, until } from './loopback.js';
import { livesUnderEveryPolicy, type Place } from './place.js';

const REQUESTS = 10_000;

/** Sets up what the server reads: its configuration, a certificate, and pages. */
async function furnish(place: Place, port: number, tlsPort: number): Promise<void> {
  const file = place.bring('nginx.conf');
  const text = readFileSync(file, 'utf8')
    .replaceAll('@PORT@', `${port}`)
    .replaceAll('@TLS@', `${tlsPort}`)
    .replace('@USER@', place.user.isRoot ? 'user nobody nogroup;' : '');
  writeFileSync(file, text);
  for (const folder of ['pages', 'pages/put', 'temporary']) mkdirSync(join(place.folder, folder));
  chmodSync(join(place.folder, 'pages', 'put'), 0o777);
  chmodSync(join(place.folder, 'temporary'), 0o777);
  const line = 'a line of a page that is long enough to be compressed\n';
  writeFileSync(join(place.folder, 'pages', 'small.txt'), line.repeat(50));
  writeFileSync(join(place.folder, 'pages', 'large'), line.repeat(50_000));
  writeFileSync(join(place.folder, 'upload'), line.repeat(5000));
  const request = 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  const files = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', 'key.pem', '-out', 'certificate.pem'];
  await using made = place.startBeside([...request.split(' '), ...files]);
  assert.equal((await made.ended).status, 0, made.errors);
}

/** What a client gets: the status and a digest of the body, for each request. */
async function browse(place: Place, port: number, tlsPort: number): Promise<string> {
  const [plain, encrypted] = [`http://127.0.0.1:${port}`, `https://localhost:${tlsPort}`];
  const requests = [
    `${plain}/small.txt`,
    `--compressed ${plain}/small.txt`,
    `-H Accept-Encoding:gzip ${plain}/small.txt`,
    `-r 1000000-1000099 ${plain}/large`,
    `${plain}/number/42`,
    `${plain}/number/none`,
    `${plain}/proxied/small.txt`,
    `${plain}/proxied/large`,
    `${plain}/private/`,
    `-T upload ${plain}/put/uploaded`,
    `${plain}/put/uploaded`,
    `-X DELETE ${plain}/put/uploaded`,
    `${plain}/put/uploaded`,
    `--noproxy * --resolve localhost:${tlsPort}:127.0.0.1 --cacert certificate.pem ${encrypted}/large`,
  ];
  const script = requests.map(
    (words) => `echo "$(curl -sS -o body -w '%{http_code} %{size_download}' ${words}) $(cksum <body)"`,
  );
  // Globbing would make file names of the star.
  await using client = place.startBeside(['sh', '-fc', script.join('\n')]);
  assert.equal((await client.ended).status, 0);
  assert.equal(client.errors, '');
  return client.output;
}

/** What the load tool counted. */
async function load(place: Place, port: number): Promise<readonly string[]> {
  await using client = place.startBeside([
    ...['ab', '-q', '-k', '-c', '25', '-n', `${REQUESTS}`, '-H', 'Accept-Encoding: identity'],
    `http://127.0.0.1:${port}/small.txt`,
  ]);
  assert.equal((await client.ended).status, 0, client.errors);
  const counts = /^(?:Server Software|Document Length|Complete requests|Failed requests|HTML transferred):.*$/gm;
  const lines = client.output.match(counts) ?? [];
  assert.ok(lines.some((line) => new RegExp(`^Complete requests: +${REQUESTS}$`).test(line)));
  assert.ok(lines.some((line) => /^Failed requests: +0$/.test(line)));
  return lines;
}

/**
 * How often each request, with its status, stands in the access log. Sizes are left out: of a client that has got all and
 * closes, the server may hear sooner than it counts what it sent.
 */
function logged(place: Place): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(place.folder, 'access.log'), 'utf8').trim().split('\n')) {
    const [, request = line, status = ''] = /"(.*?)" (\d+) /.exec(line) ?? [];
    counts.set(`${request} ${status}`, (counts.get(`${request} ${status}`) ?? 0) + 1);
  }
  // The load tool has asked for a few more when it has had enough; and it alone asks in this way.
  const loaded = 'GET /small.txt HTTP/1.0 200';
  assert.ok((counts.get(loaded) ?? 0) >= REQUESTS, `${counts.get(loaded)} requests`);
  counts.delete(loaded);
  return new Map([...counts].sort());
}

livesUnderEveryPolicy('a web server', async (place) => {
  const [port, tlsPort] = [await freePort(), await freePort()];
  await furnish(place, port, tlsPort);
  await using server = place.start(['nginx', '-p', `${place.folder}/`, '-c', 'nginx.conf', '-e', 'error.log']);
  await listening(server, port);
  const text = (name: string): string => {
    const file = join(place.folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  // It listens before it says which process it is.
  await until(server, () => /^\d+\n$/.test(text('nginx.pid')));
  const master = Number(text('nginx.pid'));
  const before = await browse(place, port, tlsPort);
  const counts = await load(place, port);

  process.kill(master, 'SIGHUP');
  // The old workers end when the new ones serve.
  await until(server, () => (text('error.log').match(/worker process \d+ exited with code 0/g) ?? []).length === 2);
  assert.equal(await browse(place, port, tlsPort), before);

  process.kill(master, 'SIGQUIT');
  const end = await server.ended;
  assert.deepEqual(end, { status: 0, signal: null });
  // The page as it is, and the page as the client decompressed it.
  assert.match(before, /^200 2700 (\d+ 2700)\n200 \d+ \1\n/);
  const statuses = before.match(/^\d+/gm)?.map(Number);
  assert.deepEqual(statuses, [200, 200, 200, 206, 200, 404, 200, 200, 403, 201, 200, 204, 404, 200]);
  const refused = text('error.log')
    .split('\n')
    .filter((line) => /\[(alert|crit|emerg)\]/.test(line));
  assert.deepEqual(refused, []);
  return { before, counts, end, errors: server.errors, logged: logged(place) };
});
