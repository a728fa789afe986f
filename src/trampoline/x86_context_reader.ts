/**
 * Reading machine code of x86 step by step, from its start to its end.
 *
 * @module
 */

/** Reads code from its start to its end. Every step says whether the code goes on as it must. */
export class Reader {
  readonly code: DataView;
  readonly dataOffset: number;
  at = 0;

  constructor(code: DataView, dataOffset: number) {
    this.code = code;
    this.dataOffset = dataOffset;
  }

  /** Whether bytes stand here; if so they are behind us. */
  bytes(hexadecimal: string): boolean {
    for (let index = 0; index < hexadecimal.length; index += 2) {
      const offset = this.at + index / 2;
      if (offset >= this.code.byteLength) return false;
      if (this.code.getUint8(offset) !== Number.parseInt(hexadecimal.slice(index, index + 2), 16)) return false;
    }
    this.at += hexadecimal.length / 2;
    return true;
  }

  /** A displacement of 32 bits: what it points to, or nothing where the code has ended. */
  target(from: number = this.at + 4): number | undefined {
    if (this.at + 4 > this.code.byteLength) return undefined;
    const target = from + this.code.getInt32(this.at, true);
    this.at += 4;
    return target;
  }

  /** Whether a displacement to a byte of the data stands here. */
  data(offset: number): boolean {
    return this.target() === this.dataOffset + offset;
  }

  /**
   * Whether a whole text stands here: bytes in hexadecimal, spaces between as one likes. `<N>` is a displacement of 32
   * bits to the data's byte N, `<name>` one to a place of `places`.
   *
   * @param from where displacements are counted from; the end of their instruction when absent
   */
  text(text: string, places: Readonly<Record<string, number>>, from?: number): boolean {
    for (const [, hexadecimal, name] of text.matchAll(/([0-9a-f]+)|<([^>]+)>/g)) {
      if (hexadecimal !== undefined) {
        if (!this.bytes(hexadecimal)) return false;
      } else if (name !== undefined) {
        const expected = places[name] ?? this.dataOffset + Number(name);
        if (this.target(from) !== expected) return false;
      }
    }
    return true;
  }

  /** Whether all that is left are traps. */
  onlyTraps(): boolean {
    for (let offset = this.at; offset < this.code.byteLength; offset++) {
      if (this.code.getUint8(offset) !== 0xcc) return false;
    }
    return true;
  }
}
