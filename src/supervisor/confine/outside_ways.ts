/**
 * Ways around the mounts of trusted trees: what they are made from, other names of their files, and the programs that the
 * kernel starts. All of it as what is to be mounted besides, what is to be said, and what is missing.
 *
 * @module
 */
import type { Mount } from '../../linux/mount_table.js';
import { visibleMounts } from '../../linux/mount_table.js';
import { secureBacking } from './backing.js';
import type { FolderTimes } from './executables.js';
import { kernelHelpers } from './kernel_helpers.js';
import { systemLinks } from './link_record.js';
import { cover } from './links.js';
import type { Missing } from './missing.js';
import { isWithin, mountOf, moved, type OwnMount, otherViews, UNUSABLE } from './mount_plan.js';
import { ownFiles } from './own_files.js';
import { linkError, type Surroundings, type TrustedTrees } from './trees.js';
import { outsideWriters } from './writers.js';

/** What is done about the ways around. */
export interface OutsideWays {
  readonly own: readonly OwnMount[];
  /** Sentences for the person who starts the run. */
  readonly notes: readonly string[];
  readonly missing: readonly Missing[];
}

/** Where else what is read-only by own mounts is seen: read-only there, too. */
function elsewhere(visible: readonly Mount[], own: readonly OwnMount[], trees: readonly string[]): readonly OwnMount[] {
  return own.flatMap(({ path, attributes }) => {
    const mount = attributes === UNUSABLE ? mountOf(visible, path) : undefined;
    if (mount === undefined) return [];
    const { whole, parts } = otherViews(visible, mount, moved(path, mount.path, mount.root), trees);
    return [...whole, ...parts].map((view) => ({ path: view, attributes: UNUSABLE }));
  });
}

/**
 * Looks for the ways around the trusted trees.
 *
 * @param guarded - what else no run may write
 * @param times - when folders were changed, as far as that was just looked at
 * @throws TrampfdError EMLINK where what was named, or the program, has a file with a name outside
 */
export function outsideWays(
  trusted: TrustedTrees,
  { reader, mounts: all }: Surroundings,
  guarded: readonly string[],
  times: FolderTimes,
): OutsideWays {
  const visible = visibleMounts(all);
  const trees = [...trusted.system, ...trusted.named];
  const backing = secureBacking({ all, visible, trees, vouched: trusted.vouched, reader });
  const links = systemLinks(trusted.system, visible, reader, times);
  const named = [...trusted.vouched, ...trusted.programFile].find((path) =>
    links.outside.some((one) => isWithin(one, path)),
  );
  if (named !== undefined) throw linkError(named);
  const covered = cover(links.outside, trusted.system);
  const helpers = kernelHelpers(visible, trees, reader);
  const [first] = links.outside;
  const notes = first === undefined ? [] : [linkNote(first, links.outside.length)];
  const toMany: Missing = {
    what: `${links.outside.length} files of ${covered.whole} have other names outside of it (hard links), as ${first} does`,
    remedy: 'remove those names, or have them on a file system of their own; or start as an ordinary user',
    open: 'they can be written by these names while they are executed',
  };
  // What the next supervisor is read from is written by no run, wherever it lies.
  const own = [...ownFiles(), ...guarded].filter((path) => !trees.some((tree) => isWithin(path, tree)));
  const views = [...links.own, ...helpers.own, ...own.map((path) => ({ path, attributes: UNUSABLE }))];
  return {
    own: [
      ...backing.own,
      ...outsideWriters({ visible, trees, layers: backing.layers }),
      ...views,
      ...elsewhere(visible, views, trees),
      ...(covered.whole === undefined ? covered.own : []),
    ],
    notes: [...backing.notes, ...notes],
    missing: [...backing.missing, ...helpers.missing, ...(covered.whole === undefined ? [] : [toMany])],
  };
}

function linkNote(first: string, count: number): string {
  const files =
    count === 1
      ? `${first} is not executed: it has`
      : `${first} and ${count - 1} more files are not executed: they have`;
  return `${files} another name outside of the trusted trees (a hard link), by which this run could write to it; remove that name (find / -xdev -samefile FILE shows it), or use copies (cp -a)`;
}
