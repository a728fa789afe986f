/**
 * Boots a kernel with a root under qemu-system, has it do its order, and gives what came of it.
 *
 * There is no KVM: it is not to be had everywhere, and what a kernel answers does not depend on it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initramfs, pack } from './initramfs.js';
import type { UnpackedKernel } from './kernels.js';
import type { RootImage } from './root.js';

/** What a guest is to do. */
export interface Order {
  /** Lines of shell that guest/init.sh runs: `setting PATH VALUE`, `job NAME SECONDS WORD...`. */
  readonly script: string;
  /** Words for the kernel's command line, beside the harness's own. */
  readonly commandLine: string;
  /** Modules that are loaded before the disk is there. */
  readonly modules: readonly string[];
  /** The longest that the guest may take from its start to its end, in seconds. */
  readonly patience: number;
  /** Where what it says is kept. */
  readonly console: string;
  /** Whether it is shown too, as it comes. */
  readonly isShown: boolean;
}

/** What a guest gave. */
export interface Booted {
  /** What it wrote to its second serial line. */
  readonly results: string;
  /** Whether it was ended for taking too long. */
  readonly isLate: boolean;
  readonly seconds: number;
}

const [MEGABYTES, PROCESSORS] = [3072, 2];

/**
 * The processor: all that the emulation has, but for SMAP. QEMU 7.2 has that wrong where a 32-bit program jumps to the
 * 64-bit segment, and the guest's kernel dies of it.
 */
const PROCESSOR = 'max,-smap';

/**
 * One thread of the host for all processors of a guest. With a thread for each, QEMU 7.2 has a processor execute the middle
 * of a jump that another one is just patching: Linux 6.12 died of it in its scheduler, in one boot of three.
 */
const ACCELERATOR = 'tcg,thread=single,tb-size=512';

/** Words that start QEMU. The disk is a snapshot: what a guest writes to it is gone with it. */
function words(folder: string, image: string, commandLine: string): readonly string[] {
  return [
    // Where this process is killed, so is the guest.
    ...['setpriv', '--pdeathsig', 'KILL', 'qemu-system-x86_64'],
    ...['-accel', ACCELERATOR, '-cpu', PROCESSOR],
    ...['-m', String(MEGABYTES), '-smp', String(PROCESSORS), '-nographic', '-no-reboot', '-nodefaults'],
    ...['-serial', 'stdio', '-serial', `file:${join(folder, 'results')}`, '-serial', 'null'],
    ...['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initramfs')],
    ...['-drive', `file=${image},format=raw,if=none,id=root,snapshot=on,cache=unsafe`],
    ...['-device', 'virtio-blk-pci,drive=root'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    '-append',
    `console=ttyS0 root=/dev/vda quiet loglevel=4 panic=-1 mitigations=off nokaslr rdinit=/init ${commandLine}`.trim(),
  ];
}

/** Boots a guest, and waits until it has powered off. */
export async function boot(kernel: UnpackedKernel, { image, busybox }: RootImage, order: Order): Promise<Booted> {
  const folder = mkdtempSync(join(tmpdir(), 'trampfd-machine-'));
  const start = performance.now();
  try {
    mkdirSync(join(folder, 'order', 'boot-order'), { recursive: true });
    writeFileSync(join(folder, 'order', 'boot-order', 'order.sh'), order.script);
    // The kernel unpacks archives one behind the other.
    const archive = Buffer.concat([initramfs(kernel, busybox, order.modules), pack(join(folder, 'order'))]);
    writeFileSync(join(folder, 'initramfs'), archive);
    writeFileSync(join(folder, 'vmlinuz'), readFileSync(join(kernel.folder, 'vmlinuz')));
    const [program = '', ...rest] = words(folder, image, order.commandLine);
    const guest = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const kept = createWriteStream(order.console);
    for (const stream of [guest.stdout, guest.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        kept.write(bytes);
        if (order.isShown) process.stdout.write(bytes);
      });
    }
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      guest.kill('SIGKILL');
    }, order.patience * 1000);
    await new Promise<void>((resolve, reject) => {
      guest.once('error', reject);
      guest.once('close', resolve);
    }).finally(() => clearTimeout(timer));
    await new Promise<void>((resolve) => {
      kept.end(resolve);
    });
    const results = join(folder, 'results');
    return {
      results: existsSync(results) ? readFileSync(results, 'utf8') : '',
      isLate,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
