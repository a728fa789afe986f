/**
 * Paths as text with a character for each byte, as mount tables have them.
 *
 * @module
 */

/** A path's bytes as such text. */
export function bytesText(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

/** A path of {@link bytesText} as the file system takes it. */
export function asBytes(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
