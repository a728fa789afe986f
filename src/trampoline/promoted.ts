/**
 * Promoted closures of x86-64: what stands in a page of the supervisor's where a program has a closure of libffi in a file
 * that it has mapped twice.
 *
 * The program writes the closure through its writable view, and calls it through the executable one, which is the
 * supervisor's page. What is there does what the closure's own code would do there, and looks each time whether that is
 * what the program's view still has: one that was freed, rewritten or half written is not run, but traps. No byte of it
 * is of the program's choice: the closure's address is found from the code's own and from a word behind the view, the
 * link, which holds how far the writable view is away and which the supervisor alone writes.
 *
 * r10 receives the closure's address, as libffi's handlers expect it; r11 and the flags, which no function finds anything
 * in (psABI x86-64 3.2.1), are lost.
 *
 * @module
 */
import type { LegacyForm } from './legacy_form.js';
import { littleEndian } from './x86.js';

/** What fills a view's pages: HLT, which no program may execute (SDM volume 2, HLT). The fault is at its own address. */
export const TRAP = 0xf4;

/** Bytes of a promoted closure. libffi's closures are further apart. */
export const PROMOTED_SIZE = 38;

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
const COMPARE_WITH = 18;
const END_OF_ADD = 18;

/**
 * The code of a promoted closure.
 *
 * @param linkDistance bytes from the code's start to the link
 * @returns {@link PROMOTED_SIZE} bytes, or nothing where the form cannot be promoted
 */
export function assemblePromoted(form: LegacyForm, length: number, linkDistance: number): Uint8Array | undefined {
  const found = promotableOf(form, length);
  if (found === undefined) return undefined;
  return Uint8Array.from([
    ...[0xf3, 0x0f, 0x1e, 0xfa], // endbr64
    ...[0x4c, 0x8d, 0x15, 0xf5, 0xff, 0xff, 0xff], // lea -11(%rip),%r10: the code's start
    ...[0x4c, 0x03, 0x15, ...littleEndian(BigInt.asUintN(32, BigInt(linkDistance - END_OF_ADD)), 4)], // add link(%rip),%r10
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
    code.getInt32(ADD + 3, true) === linkDistance - END_OF_ADD &&
    code.getUint16(COMPARE_WITH) === 0x49bb &&
    code.getBigUint64(COMPARE_WITH + 2, true) === found.signature &&
    code.getUint32(28) === 0x4d391a75 &&
    code.getUint32(32) === 0x0441ff62 &&
    code.getUint8(36) === found.handlerAt &&
    code.getUint8(37) === TRAP
  );
}
