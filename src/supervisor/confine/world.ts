/**
 * The world of a run, prepared: which mounts and devices it sees, from those that there are, in memory that the process
 * finds that is put there.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { CLONE } from '../../abi/mount.js';
import { mayArrangeMounts, mayChangeRoot, mayMakeNodes } from '../../linux/capabilities.js';
import { fileIdentity } from '../../linux/descriptor.js';
import { HeldProcess } from '../../linux/held_process.js';
import { isWhole, type Mount, mountTable, parseMountTable, visibleMounts } from '../../linux/mount_table.js';
import {
  DEVICES,
  type DevicePlan,
  deviceEntries,
  inheritedTerminals,
  isMultiplexerOpen,
  planDevices,
} from './devices.js';
import { Requirements } from './missing.js';
import { planMounts } from './mount_plan.js';
import { arrangeMounts, type PreparedMounts, prepareMounts } from './mounts.js';
import type { OutsideWays } from './outside_ways.js';

/** What a world is made for. */
export interface WorldRequest {
  /** All mounts that it sees, and what is done about ways around those of the trees. */
  readonly mounts: readonly Mount[];
  readonly ways: OutsideWays;
  /** Trees that may be executed from. */
  readonly trees: readonly string[];
  /** Descriptors that the program inherits. */
  readonly descriptors: readonly number[];
}

function planOwnDevices(descriptors: readonly number[]): DevicePlan | undefined {
  if (typeof fileIdentity(DEVICES) !== 'object') return undefined;
  const multiplexer = isMultiplexerOpen() ? 'link' : mayArrangeMounts() && mayMakeNodes() ? 'node' : 'instance';
  const inherited = inheritedTerminals(descriptors);
  return planDevices(deviceEntries(inherited), inherited, multiplexer);
}

/**
 * The mounts that a run sees, before anything is made of them. In a chroot whose root folder is no mount, the table does not
 * tell what is there: a copy of the world is made, and does.
 */
export function seenMounts(): readonly Mount[] {
  const table = mountTable();
  if (isWhole(table)) return table;
  const prepared = prepareMounts({ own: [], attributes: 0, readOnly: [] }, undefined, true);
  const held = HeldProcess.start(CLONE.CLONE_NEWNS);
  if (typeof held === 'number') return table;
  try {
    arrangeMounts(held, prepared, new Requirements());
    return parseMountTable(readFileSync(`/proc/${held.processId}/mountinfo`, 'latin1'));
  } finally {
    held[Symbol.dispose]();
  }
}

/** Makes the plans, and writes them to memory; before the process is started that they are for. */
export function prepareWorld({ mounts, ways, trees, descriptors }: WorldRequest): PreparedMounts {
  // In a user namespace of its own it has every capability.
  const changesRoot = !mayArrangeMounts() || mayChangeRoot();
  const plan = planMounts(visibleMounts(mounts), trees, ways.own);
  return prepareMounts(plan, planOwnDevices(descriptors), changesRoot);
}
