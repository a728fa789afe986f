/**
 * Files of /proc that hold a field a line, as /proc/ID/status does (proc(5)).
 *
 * A process chooses what some of their text says, its name for one. Of such text the kernel escapes the newline alone, so
 * a line is what stands between two newlines: to a regular expression a carriage return and two characters of Unicode end
 * one as well.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/**
 * A field of a text.
 *
 * @returns what stands behind its name, a colon and blanks, to the end of its line; undefined where there is none
 */
export function fieldOf(text: string, name: string): string | undefined {
  const start = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1;
  if (start === 0 && !text.startsWith(`${name}:`)) return undefined;
  const end = text.indexOf('\n', start);
  let from = start + name.length + 1;
  while (text[from] === '\t' || text[from] === ' ') from++;
  return text.slice(from, end < 0 ? undefined : end);
}

/** The text of /proc/ID/status, or undefined where the thread is gone. */
export function statusOf(id: number | 'self'): string | undefined {
  try {
    return readFileSync(`/proc/${id}/status`, 'latin1');
  } catch {
    return undefined;
  }
}

/** A field of /proc/ID/status, or undefined where the thread is gone, or the kernel does not tell it. */
export function statusField(id: number | 'self', name: string): string | undefined {
  const status = statusOf(id);
  return status === undefined ? undefined : fieldOf(status, name);
}
