/**
 * Promoted closures of x86-64: what stands in a page of the supervisor's where a program has a closure of libffi in a file
 * that it has mapped twice.
 *
 * The program writes the closure through its writable view, and calls it through the executable one, which is the
 * supervisor's page. What is there does what the closure's own code would do there, and looks each time whether that is
 * what the program's view still has: one that was freed, rewritten or half written is not run, but traps. No byte of it
 * is of the program's choice: the closure's address is found from the code's own and from two words at a distance, the
 * link, whose sum is how far the writable view is away and which the supervisor alone writes. The distance is one of a few
 * (distances.ts). The link is not executable; for who maps it so, its words are harmless as code (x86_harmless.ts).
 *
 * r10 receives the closure's address, as libffi's handlers expect it; r11 and the flags, which no function finds anything
 * in (psABI x86-64 3.2.1), are lost.
 *
 * @module
 */
import type { LegacyForm } from './legacy_form.js';
import { littleEndian } from './x86.js';
import { splitHarmlessly } from './x86_harmless.js';

/** What fills a view's pages: HLT, which no program may execute (SDM volume 2, HLT). The fault is at its own address. */
export const TRAP = 0xf4;

/** Bytes of a promoted closure. libffi's closures are further apart. */
export const PROMOTED_SIZE = 45;
/** Bytes of its link. */
export const LINK_SIZE = 16;

/** A form that can be promoted: the first 8 bytes of its code, and where it holds its handler. */
interface Promotable {
  readonly signature: bigint;
  readonly handlerAt: number;
}

/** By the form's length: both have endbr64 or none, LEA -N(%rip),%r10 and JMP *M(%rip). */
const promotable: ReadonlyMap<number, Promotable> = new Map([
  [32, { signature: 0xf5158d4cfa1e0ff3n, handlerAt: 24 }],
  [24, { signature: 0xfffffffff9158d4cn, handlerAt: 16 }],
]);

/** What can be promoted of a form; nothing where it stays emulated. */
function promotableOf(form: LegacyForm, length: number): Promotable | undefined {
  return form === 'libffi' ? promotable.get(length) : undefined;
}

/** Whether a form can be promoted. */
export function isPromotable(form: LegacyForm, length: number): boolean {
  return promotableOf(form, length) !== undefined;
}

/** Where the pieces of a promoted closure begin. */
const ADD = 11;
const SECOND_ADD = 18;
const COMPARE_WITH = 25;

function displacement(value: number): number[] {
  return littleEndian(BigInt.asUintN(32, BigInt(value)), 4);
}

/** The words of a link: their sum is how far the writable view is away. */
export function linkWords(distance: bigint): readonly [bigint, bigint] {
  return splitHarmlessly(BigInt.asUintN(64, distance), 8);
}

/**
 * The code of a promoted closure.
 *
 * @param linkDistance bytes from the code's start to the link, one of the distances of distances.ts
 * @returns {@link PROMOTED_SIZE} bytes, or nothing where the form cannot be promoted
 */
export function assemblePromoted(form: LegacyForm, length: number, linkDistance: number): Uint8Array | undefined {
  const found = promotableOf(form, length);
  if (found === undefined) return undefined;
  return Uint8Array.from([
    ...[0xf3, 0x0f, 0x1e, 0xfa], // endbr64
    ...[0x4c, 0x8d, 0x15, 0xf5, 0xff, 0xff, 0xff], // lea -11(%rip),%r10: the code's start
    ...[0x4c, 0x03, 0x15, ...displacement(linkDistance - SECOND_ADD)], // add link(%rip),%r10
    ...[0x4c, 0x03, 0x15, ...displacement(linkDistance + 8 - COMPARE_WITH)], // add link+8(%rip),%r10
    ...[0x49, 0xbb, ...littleEndian(found.signature, 8)], // movabs $signature,%r11
    ...[0x4d, 0x39, 0x1a], // cmp %r11,(%r10)
    ...[0x75, 0x04], // jne to the trap
    ...[0x41, 0xff, 0x62, found.handlerAt], // jmp *handler(%r10)
    TRAP,
  ]);
}

/** Whether bytes are the code of a promoted closure and nothing else: read, not compared with what was assembled. */
export function isPromoted(code: DataView, form: LegacyForm, length: number, linkDistance: number): boolean {
  const found = promotableOf(form, length);
  if (found === undefined || code.byteLength !== PROMOTED_SIZE) return false;
  return (
    code.getUint32(0) === 0xf30f1efa &&
    code.getUint32(4) === 0x4c8d15f5 &&
    code.getUint32(7) === 0xf5ffffff &&
    code.getUint16(ADD) === 0x4c03 &&
    code.getUint8(ADD + 2) === 0x15 &&
    code.getInt32(ADD + 3, true) === linkDistance - 18 &&
    code.getUint16(SECOND_ADD) === 0x4c03 &&
    code.getUint8(SECOND_ADD + 2) === 0x15 &&
    code.getInt32(SECOND_ADD + 3, true) === linkDistance - 17 &&
    code.getUint16(COMPARE_WITH) === 0x49bb &&
    code.getBigUint64(COMPARE_WITH + 2, true) === found.signature &&
    code.getUint32(35) === 0x4d391a75 &&
    code.getUint32(39) === 0x0441ff62 &&
    code.getUint8(43) === found.handlerAt &&
    code.getUint8(44) === TRAP
  );
}
