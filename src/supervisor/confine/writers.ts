/**
 * Mounts that write where trusted trees lie, or what they are made from, past the mounts of the run: an overlay writes to
 * its upper folder, and a file system on a loop device to a file, by ways of the kernel's own.
 *
 * Where they write to a part of a tree, nothing of that part is executed. Where they write to what a tree is made from, or to
 * all of a tree, they become read-only.
 *
 * @module
 */
import { btrfsDevices } from '../../linux/block_device.js';
import { type FilePart, filePartsOf } from '../../linux/loop_device.js';
import type { Mount } from '../../linux/mount_table.js';
import { placesElsewhere, resolved } from './backing.js';
import { writtenFolders } from './file_systems.js';
import { isNeverWritten } from './links.js';
import { isWithin, mountOf, moved, type OwnMount, UNUSABLE } from './mount_plan.js';

/** A place of a file system, and where it is seen. */
interface Place {
  readonly device: string;
  readonly at: string;
  readonly path: string;
}

/** What is mounted, and what is trusted. */
export interface WriterSearch {
  readonly visible: readonly Mount[];
  readonly trees: readonly string[];
  /** Folders and files that the trees are made from. */
  readonly layers: readonly string[];
}

function placeOf(mounts: readonly Mount[], path: string): Place | undefined {
  const mount = mountOf(mounts, path);
  return mount === undefined ? undefined : { device: mount.device, at: moved(path, mount.path, mount.root), path };
}

/** Where something is that was named when a mount was made. */
function placesOf(named: string, mounts: readonly Mount[], mount: Mount): readonly Place[] {
  const here = resolved(named);
  const paths =
    typeof here === 'string' ? [here] : placesElsewhere(named, mounts, mount).filter((one) => resolved(one) === one);
  return paths.map((path) => placeOf(mounts, path)).filter((place) => place !== undefined);
}

/** The devices that a mount's file system is on. */
function devicesOf({ type, device, source }: Mount): readonly string[] {
  if (type === 'btrfs') return btrfsDevices(source);
  return device.startsWith('0:') ? [] : [device];
}

/** Whether two devices write to the same bytes of a file, and are not two parts of one device. */
function overlap(one: FilePart, other: FilePart): boolean {
  return one.file === other.file && one.loop !== other.loop && one.from < other.to && other.from < one.to;
}

/** Looks for mounts that write to trees, or to what they are made from. */
export function outsideWriters({ visible, trees, layers }: WriterSearch): readonly OwnMount[] {
  const isTrusted = (path: string): boolean => trees.some((tree) => isWithin(path, tree));
  const inner = visible.filter(({ path }) => isTrusted(path));
  const ofTrees: readonly Place[] = [
    ...trees.map((tree) => placeOf(visible, tree)).filter((place) => place !== undefined),
    ...inner.map(({ device, root, path }) => ({ device, at: root, path })),
  ];
  const ofLayers = layers.map((layer) => placeOf(visible, layer)).filter((place) => place !== undefined);
  const holding = new Set(ofTrees.map(({ device }) => device));
  const others = visible.filter(
    ({ path, device, type, options }) =>
      // Other mounts of what a tree lies on are looked at by the plan of mounts.
      !(path === '/' || holding.has(device) || isTrusted(path) || options.includes('ro') || isNeverWritten(type)),
  );
  const parts = new Map<string, readonly FilePart[]>();
  const partsOf = (mount: Mount): readonly FilePart[] => {
    const known = parts.get(mount.device) ?? devicesOf(mount).flatMap((device) => filePartsOf(device));
    parts.set(mount.device, known);
    return known;
  };
  const under = new Set([...holding, ...ofLayers.map(({ device }) => device)]);
  const ofUnder = visible.filter(({ device }) => under.has(device)).flatMap(partsOf);

  const unusable = new Set<string>();
  for (const mount of others) {
    const files = partsOf(mount);
    const written = [...writtenFolders(mount), ...files.map(({ file }) => file)];
    const places = written.flatMap((one) => placesOf(one, visible, mount));
    let isWriter = files.some((part) => ofUnder.some((other) => overlap(part, other)));
    for (const { device, at } of places) {
      const meets = (other: Place): boolean => other.device === device && isWithin(other.at, at);
      const isOfLayer = (other: Place): boolean =>
        other.device === device && (isWithin(other.at, at) || isWithin(at, other.at));
      isWriter ||= ofTrees.some(meets) || (files.length === 0 && ofLayers.some(isOfLayer));
      for (const tree of ofTrees) {
        if (tree.device === device && tree.at !== at && isWithin(at, tree.at))
          unusable.add(moved(at, tree.at, tree.path));
      }
    }
    if (isWriter) unusable.add(mount.path);
  }
  return [...unusable].map((path) => ({ path, attributes: UNUSABLE }));
}
