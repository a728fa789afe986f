/**
 * What trusted trees are made from: the folders of overlays, the files of loop devices and of what is mounted over those.
 * Who writes there changes the trees, whatever the mounts of the trees allow. So that becomes read-only too, wherever it is
 * seen, and so does what it is made from in turn. A mount whose files come from where this cannot be done is not trusted:
 * within a tree it becomes unexecutable; a tree on such a mount is missing.
 *
 * @module
 */
import { lstatSync, realpathSync } from 'node:fs';
import { MOUNT } from '../../abi/mount.js';
import { backingOf, btrfsDevices } from '../../linux/block_device.js';
import type { Mount } from '../../linux/mount_table.js';
import { contentOf, type Doubt } from './file_systems.js';
import { mayWrite } from './links.js';
import type { Missing } from './missing.js';
import { isWithin, mountOf, moved, type OwnMount, otherViews, UNUSABLE } from './mount_plan.js';
import { asBytes } from './paths.js';
import type { Reader } from './reader.js';

/** What follows from what trees are made from. */
export interface Backing {
  /** Mounts over what they are made from, and over what in them is not trusted. */
  readonly own: readonly OwnMount[];
  /** Sentences on what is not trusted. */
  readonly notes: readonly string[];
  /** Trees that are not trusted. */
  readonly missing: readonly Missing[];
  /** Folders and files that the trees are made from. */
  readonly layers: readonly string[];
}

/** Which mounts there are, and what is trusted. */
export interface World {
  /** All mounts, and those that can be seen. */
  readonly all: readonly Mount[];
  readonly visible: readonly Mount[];
  /** Trees that are trusted. */
  readonly trees: readonly string[];
  /** Paths that the user has named as trusted. */
  readonly vouched: readonly string[];
  readonly reader: Reader;
}

/** Where container engines keep the folders that they name by relative paths. */
const ENGINE_FOLDERS: readonly string[] = [
  '/var/lib/docker/overlay2',
  '/var/lib/containers/storage/overlay',
  '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots',
];
/** The end of a path has to be so long to be looked for elsewhere: shorter ones mean something else where they are found. */
const SHORTEST_END = 3;

/** What a path leads to here; undefined where there is nothing, null where this process may not look. */
export function resolved(path: string): string | undefined | null {
  try {
    return realpathSync.native(asBytes(path), 'latin1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? null : undefined;
  }
}

/**
 * Where something can be that was named by a path of another mount namespace, as of the host of a container: on a mount
 * that shows a folder on the way to it.
 */
export function placesElsewhere(path: string, mounts: readonly Mount[], own: Mount): readonly string[] {
  const names = path.split('/').filter((name) => name !== '');
  const ends = names
    .map((_, index) => names.slice(index))
    .filter((end, index) => index === 0 || end.length >= SHORTEST_END);
  return ends.flatMap((end) => {
    const place = `/${end.join('/')}`;
    return mounts
      .filter((mount) => mount.device !== own.device && isWithin(place, mount.root))
      .map((mount) => ({ mount, there: moved(place, mount.root, mount.path) }))
      .filter(({ mount, there }) => mountOf(mounts, there) === mount)
      .map(({ there }) => there);
  });
}

/** Looks at what trees are made from. */
class Search {
  readonly #world: World;
  readonly readOnly = new Set<string>();
  readonly layers = new Set<string>();
  readonly #known = new Map<Mount, Doubt | undefined>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Why a mount's files are not trusted; what they are made from is added to what becomes read-only. */
  doubtOf(mount: Mount): Doubt | undefined {
    if (this.#known.has(mount)) return this.#known.get(mount);
    this.#known.set(mount, undefined);
    const { layers, isOnDevice, doubt } = contentOf(mount, this.#world.reader);
    const found =
      doubt ??
      this.#firstOf(layers, (layer) => this.#layer(layer, mount)) ??
      (isOnDevice ? this.#device(mount) : undefined);
    this.#known.set(mount, found);
    return found;
  }

  #firstOf<T>(all: readonly T[], judge: (one: T) => Doubt | undefined): Doubt | undefined {
    const doubts = all.map(judge);
    return doubts.find((doubt) => doubt !== undefined);
  }

  #device(mount: Mount): Doubt | undefined {
    const { type, device, source } = mount;
    const devices = type === 'btrfs' ? btrfsDevices(source) : device.startsWith('0:') ? [] : [device];
    return this.#firstOf(devices, (one) => {
      const { files, unknown } = backingOf(one);
      const [reason] = unknown;
      // What serves the root folder's device was there before every process of it.
      if (reason !== undefined && mount.path !== '/') return { reason, canBeNamed: true };
      return this.#firstOf(files, (file) => this.#layer(file, mount));
    });
  }

  /** Has a folder or file become read-only, wherever it is seen, and what it is made from. */
  #layer(path: string, of: Mount): Doubt | undefined {
    const { visible } = this.#world;
    if (!path.startsWith('/')) {
      const found = ENGINE_FOLDERS.flatMap((folder) => this.#elsewhere(`${folder}/${path}`, of));
      if (found.length > 0) return this.#firstOf(found, (one) => this.#seen(one, of));
      return of.path === '/'
        ? undefined
        : { reason: `it is made from ${path}, and from where on that is, is not known`, canBeNamed: true };
    }
    const there = resolved(path);
    if (there === null) return undefined;
    if (there !== undefined) return this.#seen(there, of);
    return this.#firstOf(placesElsewhere(path, visible, of), (one) => {
      const found = resolved(one);
      return typeof found === 'string' ? this.#seen(found, of) : undefined;
    });
  }

  #elsewhere(path: string, of: Mount): readonly string[] {
    return [path, ...placesElsewhere(path, this.#world.visible, of)]
      .map(resolved)
      .filter((one) => typeof one === 'string');
  }

  /** Has what a path leads to become read-only. */
  #seen(path: string, of: Mount): Doubt | undefined {
    const { all, visible, trees } = this.#world;
    const top = mountOf(visible, path);
    if (top === undefined) return undefined;
    this.layers.add(path);
    if (top !== of) {
      if (path === '/')
        return { reason: 'it is made from the root folder, which cannot become read-only', canBeNamed: true };
      const status = lstatSync(asBytes(path), { bigint: true });
      // A file that the user cannot write, as those of snaps, needs no mount.
      if (status.isFile() && !mayWrite(path, status, this.#world.reader)) return this.doubtOf(top);
      if (status.isFile() && status.nlink > 1n) {
        return {
          reason: `it is made from ${path}, which has another name (a hard link) and can be written by that`,
          canBeNamed: false,
        };
      }
      if (!trees.some((tree) => isWithin(path, tree))) this.readOnly.add(path);
    }
    // One that lies where the mount itself is, is under it: other mounts may show it.
    const below = all.filter((one, index) => !isWithin(one.path, of.path) || index < all.indexOf(of));
    const own = top === of ? mountOf(below, path) : top;
    if (own === undefined) return undefined;
    const { whole, parts } = otherViews(visible, own, moved(path, own.path, own.root), trees);
    for (const one of [...whole, ...parts]) if (one !== of.path) this.readOnly.add(one);
    return this.doubtOf(own);
  }
}

/** What is said of a mount that is not trusted. */
function sentence({ path, type }: Mount, { reason, canBeNamed }: Doubt): string {
  const remedy = canBeNamed ? `name it with --exec if you trust that, or use a copy` : 'use a copy';
  return `nothing is executed from ${path} (${type}): ${reason}; ${remedy}`;
}

/** Looks at what the trusted trees are made from. */
export function secureBacking(world: World): Backing {
  const { visible, trees, vouched } = world;
  const search = new Search(world);
  const isVouched = (mount: Mount): boolean =>
    vouched.some((path) => isWithin(mount.path, path) || mountOf(visible, path) === mount);
  const doubtOf = (mount: Mount): Doubt | undefined => {
    const doubt = search.doubtOf(mount);
    return doubt?.canBeNamed && isVouched(mount) ? undefined : doubt;
  };
  const missing: Missing[] = [];
  for (const tree of trees) {
    const mount = mountOf(visible, tree);
    const doubt = mount === undefined ? undefined : doubtOf(mount);
    if (mount === undefined || doubt === undefined) continue;
    missing.push({
      what: `${tree} cannot be trusted: on ${mount.path} (${mount.type}) ${doubt.reason}`,
      remedy: doubt.canBeNamed ? `name it, if you trust that: --exec ${tree}` : 'use a copy',
      open: 'its files may be changed while they are executed',
    });
  }
  const inner = visible.filter(({ path }) => trees.some((tree) => path !== tree && isWithin(path, tree)));
  const distrusted = inner.flatMap((mount) => {
    const doubt = doubtOf(mount);
    return doubt === undefined ? [] : [{ mount, doubt }];
  });
  return {
    own: [
      ...[...search.readOnly].map((path) => ({ path, attributes: UNUSABLE })),
      ...distrusted.map(({ mount }) => ({
        path: mount.path,
        attributes: MOUNT.MOUNT_ATTR_NOEXEC | MOUNT.MOUNT_ATTR_NODEV,
      })),
    ],
    notes: distrusted.map(({ mount, doubt }) => sentence(mount, doubt)),
    missing,
    layers: [...search.layers],
  };
}
