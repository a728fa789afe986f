/**
 * Which parts of files a block device writes to through loop devices (loop(4), sysfs(5)): two loop devices may have the same
 * file, or others parts of it.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { deviceName } from './block_device.js';

/** A part of a file. Its path has a character for each byte. */
export interface FilePart {
  /** The loop device, as `loop0`. */
  readonly loop: string;
  readonly file: string;
  /** Bytes of the file: from the first to before the second. */
  readonly from: number;
  readonly to: number;
}

/** Bytes of a sector, in which sysfs counts. */
const SECTOR = 512;
/** More than any stack of devices has. */
const DEEPEST = 16;

function text(path: string): string | undefined {
  // Most are not there, and an error takes longer than a look.
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'latin1').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

function number(path: string): number {
  return Number(text(path) ?? 0);
}

function slavesOf(folder: string): readonly string[] {
  try {
    return readdirSync(`${folder}/slaves`, 'latin1');
  } catch {
    return [];
  }
}

/**
 * The parts of files that a block device writes to.
 *
 * @param device - `major:minor`
 * @param sys - where sysfs is
 */
export function filePartsOf(device: string, sys = '/sys', depth = 0): readonly FilePart[] {
  if (depth > DEEPEST) return [];
  let folder: string;
  try {
    folder = realpathSync.native(`${sys}/dev/block/${device}`);
  } catch {
    return [];
  }
  if (text(`${folder}/partition`) !== undefined) {
    const start = number(`${folder}/start`) * SECTOR;
    const size = number(`${folder}/size`) * SECTOR;
    return filePartsOf(text(`${dirname(folder)}/dev`) ?? '', sys, depth + 1).map((part) => ({
      ...part,
      from: part.from + start,
      to: part.from + start + size,
    }));
  }
  const file = text(`${folder}/loop/backing_file`);
  if (file === undefined) {
    return slavesOf(folder).flatMap((slave) =>
      filePartsOf(text(`${folder}/slaves/${slave}/dev`) ?? '', sys, depth + 1),
    );
  }
  const status = statSync(Buffer.from(file, 'latin1'), { throwIfNoEntry: false });
  if (status?.isBlockDevice()) return filePartsOf(deviceName(status.rdev), sys, depth + 1);
  const from = number(`${folder}/loop/offset`);
  const limit = number(`${folder}/loop/sizelimit`);
  return [{ loop: basename(folder), file, from, to: from + (limit === 0 ? Number.MAX_SAFE_INTEGER / 2 : limit) }];
}
