/**
 * Trampolines of s390x (z/Architecture, 64-bit addressing).
 *
 * z/Architecture Principles of Operation, SA22-7832 ("PoP" below), chapter 7, where the instructions stand in the order of
 * their names, with the extended-immediate facility that every processor since z9 has; ELF Application Binary Interface
 * s390x Supplement, 1.2.2, for what a function expects in which register.
 *
 * Instructions have two, four or six bytes, the first byte first, and so have the addresses in them.
 *
 * @module
 */
import type { Architecture, Instruction, RecognisedSlot, Registers, SlotLoad, TableRegister } from './architecture.js';

/**
 * r0 to r13, numbered as in instructions. A trampoline leaves r14, the return address, and r15, the stack pointer, alone.
 *
 * r0 takes the data only: where an instruction has a base register or a branch address, 0 means none (PoP, "Address
 * Generation", BCR), so that there is no jump through it. The data can go there all the same, by way of the code
 * register, and must: r0 and r1 are the only two registers that no argument travels in and no callee must keep.
 */
const tableRegisters: readonly TableRegister[] = Array.from({ length: 14 }, (_, encoding) => {
  const register = { name: `r${encoding}`, number: encoding, encoding };
  return encoding === 0 ? { ...register, dataOnly: true } : register;
});

const SLOT_SIZE = 38;

/** Bytes of LLIHF, IILF and LG. */
const LONG = 6;

/** The bytes of an unsigned integer of 32 bits, the highest first. */
function bigEndian(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
}

/** LLIHF R1, imm32 (PoP: load logical immediate, format RIL-a): the upper half, and 0 in the lower. */
function llihf({ encoding }: TableRegister, { address }: SlotLoad, table: string): Instruction {
  const value = Number(address >> 32n);
  return {
    bytes: [0xc0, (encoding << 4) | 0xe, ...bigEndian(value)],
    mnemonic: 'llihf',
    operands: `%r${encoding},${value}`,
    meaning: `r${encoding} = address of the ${table} table's slot, upper half (0x${value.toString(16)})`,
    holds: { address, at: 2 },
  };
}

/** IILF R1, imm32 (PoP: insert immediate, format RIL-a): the lower half. OILF would set the condition code. */
function iilf({ encoding }: TableRegister, { address }: SlotLoad): Instruction {
  const value = Number(address & 0xffff_ffffn);
  return {
    bytes: [0xc0, (encoding << 4) | 0x9, ...bigEndian(value)],
    mnemonic: 'iilf',
    operands: `%r${encoding},${value}`,
    meaning: `lower half (0x${value.toString(16)})`,
  };
}

/** LG R1, 0(B2) (PoP: load, format RXY-a): no index, a displacement of 0. */
function lg({ encoding }: TableRegister, base: TableRegister, table: string): Instruction {
  return {
    bytes: [0xe3, encoding << 4, base.encoding << 4, 0x00, 0x00, 0x04],
    mnemonic: 'lg',
    operands: `%r${encoding},0(%r${base.encoding})`,
    meaning: `r${encoding} = what the ${table} table's slot holds`,
  };
}

/** BR R2 (PoP: BCR 15, R2, format RR). */
function br({ encoding }: TableRegister): Instruction {
  return {
    bytes: [0x07, 0xf0 | encoding],
    mnemonic: 'br',
    operands: `%r${encoding}`,
    meaning: `jump to the target that r${encoding} holds`,
  };
}

/**
 * The invalid operation 0001. What begins with 00 has two bytes and is never going to be an instruction (PoP, chapter 6,
 * "Operation Exception"), so that it stops the processor at whatever halfword it arrives. Linux has 0001 for a breakpoint:
 * a process that is traced gets SIGTRAP, every other one SIGILL. The halfwords of an empty page would stop it as well, but
 * nothing would tell a page that was filled from one that nobody wrote.
 */
const invalid: Instruction = {
  bytes: [0x00, 0x01],
  mnemonic: '.short',
  operands: '0x0001',
  meaning: 'trap, not reached (SIGILL)',
};

/**
 * Seven instructions, 38 bytes; the next slot follows at once, for instructions stand at any halfword. The address of
 * either slot goes through the code register, and the data is loaded first, since the target then stays there: so the
 * data's register never has to be a base, and can be r0. z/Architecture has no landing pads.
 */
function assembleSlot(code: SlotLoad, data: SlotLoad): readonly Instruction[] {
  const { register } = code;
  return [
    llihf(register, data, 'data'),
    iilf(register, data),
    lg(data.register, register, 'data'),
    llihf(register, code, 'code'),
    iilf(register, code),
    lg(register, register, 'code'),
    br(register),
  ];
}

function placeAddress(code: DataView, at: number, low: number, high: number): void {
  code.setUint32(at, high);
  code.setUint32(at + LONG, low);
}

/** The register that LLIHF and IILF from offset `at` give an address of 64 bits, or -1 when they do not. */
function readAddressRegister(code: DataView, at: number): number {
  const [llihfOpcode, iilfOpcode] = [code.getUint16(at), code.getUint16(at + LONG)];
  const register = (llihfOpcode >> 4) & 0xf;
  return (llihfOpcode & 0xff0f) === 0xc00e && iilfOpcode === (0xc009 | (register << 4)) ? register : -1;
}

/** The register that LG at offset `at` loads from where `base` points, or -1 when another instruction is there. */
function readLoad(code: DataView, at: number, base: number): number {
  const [opcode, registers] = [code.getUint8(at), code.getUint8(at + 1)];
  // No index; the base; a displacement of 0, whose 20 bits lie around; the rest of the operation code.
  const isLoad = opcode === 0xe3 && (registers & 0xf) === 0 && code.getUint32(at + 2) === ((base << 28) | 0x04) >>> 0;
  return isLoad ? registers >> 4 : -1;
}

function recogniseSlot(code: DataView, at: number): RecognisedSlot | undefined {
  const codeAddress = at + 3 * LONG;
  const codeRegister = readAddressRegister(code, at);
  if (codeRegister < 0 || readAddressRegister(code, codeAddress) !== codeRegister) return undefined;
  const dataRegister = readLoad(code, at + 2 * LONG, codeRegister);
  if (dataRegister < 0 || readLoad(code, codeAddress + 2 * LONG, codeRegister) !== codeRegister) return undefined;
  if (code.getUint16(codeAddress + 3 * LONG) !== (0x07f0 | codeRegister)) return undefined;
  return {
    codeRegister,
    dataRegister,
    codeLow: code.getUint32(codeAddress + LONG + 2),
    codeHigh: code.getUint32(codeAddress + 2),
    dataLow: code.getUint32(at + LONG + 2),
    dataHigh: code.getUint32(at + 2),
  };
}

function jump(target: bigint): Registers {
  return { pc: target };
}

/**
 * s390x. r0 carries the data: it is GCC's static chain, and libffi's closures find theirs there. The target goes through
 * r1, the other scratch register.
 */
export const s390x: Architecture = {
  name: 's390x',
  wordSize: 8,
  instructionAlignment: 2,
  pageSize: 4096,
  tableSlotSize: SLOT_SIZE,
  tableRegisters,
  codeRegister: 'r1',
  dataRegister: 'r0',
  trap: invalid,
  landingPad: 'none: z/Architecture has no enforcement of branch targets',
  assembleSlot,
  placeAddress,
  recogniseSlot,
  jump,
};
