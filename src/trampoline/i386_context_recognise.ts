/**
 * Reading the code of a context on i386. Nothing here is shared with what writes it.
 *
 * The entry and the general part are known to the last byte, as the GNU assembler has them. The quick part is read
 * instruction by instruction; what it loads, and from where, must agree with one set of registers.
 *
 * @module
 */
import { Reader } from './x86_context_reader.js';

/** Names of the registers by their number in instructions. */
const NUMBERED = 'eax ecx edx ebx esp ebp esi edi'.split(' ');
/** Names in the order in which a block has their values. */
const ORDERED = 'eax ebx ecx edx esi edi ebp'.split(' ');

/** Offsets in the data, in bytes: the halves of the target and of the first register's value, in each block. */
const BLOCKS = [
  { target: 104, value: 116 },
  { target: 364, value: 376 },
] as const;
const VALUE_DISTANCE = 12;

/** Addresses that displacements are counted from: edx holds the first, ebp the other, so far behind the general part's start. */
const HERE = 0x28;
const GENERAL_BASE = 0x2d;
/** Where a call begins anew. */
const AGAIN = 0x29;
/** Where a call comes in. */
const CALLED = 0x10;

const ENTRY =
  'f30f1efb 8d6424c0 890424 894c2404 89542408 e800000000 5a 8b82<4> 89442410 8b82<0> 8944240c 0fb6cc e3be 8d49fe e3be';

const GENERAL =
  '8da424c0fbffff 890424 895c2404 894c2408 8954240c 89742410 897c2414 896c2418 9c 8f44241c fc e800000000 5d ' +
  '8b85<4> 89442424 8b9d<0> f6c304 0f85dd000000 8db5<64> f6c301 0f8406000000 8db604010000 8d7c2428 8b0e f3a5 ' +
  '3b9d<0> 0f85beffffff 8b442424 3b85<4> 0f85aeffffff 8db42440040000 89f7 2b7c242c 2b7c2444 237c2430 2b7c2434 89fa 29f2 ' +
  '23542438 01f2 8b4c2440 037c2448 8db424ac000000 e315 8b06 034604 8907 8d7608 8d7f04 8d49ff e9e9ffffff 8b4c244c ' +
  '8d742458 e316 8b3e 8b4604 034608 89043c 8d760c 8d49ff e9e8ffffff 8b442450 03442454 8d92bcfeffff 8902 89542420 ' +
  'ff74241c 9d 8b0424 8b5c2404 8b4c2408 8b54240c 8b742410 8b7c2414 8b6c2418 8b642420 c24001 ' +
  'ff74241c 9d 8b0424 8b5c2404 8b4c2408 8b54240c 8b742410 8b7c2414 8da42440040000 8885<entry> f4';

/** Two loads of neighbouring words and their sum in eax: what offset of the data they are at. */
function readValue(reader: Reader): number | undefined {
  if (!reader.bytes('8b82')) return undefined;
  const first = reader.target(HERE);
  if (!reader.bytes('8b8a')) return undefined;
  const second = reader.target(HERE);
  if (first === undefined || second !== first + 4 || !reader.bytes('8d0408')) return undefined;
  return first - reader.dataOffset;
}

/** The register that `mov DISPLACEMENT(%esp),%REGISTER` loads, or nothing; no displacement where it is 0. */
function readLoad(reader: Reader, displacement: number): string | undefined {
  const { code, at } = reader;
  const operand = code.getUint8(at + 1);
  const mod = displacement === 0 ? 0b00 : 0b01;
  if (code.getUint8(at) !== 0x8b || code.getUint8(at + 2) !== 0x24) return undefined;
  if ((operand & 0b1100_0111) !== ((mod << 6) | 0b100)) return undefined;
  if (mod !== 0 && code.getInt8(at + 3) !== displacement) return undefined;
  reader.at += mod === 0 ? 3 : 4;
  return NUMBERED[(operand >> 3) & 0b111];
}

/** The second look at half of the state: at this offset of the data, kept at this byte above the stack pointer. */
function isSecondLook(reader: Reader, offset: number, kept: string): boolean {
  if (!reader.bytes('8b8a') || reader.target(HERE) !== reader.dataOffset + offset) return false;
  return reader.bytes(`8b4424${kept} f7d1 8d4c0801 e305 e9`.replaceAll(' ', '')) && reader.target() === AGAIN;
}

/** The quick part of one block: the registers that it loads, in their order, or nothing where it is none. */
function readQuickPart(reader: Reader, block: (typeof BLOCKS)[number]): string[] | undefined {
  if (readValue(reader) !== block.target || !reader.bytes('8944243c')) return undefined;
  // The values are read first, and which registers they are for is seen only where they are loaded.
  let count = 0;
  for (;;) {
    const start = reader.at;
    const value = readValue(reader);
    if (value === undefined) {
      reader.at = start;
      break;
    }
    const displacement = (20 + 4 * count).toString(16);
    if (value !== block.value + VALUE_DISTANCE * count || !reader.bytes(`894424${displacement}`)) return undefined;
    count += 1;
  }
  if (!isSecondLook(reader, 0, '0c') || !isSecondLook(reader, 4, '10')) return undefined;

  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    const register = readLoad(reader, 20 + 4 * index);
    if (register === undefined || names.includes(register)) return undefined;
    names.push(register);
  }
  for (const [register, displacement] of [
    ['edx', 8],
    ['ecx', 4],
    ['eax', 0],
  ] as const) {
    if (!names.includes(register) && readLoad(reader, displacement) !== register) return undefined;
  }
  if (!reader.bytes('8d64243cc3')) return undefined;
  return names.join() === ORDERED.filter((name) => names.includes(name)).join() ? names : undefined;
}

/**
 * The registers that the quick part of a context's code loads, or nothing where any bit of the code is another.
 *
 * @param code exactly `dataOffset` bytes, at least a page
 */
export function recogniseI386Context(code: DataView, dataOffset: number): readonly string[] | undefined {
  const reader = new Reader(code, dataOffset);
  const toGeneral = reader.bytes('e9') ? reader.target() : undefined;
  const quick1 = reader.bytes('e9') ? reader.target() : undefined;
  if (!reader.bytes('cccccccccccc') || !reader.text(ENTRY, {}, HERE)) return undefined;
  const names = readQuickPart(reader, BLOCKS[0]);
  if (names === undefined || reader.at !== quick1) return undefined;
  const others = readQuickPart(reader, BLOCKS[1]);
  if (others === undefined || others.join() !== names.join() || reader.at !== toGeneral) return undefined;
  if (!reader.text('8b542408 8b4c2404 8b0424 8d642440', {})) return undefined;
  const isGeneral = reader.text(GENERAL, { entry: CALLED }, reader.at + GENERAL_BASE);
  return isGeneral && reader.onlyTraps() ? names : undefined;
}
