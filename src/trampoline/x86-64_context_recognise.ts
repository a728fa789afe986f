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

const ENTRY = 'f30f1efa 48894424f8 48894c24f0 9f 0f90c0 488b0d<0> 80fd01 0f85<other>';
const OTHER = '80fd02 0f85<from quick>';
const FLAGS = '047f 9e';
/** Where a call comes in, and where it begins anew. */
const CALLED = 0;
const AGAIN = 0x12;

const LOAD_ALL =
  'ff742478 9d 488b0424 488b5c2408 488b4c2410 488b542418 488b742420 488b7c2428 488b6c2430 4c8b442438 4c8b4c2440 ' +
  '4c8b542448 4c8b5c2450 4c8b642458 4c8b6c2460 4c8b742468 4c8b7c2470';

const GENERAL =
  '488da424c0fbffff 48895c2408 4889542418 4889742420 48897c2428 48896c2430 4c89442438 4c894c2440 4c89542448 4c895c2450 ' +
  '4c89642458 4c896c2460 4c89742468 4c897c2470 488b842438040000 48890424 488b8c2430040000 48894c2410 ' +
  '9c 8f442478 fc 488b1d<0> f6c304 0f85b1010000 488d35<64> f6c301 0f8407000000 ' +
  '488db648020000 488dbc2490000000 488b0e f348a5 483b1d<0> 0f85beffffff 488db42440040000 4889f7 482bbc2498000000 482bbc24c8000000 ' +
  '4823bc24a0000000 482bbc24a8000000 4889fa 4829f2 48239424b0000000 4801f2 488b8c24c0000000 4803bc24d0000000 ' +
  '488db42458020000 e31b 488b06 48034608 488907 488d7610 488d7f08 488d49ff e9e3ffffff 488b8c24d8000000 ' +
  '488db424f0000000 e31c 488b3e 488b4608 48034610 4889043c 488d7618 488d49ff e9e2ffffff 488b8424e0000000 ' +
  '48038424e8000000 4889942480000000 488b8c24b8000000 e35f 48894280 ' +
  `${LOAD_ALL} 488ba42480000000 ff642480 488942f8 ${LOAD_ALL} 488ba42480000000 ff6424f8 ` +
  `${LOAD_ALL} 488da42440040000 8805<entry> f4`;

/** One instruction with REX.W and without anything but R, X and B besides: what its ModR/M byte says, or nothing. */
function readWide(reader: Reader, opcode: number): { mod: number; reg: number; rm: number; rex: number } | undefined {
  const { code, at } = reader;
  if (at + 8 > code.byteLength) return undefined;
  const rex = code.getUint8(at);
  if ((rex & 0b1111_1000) !== 0b0100_1000 || code.getUint8(at + 1) !== opcode) return undefined;
  const operand = code.getUint8(at + 2);
  reader.at += 3;
  return {
    mod: operand >> 6,
    reg: ((rex & 0b100) << 1) | ((operand >> 3) & 0b111),
    rm: operand & 0b111,
    rex: rex & 0b11,
  };
}

/** Whether `mov` of a register (by number) and the word at `displacement` from the stack pointer stands here. */
function isStackWord(reader: Reader, opcode: 0x89 | 0x8b, register: number, displacement: number): boolean {
  const found = readWide(reader, opcode);
  if (found === undefined || found.mod !== 0b01 || found.rm !== 0b100 || found.rex !== 0) return false;
  return (
    found.reg === register && reader.bytes('24') && reader.bytes((displacement & 0xff).toString(16).padStart(2, '0'))
  );
}

/** An instruction with a register and a word of the data: the register's number and the offset in the data. */
function readDataWord(reader: Reader, opcode: 0x8b | 0x03): { register: number; offset: number } | undefined {
  const found = readWide(reader, opcode);
  if (found === undefined || found.mod !== 0b00 || found.rm !== 0b101 || found.rex !== 0) return undefined;
  const target = reader.target();
  return target === undefined ? undefined : { register: found.reg, offset: target - reader.dataOffset };
}

/** A load and an addition of neighbouring words: into which register, from which offset. */
function readValue(reader: Reader): { register: number; offset: number } | undefined {
  const first = readDataWord(reader, 0x8b);
  const second = first && readDataWord(reader, 0x03);
  const isPair = second?.offset === (first?.offset ?? 0) + 8 && second?.register === first?.register;
  return isPair ? first : undefined;
}

const RAX = 0;
const RCX = 1;
const RDX = 2;

/** The quick part of one block: the registers that it loads, in their order, or nothing where it is none. */
function readQuickPart(reader: Reader, block: (typeof BLOCKS)[number]): string[] | undefined {
  // Registers that are saved, one word below the other.
  const saved: number[] = [];
  for (;;) {
    const start = reader.at;
    const found = readWide(reader, 0x89);
    reader.at = start;
    if (found === undefined) break;
    if (!isStackWord(reader, 0x89, found.reg, -32 - 8 * saved.length)) return undefined;
    saved.push(found.reg);
  }
  const [free = -1] = saved;
  const target = readValue(reader);
  if (target?.offset !== block.target || target.register !== free) return undefined;
  if (!isStackWord(reader, 0x89, free, -24)) return undefined;

  // Values of rax and rcx go to words below the saved ones, then come those of the saved registers.
  const values = new Map<number, number>();
  const inUse: number[] = [];
  for (;;) {
    const start = reader.at;
    const value = readValue(reader);
    if (value === undefined) {
      reader.at = start;
      break;
    }
    const stored = reader.at;
    if (value.register === free && isStackWord(reader, 0x89, free, -32 - 8 * (saved.length + inUse.length))) {
      if (values.size > 0) return undefined;
      inUse.push(value.offset);
      continue;
    }
    reader.at = stored;
    if (saved[values.size] !== value.register) return undefined;
    values.set(value.register, value.offset);
  }
  // Without another register, rdx alone is saved, for the values, and gets back what it had.
  const borrowsRdx = values.size === 0 && saved.length === 1 && free === RDX;
  if (!borrowsRdx && values.size !== saved.length) return undefined;

  if (!reader.bytes('483b0d') || !reader.data(0) || !reader.bytes('0f85')) return undefined;
  const changed = reader.target();
  if (!reader.text(FLAGS, {})) return undefined;
  if (borrowsRdx && !isStackWord(reader, 0x8b, RDX, -32)) return undefined;
  // The order of the words is rax, rcx; each is there where it is named.
  for (const [register, kept] of [
    [RCX, -16],
    [RAX, -8],
  ] as const) {
    const start = reader.at;
    if (isStackWord(reader, 0x8b, register, kept)) continue;
    reader.at = start;
    const position = register === RAX ? 0 : inUse.length - 1;
    const offset = inUse[position];
    if (offset === undefined || values.has(register)) return undefined;
    if (!isStackWord(reader, 0x8b, register, -32 - 8 * (saved.length + position))) return undefined;
    values.set(register, offset);
  }
  if (!reader.bytes('ff6424e8') || values.size !== inUse.length + (borrowsRdx ? 0 : saved.length)) return undefined;
  if (reader.at !== changed) return undefined;
  const isBack = saved.every((register, position) => isStackWord(reader, 0x8b, register, -32 - 8 * position));
  if (!isBack || !reader.bytes('e9') || reader.target() !== AGAIN) return undefined;

  const byName = new Map(Array.from(values, ([register, offset]) => [NUMBERED[register] ?? '', offset]));
  const names = ORDERED.filter((name) => byName.has(name));
  const inOrder = names.every((name, index) => byName.get(name) === block.value + VALUE_DISTANCE * index);
  return names.length === byName.size && inOrder ? names : undefined;
}

/**
 * The registers that the quick part of a context's code loads, or nothing where any bit of the code is another.
 *
 * @param code exactly `dataOffset` bytes, at least a page
 */
export function recogniseX8664Context(code: DataView, dataOffset: number): readonly string[] | undefined {
  const reader = new Reader(code, dataOffset);
  // Where the parts behind stand is known when they are reached.
  const other = 0x22 + code.getInt32(0x1e, true);
  if (!reader.text(ENTRY, { other })) return undefined;
  const names = readQuickPart(reader, BLOCKS[0]);
  if (names === undefined || reader.at !== other) return undefined;
  const fromQuick = other + 9 + code.getInt32(other + 5, true);
  if (!reader.text(OTHER, { 'from quick': fromQuick })) return undefined;
  const others = readQuickPart(reader, BLOCKS[1]);
  if (others === undefined || others.join() !== names.join() || reader.at !== fromQuick) return undefined;
  const isGeneral = reader.text(FLAGS, {}) && reader.text(GENERAL, { entry: CALLED });
  return isGeneral && reader.onlyTraps() ? names : undefined;
}
