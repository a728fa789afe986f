/**
 * Starts a program in a container of runc with its default profile (runc-spec(8)): few capabilities, no_new_privs, parts of
 * /proc hidden or read-only. Its root is this machine's, read-only.
 *
 * usage: node in_runc.js USER CAPABILITY,... WORD...
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What is changed of a configuration that runc-spec(8) has written. */
interface Configuration {
  readonly process: {
    terminal: boolean;
    user: { uid: number; gid: number };
    args: readonly string[];
    env: readonly string[];
    readonly capabilities: Record<string, string[]>;
  };
  readonly root: { path: string; readonly: boolean };
}

const [user = '0', capabilities = '', ...words] = process.argv.slice(2);
const bundle = mkdtempSync(join(tmpdir(), 'trampfd-runc-'));
try {
  spawnSync('runc', ['spec'], { cwd: bundle, stdio: 'inherit' });
  const file = join(bundle, 'config.json');
  const configuration = JSON.parse(readFileSync(file, 'utf8')) as Configuration;
  const { process: started, root } = configuration;
  started.terminal = false;
  started.user = { uid: Number(user), gid: Number(user) };
  started.args = words;
  // The one place of the default mounts that anybody may write to.
  started.env = [`PATH=${process.env['PATH'] ?? ''}`, 'HOME=/dev/shm'];
  for (const set of Object.values(started.capabilities)) set.push(...capabilities.split(',').filter(Boolean));
  root.path = join(bundle, 'root');
  mkdirSync(root.path);
  writeFileSync(file, JSON.stringify(configuration));
  // The mount of the root is gone with the namespace.
  const script = 'mount --make-rprivate / && mount --bind / root && exec runc run "$0"';
  const ended = spawnSync('unshare', ['--mount', 'sh', '-c', script, basename(bundle)], {
    cwd: bundle,
    stdio: 'inherit',
  });
  process.exitCode = ended.status ?? 1;
} finally {
  rmSync(bundle, { recursive: true, force: true });
}
