/**
 * Recognise: from bytes to the trampoline that they are, or nothing.
 *
 * A match is complete: there is no byte, and no bit, that the trampoline does not account for. So what is recognised can
 * be assembled again into the very same bytes.
 *
 * @module
 */
import type { RecognisedSlot } from './architecture.js';
import { type ArchitectureName, architectures } from './architectures.js';
import { type Trampoline, tableTrampoline } from './trampoline.js';

/** Whether what a slot's bytes say is a table's trampoline: two registers, two aligned words that are not at NULL. */
export function isTableSlot(slot: RecognisedSlot, wordSize: number): boolean {
  return (
    slot.codeRegister !== slot.dataRegister &&
    slot.codeLow % wordSize === 0 &&
    slot.dataLow % wordSize === 0 &&
    (slot.codeLow !== 0 || slot.codeHigh !== 0) &&
    (slot.dataLow !== 0 || slot.dataHigh !== 0)
  );
}

/** A view of exactly the bytes of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function joined(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/**
 * The trampoline that bytes of code are.
 *
 * @param bytes one table slot of the architecture (`tableSlotSize` bytes)
 * @param address where the code stands, or is going to: not a place that the architecture can execute, no trampoline
 * @returns nothing when it is another number of bytes, or any of them is not what a trampoline has there
 */
export function recognise(bytes: Uint8Array, address: bigint, architecture: ArchitectureName): Trampoline | undefined {
  const { tableSlotSize, tableRegisters, instructionAlignment, wordSize, recogniseSlot } = architectures[architecture];
  if (bytes.length !== tableSlotSize) return undefined;
  if (address % BigInt(instructionAlignment) !== 0n) return undefined;
  const slot = recogniseSlot(viewOf(bytes), 0);
  if (slot === undefined || !isTableSlot(slot, wordSize)) return undefined;
  const codeRegister = tableRegisters.find(
    ({ encoding, dataOnly }) => encoding === slot.codeRegister && dataOnly === undefined,
  )?.name;
  const dataRegister = tableRegisters.find(({ encoding }) => encoding === slot.dataRegister)?.name;
  if (codeRegister === undefined || dataRegister === undefined) return undefined;
  return tableTrampoline({
    codeRegister,
    codeSlot: joined(slot.codeHigh, slot.codeLow),
    dataRegister,
    dataSlot: joined(slot.dataHigh, slot.dataLow),
  });
}
