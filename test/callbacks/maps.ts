/**
 * What the memory of a run's processes may be used for, as /proc/PID/maps says.
 *
 * @see proc_pid_maps(5)
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** One line of a process's maps. */
interface Line {
  readonly text: string;
  readonly permissions: string;
  /** Device and inode, or undefined where no file is mapped. */
  readonly file: string | undefined;
}

function parse(text: string): readonly Line[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, permissions = '', , device = '', inode = '0'] = line.split(/ +/);
      return { text: line, permissions, file: inode === '0' ? undefined : `${device} ${inode}` };
    });
}

/**
 * What should not be: memory that is writable and executable, and files that are executable in one mapping and can be
 * written through another one. What is written to a private mapping stays in it.
 */
export interface Findings {
  readonly writableCode: readonly string[];
  readonly writableAliases: readonly string[];
}

/** Judges the maps of processes that may share files. */
export function judgeMaps(maps: readonly string[]): Findings {
  const lines = maps.flatMap(parse);
  const executable = new Set(lines.filter(({ permissions }) => permissions[2] === 'x').map(({ file }) => file));
  executable.delete(undefined);
  return {
    writableCode: lines.filter(({ permissions }) => /^.wx/.test(permissions)).map(({ text }) => text),
    writableAliases: lines
      .filter(({ permissions, file }) => /^.w.s/.test(permissions) && executable.has(file))
      .map(({ text }) => text),
  };
}

/** The processes below one, in no order. */
export function descendants(processId: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (parent: number): number[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(processId);
}

/** The text of /proc/PID/maps. */
export function readMaps(processId: number): string {
  return readFileSync(`/proc/${processId}/maps`, 'latin1');
}
