/**
 * Reading the code of a context on x86-64. Nothing here is shared with what writes it.
 *
 * The entry and the general part are known to the last byte, as the GNU assembler has them. The quick part is read
 * instruction by instruction; what it loads, and from where, must agree with one set of registers.
 *
 * @module
 */
import { Reader } from './x86_context_reader.js';

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

const ENTRY = 'f30f1efa 48894424f8 48894c24f0 48895424e8 488b05<0> 0fb6c8 e310 488d49ff e305 e9<general> e9<quick>';

const LOAD_ALL =
  'ff742478 9d 488b0424 488b5c2408 488b4c2410 488b542418 488b742420 488b7c2428 488b6c2430 4c8b442438 4c8b4c2440 ' +
  '4c8b542448 4c8b5c2450 4c8b642458 4c8b6c2460 4c8b742468 4c8b7c2470';

const GENERAL =
  '488da424c0fbffff 48895c2408 4889742420 48897c2428 48896c2430 4c89442438 4c894c2440 4c89542448 4c895c2450 ' +
  '4c89642458 4c896c2460 4c89742468 4c897c2470 488b842438040000 48890424 488b8c2430040000 48894c2410 ' +
  '488b942428040000 4889542418 9c 8f442478 fc 488b1d<0> f6c304 0f85a9010000 488d35<64> f6c301 0f8407000000 ' +
  '488db648020000 488dbc2490000000 488b0e f348a5 483b1d<0> 0f85beffffff 488db42440040000 4889f7 482bbc2498000000 ' +
  '4823bc24a0000000 482bbc24a8000000 4889fa 4829f2 48239424b0000000 4801f2 488b8c24c8000000 4803bc24d0000000 ' +
  '488db42458020000 e31b 488b06 48034608 488907 488d7610 488d7f08 488d49ff e9e3ffffff 488b8c24c0000000 ' +
  '488db424f0000000 e31c 488b3e 488b4608 48034610 4889043c 488d7618 488d49ff e9e2ffffff 488b8424e0000000 ' +
  '48038424e8000000 4889942480000000 488b8c24b8000000 e35f 48894280 ' +
  `${LOAD_ALL} 488ba42480000000 ff642480 488942f8 ${LOAD_ALL} 488ba42480000000 ff6424f8 ` +
  `${LOAD_ALL} 488da42440040000 8805<entry> f4`;

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

/**
 * The registers that the quick part of a context's code loads, or nothing where any bit of the code is another.
 *
 * @param code exactly `dataOffset` bytes, at least a page
 */
export function recogniseX8664Context(code: DataView, dataOffset: number): readonly string[] | undefined {
  const reader = new Reader(code, dataOffset);
  // Where the parts behind stand is known when they are reached.
  const [general, quick1] = [0x26, 0x2b].map((at) => at + 4 + code.getInt32(at, true));
  const again = 0x13;
  if (!reader.text(ENTRY, { general: general ?? 0, quick: quick1 ?? 0 })) return undefined;
  const names = readQuickPart(reader, BLOCKS[0], again);
  if (names === undefined || reader.at !== quick1) return undefined;
  const others = readQuickPart(reader, BLOCKS[1], again);
  if (others === undefined || others.join() !== names.join() || reader.at !== general) return undefined;
  return reader.text(GENERAL, { entry: 0 }) && reader.onlyTraps() ? names : undefined;
}
