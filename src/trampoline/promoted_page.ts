/**
 * Promoted trampolines of x86-64 that a program writes where it calls them: what stands in a page of the supervisor's, in
 * the place of one of the program's that holds nothing but trampolines.
 *
 * The program's page is moved aside. Where it has a trampoline, the supervisor's page has code that does the same: it loads
 * the function and the static chain from the program's page, each time anew, and jumps. All else are traps. No byte is of
 * the program's choice: what stands in the code is how far the two pages are apart, which is one of those of distances.ts.
 *
 * No processor that is provided for here can let memory be executed and not be read by the same thread without protection
 * keys. So one who reads its own page would find the supervisor's; and a page that has data too stays as it is.
 *
 * @module
 */
import { longestLegacyForm, recogniseLegacy } from './legacy.js';
import type { LegacyForm } from './legacy_form.js';
import { TRAP } from './promoted.js';
import { littleEndian } from './x86.js';

/** Bytes of a page on x86. */
export const PAGE_LENGTH = 4096;

/** A trampoline in a page. */
export interface PlacedTrampoline {
  readonly form: LegacyForm;
  /** Bytes from the page's start. */
  readonly offset: number;
  /** Bytes that the program's has. */
  readonly length: number;
  /** Whether it begins with a landing pad (ENDBR64). */
  readonly hasLandingPad: boolean;
  /** Whether its function's address has 32 bits. */
  readonly isNarrow: boolean;
}

/** Forms that hold a function and a static chain, and nothing that depends on where they stand. */
const PROMOTABLE: ReadonlySet<LegacyForm> = new Set<LegacyForm>(['gcc-heap', 'gcc-stack', 'llvm']);

const LANDING_PAD = [0xf3, 0x0f, 0x1e, 0xfa] as const;
/** The second byte of the first instruction's MOV r11d, imm32 or MOV r11, imm64 (SDM volume 2, MOV: `B8+rd`). */
const NARROW_PREFIX = 0x41;

/** Whether a form can be promoted in its page. */
export function isPagePromotable(form: LegacyForm): boolean {
  return PROMOTABLE.has(form);
}

/**
 * The trampolines of a page that holds nothing else: between them are zeros.
 *
 * @param page all of its bytes
 * @param address where it stands
 * @returns nothing where it holds anything else, or no trampoline, or one that goes on in the next page
 */
export function trampolinesOf(page: Uint8Array, address: bigint): readonly PlacedTrampoline[] | undefined {
  const found: PlacedTrampoline[] = [];
  for (let offset = 0; offset < page.length; ) {
    if (page[offset] === 0) {
      offset += 1;
      continue;
    }
    const bytes = page.subarray(offset, offset + longestLegacyForm);
    const code = recogniseLegacy(bytes, address + BigInt(offset), 'x86-64');
    if (code === undefined || !isPagePromotable(code.form)) return undefined;
    const { form, length } = code;
    const hasLandingPad = LANDING_PAD.every((byte, at) => bytes[at] === byte);
    const isNarrow = bytes[hasLandingPad ? LANDING_PAD.length : 0] === NARROW_PREFIX;
    found.push({ form, offset, length, hasLandingPad, isNarrow });
    offset += length;
  }
  return found.length === 0 ? undefined : found;
}

/** Where a trampoline has its function and its chain, from its start. */
function fieldsOf({ hasLandingPad, isNarrow }: PlacedTrampoline): { readonly functionAt: number; chainAt: number } {
  const functionAt = (hasLandingPad ? LANDING_PAD.length : 0) + 2;
  return { functionAt, chainAt: functionAt + (isNarrow ? 4 : 8) + 2 };
}

/** Bytes of MOV disp32(%rip), r11 or r11d or r10. */
const LOAD_LENGTH = 7;

/** Where a promoted trampoline's instructions begin, from its start, but for the first. */
function boundariesOf({ hasLandingPad }: PlacedTrampoline): readonly number[] {
  const loads = hasLandingPad ? LANDING_PAD.length : 0;
  return [...(hasLandingPad ? [loads] : []), loads + LOAD_LENGTH, loads + 2 * LOAD_LENGTH];
}

/**
 * Where a thread that stands in promoted code has come from: the start of its trampoline. What its first instructions have
 * loaded is nobody's yet, so that it may begin anew there.
 *
 * @param offset of the instruction that the thread stands at, from the page's start
 * @returns the offset of the trampoline's start; nothing where the thread stands at none, or at its start
 */
export function startOf(trampolines: readonly PlacedTrampoline[], offset: number): number | undefined {
  const within = trampolines.find((one) => offset > one.offset && offset < one.offset + one.length);
  return within !== undefined && boundariesOf(within).includes(offset - within.offset) ? within.offset : undefined;
}

/** A displacement of 32 bits. */
function displacement(value: number): number[] {
  return littleEndian(BigInt.asUintN(32, BigInt(value)), 4);
}

/**
 * The page that stands in the place of one with such trampolines.
 *
 * @param distance bytes from it to where the program's page is, one of those of distances.ts
 */
export function assemblePage(trampolines: readonly PlacedTrampoline[], distance: number): Uint8Array {
  const page = new Uint8Array(PAGE_LENGTH).fill(TRAP);
  for (const one of trampolines) {
    const { functionAt, chainAt } = fieldsOf(one);
    const loads = one.hasLandingPad ? LANDING_PAD.length : 0;
    page.set(
      [
        ...(one.hasLandingPad ? LANDING_PAD : []),
        ...[one.isNarrow ? 0x44 : 0x4c, 0x8b, 0x1d], // mov function(%rip),%r11 or %r11d
        ...displacement(distance + functionAt - loads - LOAD_LENGTH),
        ...[0x4c, 0x8b, 0x15], // mov chain(%rip),%r10
        ...displacement(distance + chainAt - loads - 2 * LOAD_LENGTH),
        ...[0x41, 0xff, 0xe3], // jmp *%r11
      ],
      one.offset,
    );
  }
  return page;
}

/** Whether a page is what is to stand in the place of one with such trampolines: read, not compared with what was assembled. */
export function isPromotedPage(page: DataView, trampolines: readonly PlacedTrampoline[], distance: number): boolean {
  let at = 0;
  const isTrapUntil = (end: number): boolean => {
    for (; at < end; at++) if (page.getUint8(at) !== TRAP) return false;
    return at === end;
  };
  /** Whether an instruction of three bytes and a displacement stands next that leads so far into the program's trampoline. */
  const isLoad = (opcode: number, start: number, field: number): boolean => {
    const code = (page.getUint16(at) << 8) | page.getUint8(at + 2);
    const leadsTo = page.getInt32(at + 3, true) + at + LOAD_LENGTH - start;
    at += LOAD_LENGTH;
    return code === opcode && leadsTo === distance + field;
  };
  if (page.byteLength !== PAGE_LENGTH) return false;
  for (const one of trampolines) {
    const { offset, length, hasLandingPad, isNarrow } = one;
    if (offset + length > PAGE_LENGTH || !isTrapUntil(offset)) return false;
    if (hasLandingPad) {
      if (page.getUint32(at) !== 0xf30f1efa) return false;
      at += 4;
    }
    const functionAt = hasLandingPad ? 6 : 2;
    if (!isLoad(isNarrow ? 0x448b1d : 0x4c8b1d, offset, functionAt)) return false;
    if (!isLoad(0x4c8b15, offset, functionAt + (isNarrow ? 6 : 10))) return false;
    if (page.getUint16(at) !== 0x41ff || page.getUint8(at + 2) !== 0xe3) return false;
    at += 3;
  }
  return isTrapUntil(PAGE_LENGTH);
}
