/**
 * The general part of a context's code on x86-64 and i386, for any registers and for data on the stack.
 *
 * It saves all registers and the flags to a frame far below the stack pointer, copies the block that counts into the
 * frame, and makes sure that the copy is of one context. Then it replaces in the frame those registers that are named,
 * writes the data for the stack, and loads all registers from the frame.
 *
 * @module
 */
import { BLOCK, blockOffset, blockWords, ENTRY_WORDS, STATE_OFFSET, stackStart, UNSET_BIT } from './context_block.js';
import { label, type Part } from './labels.js';
import { x86Instructions } from './x86_instructions.js';
import { at, type Memory, type Register } from './x86_operands.js';

/** What the code needs to know of a width. */
export interface Width {
  readonly wordSize: 8 | 4;
  /** Registers that a context may name, in the order in which the frame has them. */
  readonly named: readonly Register[];
  readonly stackPointer: Register;
  /** Registers with a use of their own in instructions: those of rax, rbx, rcx, rdx, rsi, rdi and rbp. */
  readonly accumulator: Register;
  readonly base: Register;
  readonly counter: Register;
  readonly data: Register;
  readonly source: Register;
  readonly destination: Register;
  readonly framePointer: Register;
}

/** The eight registers that both widths have, in the order of their numbers in instructions. */
const ENCODED = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];

function widthOf(prefix: 'r' | 'e', wordSize: 8 | 4, upper: readonly Register[]): Width {
  const register = (name: string): Register => ({ name: prefix + name, encoding: ENCODED.indexOf(name) });
  const [accumulator, base, counter, data] = [register('ax'), register('bx'), register('cx'), register('dx')];
  const [source, destination, framePointer] = [register('si'), register('di'), register('bp')];
  const named = [accumulator, base, counter, data, source, destination, framePointer, ...upper];
  const stackPointer = register('sp');
  return { wordSize, named, stackPointer, accumulator, base, counter, data, source, destination, framePointer };
}

/** Both widths. */
export const WIDTHS: Readonly<Record<64 | 32, Width>> = {
  64: widthOf(
    'r',
    8,
    Array.from({ length: 8 }, (_, index) => ({ name: `r${8 + index}`, encoding: 8 + index })),
  ),
  32: widthOf('e', 4, []),
};

/**
 * Bytes that the general part takes below the stack pointer. The frame and the copied block are at its lower end. The
 * data for the stack goes to its upper: at most 64 + 256 bytes and what aligning takes below the stack pointer, and on
 * i386 the target's address another 324 below that.
 */
export const FRAME_SIZE = 1088;
/** i386: bytes between the target's address and the final stack pointer, as many as data and offset can have together. */
export const RETURN_OVER = 320;
/** x86-64: the two places for the target's address below the final stack pointer; data can only cover one of them. */
export const UPPER_PLACE: number = -8;
export const LOWER_PLACE: number = -128;

/** Where the frame has what, in bytes from the stack pointer while the general part runs; the registers come first. */
function frameOf({ wordSize, named }: Width): Record<'flags' | 'finalStack' | 'stateHigh' | 'copy', number> {
  const flags = wordSize * named.length;
  return { flags, finalStack: flags + wordSize, stateHigh: flags + 2 * wordSize, copy: flags + 3 * wordSize };
}

/** The general part: reached with the stack pointer as at the call, and all registers but the two that x86-64's entry has kept. */
export function generalPart(bits: 64 | 32): Part[] {
  const width = WIDTHS[bits];
  const { wordSize, named, stackPointer, accumulator, counter, data, base, source, destination, framePointer } = width;
  const i = x86Instructions(bits);
  const frame = frameOf(width);
  const saved = (register: Register): Memory => at(stackPointer, wordSize * named.indexOf(register));
  const copied = (words: number): Memory => at(stackPointer, frame.copy + wordSize * words);
  // i386 cannot address relative to the program counter: ebp holds where `base` stands.
  const page = (name: string, displacement = 0): Memory =>
    bits === 64
      ? { label: name, displacement }
      : { label: name, displacement, from: { register: framePointer, label: 'base' } };
  const halves = (memory: (words: number) => Memory, to: Register, what: string): Part[] => [
    i.load(memory(0), to, `${to.name} = one half of ${what}`),
    i.arithmetic('add', memory(1), to, `${to.name} = ${what}`),
  ];
  const restore = [
    i.push(at(stackPointer, frame.flags), ''),
    i.popFlags('the flags as they were'),
    ...named.map((register) => i.load(saved(register), register, `${register.name} for the target`)),
  ];
  const kept64 = [accumulator, counter];
  const save: Part[] =
    bits === 64
      ? [
          ...named
            .filter((register) => !kept64.includes(register))
            .map((register) => i.store(register, saved(register), 'saved')),
          ...kept64.flatMap((register, index) => [
            i.load(
              at(stackPointer, FRAME_SIZE - 8 * (index + 1)),
              register,
              'from the red zone, where the entry left it',
            ),
            i.store(register, saved(register), 'saved'),
          ]),
        ]
      : named.map((register) => i.store(register, saved(register), 'saved'));

  return [
    label('general'),
    i.lea(at(stackPointer, -FRAME_SIZE), stackPointer, 'room for the frame, which no signal touches from here on'),
    ...save,
    i.pushFlags(''),
    i.popTo(at(stackPointer, frame.flags), 'saved'),
    i.clearDirection('copies go upwards'),
    ...(bits === 64 ? [] : [i.call('base', ''), label('base'), i.pop(framePointer, 'ebp = the address of this')]),

    label('copy'),
    // i386 has the state in two words. Its upper half is read first, and last again: the writer changes it first.
    ...(bits === 64
      ? []
      : [
          i.load(page('data', STATE_OFFSET + 4), accumulator, 'the upper half of the state'),
          i.store(accumulator, at(stackPointer, frame.stateHigh), 'kept'),
        ]),
    i.load(page('data', STATE_OFFSET), base, `${base.name} = the state`),
    i.testByte(UNSET_BIT, base, 'is there anything to load?'),
    i.jumpIf('ne', 'unset', 'no'),
    i.lea(page('data', blockOffset(0, named.length, wordSize)), source, 'block 0'),
    i.testByte(1, base, 'does it count?'),
    i.jumpIf('e', 'chosen', 'yes'),
    i.lea(at(source, wordSize * blockWords(named.length, wordSize)), source, 'block 1'),
    label('chosen'),
    i.lea(copied(0), destination, 'into the frame'),
    i.load(at(source, wordSize * BLOCK.length), counter, 'as many words as it has'),
    i.copyWords('copy the block'),
    i.arithmetic('cmp', page('data', STATE_OFFSET), base, 'is the state the same?'),
    i.jumpIf('ne', 'copy', 'no: the copy may be of two contexts'),
    ...(bits === 64
      ? []
      : [
          i.load(at(stackPointer, frame.stateHigh), accumulator, 'the upper half that was kept'),
          i.arithmetic('cmp', page('data', STATE_OFFSET + 4), accumulator, 'is it the same?'),
          i.jumpIf('ne', 'copy', 'no'),
        ]),

    // From here on only the copy is looked at.
    i.lea(at(stackPointer, FRAME_SIZE), source, `${source.name} = the stack pointer of the call`),
    i.move(source, destination, ''),
    i.arithmetic('sub', copied(BLOCK.distance), destination, 'down by one half of size and offset'),
    i.arithmetic('sub', copied(BLOCK.distanceRest), destination, 'and by the other'),
    i.arithmetic('and', copied(BLOCK.mask), destination, 'aligned'),
    i.arithmetic('sub', copied(BLOCK.adjustment), destination, `${destination.name} = the address of the data`),
    i.move(destination, data, ''),
    i.arithmeticRegister('sub', source, data, 'how far that is from the stack pointer'),
    i.arithmetic('and', copied(BLOCK.moves), data, '0 where the stack pointer stays'),
    i.arithmeticRegister('add', source, data, `${data.name} = the final stack pointer`),
    i.load(copied(BLOCK.stackWords), counter, 'words for the stack'),
    i.arithmetic('add', copied(BLOCK.lead), destination, 'the last of them ends where the data ends'),
    i.lea(copied(stackStart(named.length)), source, 'where the copy has them'),
    label('next word'),
    i.jumpIfCounterZero('registers', 'none left'),
    ...halves((words) => at(source, words * wordSize), accumulator, 'a word'),
    i.store(accumulator, at(destination), 'onto the stack'),
    i.lea(at(source, 2 * wordSize), source, ''),
    i.lea(at(destination, wordSize), destination, ''),
    i.lea(at(counter, -1), counter, ''),
    i.jump('next word', ''),

    label('registers'),
    i.load(copied(BLOCK.registers), counter, 'registers that are named'),
    i.lea(copied(BLOCK.entries), source, 'where the copy has them'),
    label('next register'),
    i.jumpIfCounterZero('target', 'none left'),
    i.load(at(source), destination, 'its place in the frame'),
    ...halves((words) => at(source, (words + 1) * wordSize), accumulator, 'what it is to hold'),
    i.store(accumulator, at(stackPointer, 0, destination), 'instead of what was saved'),
    i.lea(at(source, ENTRY_WORDS * wordSize), source, ''),
    i.lea(at(counter, -1), counter, ''),
    i.jump('next register', ''),

    label('target'),
    ...halves((words) => copied(BLOCK.target + words), accumulator, "the target's address"),
    ...(bits === 64
      ? [
          i.store(data, at(stackPointer, frame.finalStack), 'the final stack pointer'),
          i.load(copied(BLOCK.low), counter, 'which place below it is free'),
          i.jumpIfCounterZero('upper', 'the upper one'),
          i.store(accumulator, at(data, LOWER_PLACE), 'kept for the jump'),
          ...restore,
          i.load(at(stackPointer, frame.finalStack), stackPointer, 'the stack pointer'),
          i.jumpThrough(at(stackPointer, LOWER_PLACE), 'jump to the target'),
          label('upper'),
          i.store(accumulator, at(data, UPPER_PLACE), 'kept for the jump'),
          ...restore,
          i.load(at(stackPointer, frame.finalStack), stackPointer, 'the stack pointer'),
          i.jumpThrough(at(stackPointer, UPPER_PLACE), 'jump to the target'),
        ]
      : [
          i.lea(at(data, -RETURN_OVER - 4), data, 'below the data, wherever that is'),
          i.store(accumulator, at(data), 'kept for the jump'),
          i.store(data, at(stackPointer, frame.finalStack), 'where the stack pointer goes'),
          ...restore,
          i.load(at(stackPointer, frame.finalStack), stackPointer, 'to the address'),
          i.returnOver(RETURN_OVER, 'jump to the target, and put the stack pointer right'),
        ]),

    // Nothing to load: a store to the entry, which is not writable, is a SIGSEGV whose address is that of the call.
    label('unset'),
    ...(bits === 64
      ? [
          ...restore,
          i.lea(at(stackPointer, FRAME_SIZE), stackPointer, 'the stack pointer as it was'),
          i.storeByte({ label: 'entry', displacement: 0 }, 'fault, at the address of the call'),
        ]
      : [
          i.push(at(stackPointer, frame.flags), ''),
          i.popFlags('the flags as they were'),
          ...named
            .filter((register) => register !== framePointer)
            .map((register) => i.load(saved(register), register, `${register.name} as it was`)),
          i.lea(at(stackPointer, FRAME_SIZE), stackPointer, 'the stack pointer as it was'),
          i.storeByte(page('entry'), 'fault, at the address of the call; only ebp is lost'),
        ]),
    i.halt('whoever made the page writable comes no further'),
  ];
}
