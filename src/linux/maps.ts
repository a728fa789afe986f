/**
 * The mappings of processes, as /proc/PID/maps has them (proc(5)).
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { readProcText } from './proc_text.js';

/** One line of /proc/PID/maps. */
export interface MapsLine {
  readonly start: bigint;
  /** First address behind it. */
  readonly end: bigint;
  /** As `r-xp`. */
  readonly permissions: string;
  /** Offset in the file. */
  readonly offset: bigint;
  readonly inode: bigint;
  /** Device of the inode, as major * 2^32 + minor; inode numbers are unique on one device only. */
  readonly device: number;
  /** File, `[stack]` and the like, or empty. */
  readonly name: string;
  /** The line as the kernel printed it. */
  readonly text: string;
}

/** A file's name may hold whatever ends a line elsewhere, but for the newline, which the kernel escapes. */
const MAPS_LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/s;

/** The fields of a line; undefined where it is none. */
function parsed(text: string): MapsLine | undefined {
  const match = MAPS_LINE.exec(text);
  if (match === null) return undefined;
  const [, start = '', end = '', permissions = '', offset = '', major = '', minor = '', inode = '', name = ''] = match;
  return {
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
    permissions,
    offset: BigInt(`0x${offset}`),
    inode: BigInt(inode),
    device: Number.parseInt(major, 16) * 2 ** 32 + Number.parseInt(minor, 16),
    name,
    text,
  };
}

/** A line whose fields are read when somebody asks for one: a process may have ten thousands of lines. */
class UnreadLine implements MapsLine {
  readonly text: string;
  #fields: MapsLine | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get #read(): MapsLine {
    this.#fields ??= parsed(this.text);
    // Memory that is not seen would be memory that is not judged.
    if (this.#fields === undefined)
      throw new TrampfdError('EIO', `/proc/PID/maps has a line of another form: ${this.text}`);
    return this.#fields;
  }

  get start(): bigint {
    return this.#read.start;
  }

  get end(): bigint {
    return this.#read.end;
  }

  get permissions(): string {
    return this.#read.permissions;
  }

  get offset(): bigint {
    return this.#read.offset;
  }

  get inode(): bigint {
    return this.#read.inode;
  }

  get device(): number {
    return this.#read.device;
  }

  get name(): string {
    return this.#read.name;
  }
}

/** Lines that are read at once, where there are no more: to read them later would take longer. */
const FEW_LINES = 512;

/** The mappings in the text of /proc/PID/maps; undefined where it has another form. */
export function mappingsOf(text: string): readonly MapsLine[] | undefined {
  const texts = text.split('\n');
  texts.pop();
  if (texts.length > FEW_LINES) return texts.map((line) => new UnreadLine(line));
  const lines: MapsLine[] = [];
  for (const line of texts) {
    const read = parsed(line);
    if (read === undefined) return undefined;
    lines.push(read);
  }
  return lines;
}

/** All mappings of a process, or undefined where they cannot be read. @throws as {@link readProcText} */
export function mappings(processId: number): readonly MapsLine[] | undefined {
  const text = readProcText(processId, 'maps', 'utf8');
  return text === undefined ? undefined : mappingsOf(text);
}

/**
 * Inodes of one device that a thread's process has mapped, or undefined where that cannot be read. It is made for
 * processes with ten thousands of mappings: the lines of other devices are not looked at.
 *
 * @param threadId - of a thread that has not ended: what is left of a process's first thread has no mappings
 * @param device - as major * 2^32 + minor
 */
export function mappedInodes(threadId: number, device: number): ReadonlySet<bigint> | undefined {
  const text = readProcText(threadId, 'maps', 'latin1');
  if (text === undefined) return undefined;
  const number = (value: number): string => value.toString(16).padStart(2, '0');
  const line = new RegExp(` ${number(Math.floor(device / 2 ** 32))}:${number(device % 2 ** 32)} (\\d+) `, 'g');
  // A file's name may look like that. What it adds is an inode more, of a file that its process chose to name so.
  return new Set(Array.from(text.matchAll(line), ([, inode = '']) => BigInt(inode)));
}
