/**
 * A job: something that guests do, on a kernel with certain settings. Each is a file of test/machines/jobs.
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kernel } from './kernels.js';

/** What a guest is booted with. Jobs with the same options share one boot. */
export interface BootOptions {
  /** Words for the kernel's command line, such as `lsm=yama`. */
  readonly commandLine: string;
  /** Settings below /proc/sys by their path, such as `kernel/yama/ptrace_scope`, made before the boot's first job. */
  readonly settings: Readonly<Record<string, string>>;
  /** Modules of devices that a machine may have, such as `vivid`: a guest finds none by itself. With --quick others' too. */
  readonly modules?: readonly string[];
}

/** One job. */
export interface Job {
  readonly name: string;
  /** What it looks at, for people. */
  readonly summary: string;
  /** A script of test/machines/guest without its `.ts`, and its arguments. */
  readonly words: readonly string[];
  /** Its arguments with --quick; absent where it is then left out. */
  readonly quick?: readonly string[];
  /** The longest that it may take in a guest, in seconds; with --quick QUICK_PATIENCE is, where that is less. */
  readonly patience: number;
  readonly boot: BootOptions;
  /** Whether it has a boot of its own: it takes long, and another one can go on beside it. With --quick all such share one. */
  readonly isAlone?: boolean;
  /** Whether it is done on a kernel. */
  readonly isFor: (kernel: Kernel) => boolean;
}

/** As Debian boots. */
export const asDebianBoots: BootOptions = { commandLine: '', settings: {} };

/** Every kernel that a run starts on. */
export const supported = ({ isSupported }: Kernel): boolean => isSupported;

/** Where the jobs are. */
const FOLDER = fileURLToPath(new URL('./jobs/', import.meta.url));

/** All jobs, by name; each file of the folder exports some as `jobs`. */
export async function readJobs(): Promise<readonly Job[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.js'));
  const modules = await Promise.all(files.sort().map((name) => import(join(FOLDER, name)) as Promise<{ jobs: Job[] }>));
  return modules.flatMap(({ jobs }) => jobs);
}

/** The longest that a job's short form may take in a guest, in seconds. It takes a minute or less on a machine that does nothing else. */
export const QUICK_PATIENCE = 400;

/** What a boot's jobs are booted with: their options, with the modules of all. */
export function bootOf(jobs: readonly Job[]): BootOptions {
  const modules = [...new Set(jobs.flatMap(({ boot }) => boot.modules ?? []))];
  return { ...(jobs[0]?.boot ?? asDebianBoots), modules };
}

/**
 * Puts jobs together that one boot can do.
 *
 * With --quick a boot counts for more than what a device changes for other jobs.
 */
export function byBoot(jobs: readonly Job[], isQuick = false): readonly (readonly Job[])[] {
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const { commandLine, settings, modules } = job.boot;
    const alone = job.isAlone === true ? (isQuick ? 'alone' : job.name) : '';
    const key = JSON.stringify([commandLine, settings, isQuick ? [] : modules, alone]);
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  return [...groups.values()];
}
