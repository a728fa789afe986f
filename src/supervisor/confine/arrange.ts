/**
 * Arranges a process for a program that may execute nothing that it can write: namespaces, mounts, privileges, inherited
 * descriptors, the filter; up to the moment before it becomes the program.
 *
 * @module
 */
import { CAPSET_LAYOUT } from '../../abi/capability.js';
import { errnoNumbers } from '../../abi/errno.js';
import { SOCK_FILTER_SIZE } from '../../abi/filter.js';
import { LANDLOCK } from '../../abi/landlock.js';
import { SECCOMP } from '../../abi/seccomp.js';
import { TrampfdError } from '../../error.js';
import { mayArrangeMounts } from '../../linux/capabilities.js';
import { close, copyDescriptor, openPidfd } from '../../linux/descriptor.js';
import { filterError, type InstalledFilter } from '../../linux/filtered_thread.js';
import type { HeldProcess } from '../../linux/held_process.js';
import { canScopeSignals, createRuleset } from '../../linux/landlock.js';
import { allocate } from '../../linux/libc.js';
import type { Mount } from '../../linux/mount_table.js';
import { deniesAll, memoryKinds, type Policy } from '../../policy/kinds.js';
import { type OutsideFile, outsideFiles } from './descriptors.js';
import { enterFolder, prepareFolders, takeMemoryFolder } from './folders.js';
import { cannotConfine, type Missing, Requirements } from './missing.js';
import { arrangeMounts } from './mounts.js';
import { startHeld } from './namespaces.js';
import type { OutsideWays } from './outside_ways.js';
import { type Permission, permitFiles, prepareFiles } from './permit.js';
import type { HandedPosition } from './positions.js';
import { enterDomain, giveUpPrivileges, refuseExecGain } from './privileges.js';
import { reopen } from './reopen.js';
import { prepareWorld } from './world.js';

/** What a process is arranged for. */
export interface ArrangeRequest {
  /** struct sock_filter instructions: of the filter that has executions notified, and of the one that lets them be. */
  readonly filters: Readonly<Record<'looking' | 'permitting', Uint8Array>>;
  /** Files that may be executed; undefined where they are not known, and each execution is to be looked at. */
  readonly executables: readonly string[] | undefined;
  /** Trees that may be executed from. */
  readonly trees: readonly string[];
  /** All mounts that the run sees, and what is done about ways around those of the trees. */
  readonly mounts: readonly Mount[];
  readonly ways: OutsideWays;
  /** Descriptors that the program inherits. */
  readonly descriptors: readonly number[];
  readonly policy: Policy;
  /** A descriptor of the folder that it starts in, where that is not this process's. */
  readonly folder: number | undefined;
  /** Whether to go on where something is missing. */
  readonly bestEffort: boolean;
}

/** A process that is ready to become the program. */
export interface Arranged {
  readonly held: HeldProcess;
  readonly installed: InstalledFilter;
  /** Our descriptor of the folder that memory files are made in; undefined where there is none. */
  readonly memoryFolder: number | undefined;
  readonly positions: readonly HandedPosition[];
  /** Why each execution is looked at; undefined where none has to be. */
  readonly looksBecause: string | undefined;
  /** What could not be had. */
  readonly missing: readonly Missing[];
  /** Whether no signal of the program's leaves the run. */
  readonly signalsStay: boolean;
}

/** The filter in memory, as seccomp(2) takes it. */
function filterMemory(filter: Uint8Array): bigint {
  const instructions = allocate(filter.length);
  instructions.bytes.set(filter);
  const header = allocate(16);
  header.view.setUint16(0, filter.length / SOCK_FILTER_SIZE, true);
  header.view.setBigUint64(8, instructions.address, true);
  return header.address;
}

/** Installs the filter, and takes its listener. */
function installFilter(held: HeldProcess, header: bigint, requirements: Requirements): InstalledFilter {
  const flags = SECCOMP.SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const load = (extra: number): number =>
    Number(held.call('seccomp', SECCOMP.SECCOMP_SET_MODE_FILTER, flags | extra, header));
  let number = load(SECCOMP.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  const waitsKillable = number >= 0;
  if (number === -errnoNumbers.EINVAL) {
    requirements.need(number, {
      what: 'a call that the supervisor works on cannot be kept from signals',
      remedy: 'a later kernel can (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)',
      open: 'a program is judged by its file and not looked at before it runs: one whose file is changed meanwhile may get an executable stack',
    });
    number = load(0);
  }
  if (number < 0) throw filterError(-number);
  const pidfd = openPidfd(held.processId);
  const listener = copyDescriptor(pidfd, number);
  close(pidfd);
  if (listener < 0) throw filterError(-listener);
  held.call('close', number);
  return { listener, waitsKillable, noNewPrivileges: true };
}

/** Why files were not permitted; undefined where they were. */
function permitted(permission: Permission): string | undefined {
  switch (permission.kind) {
    case 'permitted':
      return undefined;
    case 'not plain':
      return `these files ask for executable memory: ${permission.files.join(', ')}`;
    case 'impossible':
      return 'the kernel does not permit single files';
  }
}

/** Has a held process close all descriptors but some: it has come by ours, and may have no more than we. */
function closeOthers(held: HeldProcess, kept: readonly number[], requirements: Requirements): void {
  const numbers = [...new Set(kept)].sort((one, other) => one - other);
  const gaps = [-1, ...numbers].map((number, index) => [number + 1, (numbers[index] ?? 2 ** 32) - 1] as const);
  const results = held.callAll(
    gaps.filter(([from, to]) => from <= to).map(([from, to]) => ({ call: 'close_range', arguments: [from, to, 0] })),
  );
  requirements.need(results.find((result) => result < 0n) ?? 0n, {
    what: "the supervisor's descriptors cannot be closed in the program",
    remedy: 'a kernel with close_range(2) is needed, and a sandbox that allows it',
    open: 'the program may hold files of the supervisor',
  });
}

/** The inherited files of the outside, or the refusal of a descriptor: what the machine lacks is said before that. */
function inheritedFiles(descriptors: readonly number[]): readonly OutsideFile[] | TrampfdError {
  try {
    return outsideFiles(descriptors);
  } catch (error) {
    if (error instanceof TrampfdError) return error;
    throw error;
  }
}

/**
 * Arranges a process. What this one is to hand over must be in memory that was allocated before.
 *
 * @throws TrampfdError ERR_TRAMPFD_STRICT with all that is missing, unless `bestEffort`; EXDEV for inherited
 * descriptors that cannot be handed on; as {@link FilteredThread.install} for the filter
 */
export function arrange(request: ArrangeRequest): Arranged {
  const requirements = new Requirements(request.ways.missing);
  const filters = {
    looking: filterMemory(request.filters.looking),
    permitting: filterMemory(request.filters.permitting),
  };
  const inherited = inheritedFiles(request.descriptors);
  const files = inherited instanceof TrampfdError ? [] : inherited;
  const prepared = prepareWorld(request);
  const folders = prepareFolders(request);
  const executables = request.executables === undefined ? undefined : prepareFiles(request.executables);
  const capabilities = allocate(CAPSET_LAYOUT.size);
  const domain = createRuleset(0);
  const permitting = createRuleset(LANDLOCK.LANDLOCK_ACCESS_FS_EXECUTE);
  const { held, isolated } = startHeld(requirements, request.folder);
  try {
    closeOthers(
      held,
      [...request.descriptors, domain, permitting].filter((descriptor) => descriptor >= 0),
      requirements,
    );
    if (isolated) arrangeMounts(held, prepared, requirements);
    const folder = isolated ? takeMemoryFolder(held, folders, requirements) : undefined;
    if (isolated) enterFolder(held, folders, folder?.[0]);
    const complete = requirements.missing.length === 0;
    const positions = folder !== undefined && complete ? reopen(held, folder[0], files) : [];
    const unpermitted =
      executables === undefined || permitting < 0 || !complete
        ? 'it is not known which files can be executed, or there is no Landlock to permit them alone'
        : permitted(permitFiles(held, executables, permitting, request.policy));
    giveUpPrivileges(held, requirements, capabilities);
    const looksBecause =
      unpermitted === undefined && held.call('landlock_restrict_self', permitting, 0) < 0n
        ? 'the kernel does not permit single files'
        : unpermitted;
    const entered =
      looksBecause === undefined || enterDomain(held, requirements, domain, isolated && !mayArrangeMounts());
    // It knows no kinds, and no program that is looked at is to be killed by it before that.
    if (looksBecause === undefined && deniesAll(request.policy, memoryKinds)) refuseExecGain(held);
    const header = looksBecause === undefined ? filters.permitting : filters.looking;
    const installed = installFilter(held, header, requirements);
    if (requirements.missing.length > 0 && !request.bestEffort) throw cannotConfine(requirements.missing);
    if (inherited instanceof TrampfdError) throw inherited;
    const signalsStay = entered && canScopeSignals();
    const { missing } = requirements;
    return { held, installed, memoryFolder: folder?.[1], positions, looksBecause, missing, signalsStay };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  } finally {
    for (const ruleset of [domain, permitting]) if (ruleset >= 0) close(ruleset);
  }
}
