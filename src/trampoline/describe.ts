/**
 * Describe: a trampoline for people, instruction by instruction.
 *
 * @module
 */
import type { Instruction } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';
import { instructionsOf } from './assemble.js';
import { contextInstructions } from './context.js';
import { jumpRegisterBeside } from './registers.js';
import type { Trampoline } from './trampoline.js';

/** One instruction of a listing. */
export interface ListingLine {
  /** Where the instruction stands: the trampoline's address plus its offset. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** Mnemonic and operands in the architecture's usual assembler syntax, one space between, as objdump has them. */
  readonly text: string;
  /** What the instruction is there for, in one phrase. */
  readonly meaning: string;
}

/**
 * A trampoline's instructions, for programs that print them in their own form.
 *
 * @param address where the first one stands; 0 gives offsets
 * @throws TrampfdError EINVAL when the trampoline cannot be assembled
 */
export function listing(trampoline: Trampoline, address: bigint, architecture: ArchitectureName): ListingLine[] {
  return linesOf(instructionsOf(trampoline, architecture), address);
}

/**
 * The instructions of the code that serves contexts, without the traps behind it.
 *
 * @param quick the registers that the quick part loads
 * @throws TrampfdError EOPNOTSUPP where the architecture has no trampolines of contexts
 */
export function contextListing(quick: readonly string[], architecture: ArchitectureName): ListingLine[] {
  return linesOf(contextInstructions(quick, architecture), 0n);
}

function linesOf(instructions: readonly Instruction[], address: bigint): ListingLine[] {
  let offset = 0;
  return instructions.map(({ bytes, mnemonic, operands, meaning }) => {
    const line = {
      address: address + BigInt(offset),
      bytes: Uint8Array.from(bytes),
      text: operands === '' ? mnemonic : `${mnemonic} ${operands}`,
      meaning,
    };
    offset += bytes.length;
    return line;
  });
}

/** A sentence that says what a call of the trampoline does. */
export function summary({ loads, stack, carry, push, target }: Trampoline, architecture: ArchitectureName): string {
  const { jumpsThrough } = architectures[architecture];
  const parts = loads.map(({ register, from }) =>
    from.kind === 'memory'
      ? `loads ${register} from 0x${from.address.toString(16)}`
      : `sets ${register} to 0x${from.value.toString(16)}`,
  );
  if (stack !== undefined) {
    const moved = stack.movesStackPointer ? ' and moves the stack pointer to them' : '';
    parts.push(`puts ${stack.data.length} bytes on the stack, ${stack.offset} below the stack pointer${moved}`);
  }
  if (carry !== undefined) parts.push(carry ? 'sets the carry flag' : 'clears the carry flag');
  if (push !== undefined) parts.push(`pushes 0x${push.toString(16)}`);
  parts.push(
    'register' in target ? `jumps to what ${target.register} holds` : `jumps to 0x${target.address.toString(16)}`,
  );
  const named = loads.map(({ register }) => register);
  const through = 'register' in target ? jumpsThrough : jumpRegisterBeside(named, architecture);
  const rest = through === undefined ? 'nothing else' : `only ${through} besides`;
  return `${parts.join(', ')}; changes ${rest}`;
}

/**
 * A trampoline as a page of text: one sentence, then a line per instruction with its address, its bytes, its assembler
 * text and what it is there for.
 *
 * @param address where it stands; 0 gives offsets
 * @throws TrampfdError EINVAL when the trampoline cannot be assembled
 */
export function describe(trampoline: Trampoline, address: bigint, architecture: ArchitectureName): string {
  const { tableSlotSize } = architectures[architecture];
  const head = `${architecture}, ${tableSlotSize} bytes: ${summary(trampoline, architecture)}`;
  return [head, ...columns(listing(trampoline, address, architecture)), ''].join('\n');
}

/**
 * The code that serves contexts as a page of text, in the same form.
 *
 * @param quick the registers that the quick part loads
 * @throws TrampfdError EOPNOTSUPP where the architecture has no trampolines of contexts
 */
export function describeContext(quick: readonly string[], architecture: ArchitectureName): string {
  const lines = contextListing(quick, architecture);
  const size = lines.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { mostQuickRegisters = 0 } = architectures[architecture].context ?? {};
  const loads =
    mostQuickRegisters === 0 ? 'no quick part' : `a quick part for ${quick.join(', ') || 'the target alone'}`;
  return [
    `${architecture}, ${size} bytes, and traps up to the data: ${loads}, a general part`,
    ...columns(lines),
    '',
  ].join('\n');
}

function columns(listed: readonly ListingLine[]): string[] {
  const rows = listed.map(({ bytes, text, meaning, ...line }) => ({
    address: line.address.toString(16),
    hex: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    text: text.replace(' ', ' '.repeat(Math.max(1, 8 - text.indexOf(' ')))),
    meaning,
  }));
  const width = (column: 'address' | 'hex' | 'text') => Math.max(...rows.map((row) => row[column].length));
  const [addresses, hex, text] = [width('address'), width('hex'), width('text')];
  return rows.map(
    (row) => `  ${row.address.padStart(addresses)}:  ${row.hex.padEnd(hex)}  ${row.text.padEnd(text)}  ${row.meaning}`,
  );
}
