/**
 * Reading the code of a context on x86-64 and i386. Nothing here is shared with what writes it.
 *
 * The entry and the general part are known to the last byte, as the GNU assembler has them. The quick part of x86-64 is
 * read instruction by instruction; what it loads, and from where, must agree with one set of registers.
 *
 * @module
 */

/** Names of the registers by their number in instructions. */
const NUMBERED = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
/** Names in the order in which a block has their values. */
const ORDERED = 'rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

/** Offsets in the data, in bytes: both halves of the target and of the first register's value, in each block. */
const BLOCKS = [
  { target: 144, value: 168 },
  { target: 728, value: 752 },
] as const;
const VALUE_DISTANCE = 24;

/*
 * Bytes in hexadecimal. `<N>` is a displacement of 32 bits to the data's byte N, `<general>`, `<quick>` and `<entry>` one
 * to there: from the end of the instruction, or on i386 from byte 0x31, whose address ebp holds.
 */
const ENTRY_64 = 'f30f1efa 48894424f8 48894c24f0 48895424e8 488b05<0> 0fb6c8 e310 488d49ff e305 e9<general> e9<quick>';

const LOAD_ALL_64 =
  'ff742478 9d 488b0424 488b5c2408 488b4c2410 488b542418 488b742420 488b7c2428 488b6c2430 4c8b442438 4c8b4c2440 ' +
  '4c8b542448 4c8b5c2450 4c8b642458 4c8b6c2460 4c8b742468 4c8b7c2470';

const GENERAL_64 =
  '488da424c0fbffff 48895c2408 4889742420 48897c2428 48896c2430 4c89442438 4c894c2440 4c89542448 4c895c2450 ' +
  '4c89642458 4c896c2460 4c89742468 4c897c2470 488b842438040000 48890424 488b8c2430040000 48894c2410 ' +
  '488b942428040000 4889542418 9c 8f442478 fc 488b1d<0> f6c304 0f85a9010000 488d35<64> f6c301 0f8407000000 ' +
  '488db648020000 488dbc2490000000 488b0e f348a5 483b1d<0> 0f85beffffff 488db42440040000 4889f7 482bbc2498000000 ' +
  '4823bc24a0000000 482bbc24a8000000 4889fa 4829f2 48239424b0000000 4801f2 488b8c24c8000000 4803bc24d0000000 ' +
  '488db42458020000 e31b 488b06 48034608 488907 488d7610 488d7f08 488d49ff e9e3ffffff 488b8c24c0000000 ' +
  '488db424f0000000 e31c 488b3e 488b4608 48034610 4889043c 488d7618 488d49ff e9e2ffffff 488b8424e0000000 ' +
  '48038424e8000000 4889942480000000 488b8c24b8000000 e35f 48894280 ' +
  `${LOAD_ALL_64} 488ba42480000000 ff642480 488942f8 ${LOAD_ALL_64} 488ba42480000000 ff6424f8 ` +
  `${LOAD_ALL_64} 488da42440040000 8805<entry> f4`;

const CODE_32 =
  'f30f1efb 8da424c0fbffff 890424 895c2404 894c2408 8954240c 89742410 897c2414 896c2418 9c 8f44241c fc e800000000 5d ' +
  '8b85<4> 89442424 8b9d<0> f6c304 0f85d9000000 8db5<64> f6c301 0f8406000000 8db604010000 8d7c2428 8b0e f3a5 ' +
  '3b9d<0> 0f85beffffff 8b442424 3b85<4> 0f85aeffffff 8db42440040000 89f7 2b7c242c 237c2430 2b7c2434 89fa 29f2 ' +
  '23542438 01f2 8b4c2444 037c2448 8db424ac000000 e315 8b06 034604 8907 8d7608 8d7f04 8d49ff e9e9ffffff 8b4c2440 ' +
  '8d742458 e316 8b3e 8b4604 034608 89043c 8d760c 8d49ff e9e8ffffff 8b442450 03442454 8d92bcfeffff 8902 89542420 ' +
  'ff74241c 9d 8b0424 8b5c2404 8b4c2408 8b54240c 8b742410 8b7c2414 8b6c2418 8b642420 c24001 ' +
  'ff74241c 9d 8b0424 8b5c2404 8b4c2408 8b54240c 8b742410 8b7c2414 8da42440040000 8885<entry> f4';
const BASE_32 = 0x31;

/** Reads code from its start to its end. Every step says whether the code goes on as it must. */
class Reader {
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

  /** Whether a whole text stands here. `from`: see {@link BASE_32}. */
  text(text: string, places: Readonly<Record<string, number>>, from?: number): boolean {
    for (const [, hexadecimal, name] of text.replaceAll(' ', '').matchAll(/([0-9a-f]+)|<(\w+)>/g)) {
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

/** `lea (%rcx,%rdx,1),%rdx`, behind the loads of two neighbouring words: what offset of the data they are at. */
function readValue(reader: Reader): number | undefined {
  if (!reader.bytes('488b0d')) return undefined;
  const first = reader.target();
  if (!reader.bytes('488b15')) return undefined;
  const second = reader.target();
  if (first === undefined || second !== first + 8 || !reader.bytes('488d1411')) return undefined;
  return first - reader.dataOffset;
}

/** The register that `mov %rdx,%REGISTER` writes, or nothing. */
function readMove({ code, at }: Reader): string | undefined {
  const prefix = code.getUint8(at);
  const operand = code.getUint8(at + 2);
  if ((prefix & 0b1111_1110) !== 0b0100_1000 || code.getUint8(at + 1) !== 0x89) return undefined;
  if ((operand & 0b1111_1000) !== 0b11_010_000) return undefined;
  return NUMBERED[((prefix & 1) << 3) | (operand & 0b111)];
}

/** The register that `mov DISPLACEMENT(%rsp),%REGISTER` loads, or nothing; the displacement has 8 bits. */
function readLoad({ code, at }: Reader, displacement: number): string | undefined {
  const prefix = code.getUint8(at);
  const operand = code.getUint8(at + 2);
  if ((prefix & 0b1111_1011) !== 0b0100_1000 || code.getUint8(at + 1) !== 0x8b) return undefined;
  if ((operand & 0b1100_0111) !== 0b01_000_100 || code.getUint8(at + 3) !== 0x24) return undefined;
  if (code.getInt8(at + 4) !== displacement) return undefined;
  return NUMBERED[((prefix & 0b100) << 1) | ((operand >> 3) & 0b111)];
}

/** The quick part of one block: the registers that it loads, in their order, or nothing where it is none. */
function readQuickPart(reader: Reader, block: (typeof BLOCKS)[number], again: number): string[] | undefined {
  if (readValue(reader) !== block.target || !reader.bytes('48895424e0')) return undefined;
  // The values are read first, and which registers they are for is seen only where they are loaded.
  const kept: number[] = [];
  let last: number | undefined;
  for (;;) {
    const start = reader.at;
    const value = readValue(reader);
    if (value === undefined) {
      reader.at = start;
      break;
    }
    const displacement = -40 - 8 * kept.length;
    if (reader.bytes(`48895424${(displacement & 0xff).toString(16).padStart(2, '0')}`)) {
      kept.push(value);
      continue;
    }
    last = value;
    break;
  }
  if (!reader.bytes('488b0d') || !reader.data(0) || !reader.bytes('48f7d1488d4c0801e305e9')) return undefined;
  if (reader.target() !== again) return undefined;

  const values = new Map<string, number>();
  if (last !== undefined) {
    const moved = readMove(reader);
    // No move: the value is rdx's own.
    if (moved !== undefined) reader.at += 3;
    values.set(moved ?? 'rdx', last);
  }
  for (const [index, value] of kept.entries()) {
    const register = readLoad(reader, -40 - 8 * index);
    if (register === undefined || values.has(register)) return undefined;
    reader.at += 5;
    values.set(register, value);
  }
  for (const [register, displacement] of [
    ['rdx', -24],
    ['rcx', -16],
    ['rax', -8],
  ] as const) {
    if (values.has(register)) continue;
    if (readLoad(reader, displacement) !== register) return undefined;
    reader.at += 5;
  }
  if (!reader.bytes('ff6424e0')) return undefined;
  const names = ORDERED.filter((name) => values.has(name));
  const inOrder = names.every((name, index) => values.get(name) === block.value + VALUE_DISTANCE * index);
  return names.length === values.size && inOrder ? names : undefined;
}

function recognise64(code: DataView, dataOffset: number): readonly string[] | undefined {
  const reader = new Reader(code, dataOffset);
  // Where the parts behind stand is known when they are reached.
  const [general, quick1] = [0x26, 0x2b].map((at) => at + 4 + code.getInt32(at, true));
  const again = 0x13;
  if (!reader.text(ENTRY_64, { general: general ?? 0, quick: quick1 ?? 0 })) return undefined;
  const names = readQuickPart(reader, BLOCKS[0], again);
  if (names === undefined || reader.at !== quick1) return undefined;
  const others = readQuickPart(reader, BLOCKS[1], again);
  if (others === undefined || others.join() !== names.join() || reader.at !== general) return undefined;
  return reader.text(GENERAL_64, { entry: 0 }) && reader.onlyTraps() ? names : undefined;
}

function recognise32(code: DataView, dataOffset: number): readonly string[] | undefined {
  const reader = new Reader(code, dataOffset);
  return reader.text(CODE_32, { entry: 0 }, BASE_32) && reader.onlyTraps() ? [] : undefined;
}

/** The registers that the quick part of a context's code loads, or nothing where any bit of the code is another. */
export function recogniseX86Context(code: DataView, bits: 64 | 32, dataOffset: number): readonly string[] | undefined {
  // Shorter than any such code: nothing is read behind its end.
  if (code.byteLength !== dataOffset || dataOffset < 4096) return undefined;
  return bits === 64 ? recognise64(code, dataOffset) : recognise32(code, dataOffset);
}
