/**
 * A small assembler for loongarch64, and the static programs that it makes: Debian 12 has a processor's emulator, but no
 * compiler and no binutils. It knows nothing of src/: opcodes are those of the LoongArch Reference Manual's appendix B.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Instructions of two registers, rd in bits 4 to 0 and rj above it, and an immediate of 12 bits. */
const WITH_IMMEDIATE = {
  'addi.d': 0x02c00000,
  'lu52i.d': 0x03000000,
  ori: 0x03800000,
  'ld.d': 0x28c00000,
  'st.d': 0x29c00000,
} as const;

/** Instructions of two registers. */
const WITH_REGISTERS = {
  'movgr2fr.d': 0x0114a800,
  'movfr2gr.d': 0x0114b800,
  movgr2fcsr: 0x0114c000,
  movfcsr2gr: 0x0114c800,
  jirl: 0x4c000000,
} as const;

/** Branches to a label: by the two registers' values, rj in bits 9 to 5 and rd below it. */
const BRANCHES = { beq: 0x58000000, bne: 0x5c000000 } as const;

const ADD_D = 0x00108000;
const LU12I_W = 0x14000000;
const LU32I_D = 0x16000000;
const B = 0x50000000;
const SYSCALL = 0x002b0000;
const IBAR = 0x38728000;

/** Where a program's instructions and its writable memory are. */
export const TEXT = 0x1_2000_0000n;
export const DATA = 0x1_3000_0000n;
const DATA_SIZE = 0x80_0000n;

/** Registers by their names in the calling convention, as far as they are used here. */
export const ZERO = 0;
export const SP = 3;
/** a0 and the six that follow are a system call's arguments. */
export const A0 = 4;
const A7 = 11;

/** The numbers of the system calls that the programs make (asm-generic). */
export const SYS = { read: 63, write: 64, exit: 93, rt_sigaction: 134, mmap: 222, mprotect: 226 } as const;

/** Instructions in order, with labels that may be used before they are set. */
export class Assembler {
  readonly #words: (number | (() => number))[] = [];
  readonly #labels = new Map<string, number>();

  #distance(label: string, from: number): number {
    const to = this.#labels.get(label);
    if (to === undefined) throw new Error(`label ${label} is not set`);
    return to - from;
  }

  label(name: string): void {
    this.#labels.set(name, this.#words.length);
  }

  immediate(name: keyof typeof WITH_IMMEDIATE, rd: number, rj: number, value: number): void {
    this.#words.push(WITH_IMMEDIATE[name] | ((value & 0xfff) << 10) | (rj << 5) | rd);
  }

  registers(name: keyof typeof WITH_REGISTERS, rd: number, rj: number): void {
    this.#words.push(WITH_REGISTERS[name] | (rj << 5) | rd);
  }

  add(rd: number, rj: number, rk: number): void {
    this.#words.push(ADD_D | (rk << 10) | (rj << 5) | rd);
  }

  branch(name: keyof typeof BRANCHES, rj: number, rd: number, label: string): void {
    const from = this.#words.length;
    this.#words.push(() => BRANCHES[name] | ((this.#distance(label, from) & 0xffff) << 10) | (rj << 5) | rd);
  }

  /** A branch to wherever: the lower 16 bits of the distance stand above its upper ten. */
  jump(label: string): void {
    const from = this.#words.length;
    this.#words.push(() => {
      const distance = this.#distance(label, from);
      return B | ((distance & 0xffff) << 10) | ((distance >> 16) & 0x3ff);
    });
  }

  /** Gives a register any value, or a label's address. */
  load(rd: number, value: bigint | string): void {
    const bits = (shift: bigint, count: bigint) => () => {
      const number = typeof value === 'bigint' ? value : TEXT + BigInt(4 * this.#distance(value, 0));
      return Number((number >> shift) & ((1n << count) - 1n));
    };
    const [bits12, bits0, bits32, bits52] = [bits(12n, 20n), bits(0n, 12n), bits(32n, 20n), bits(52n, 12n)];
    this.#words.push(
      () => LU12I_W | (bits12() << 5) | rd,
      () => WITH_IMMEDIATE.ori | (bits0() << 10) | (rd << 5) | rd,
      () => LU32I_D | (bits32() << 5) | rd,
      () => WITH_IMMEDIATE['lu52i.d'] | (bits52() << 10) | (rd << 5) | rd,
    );
  }

  /** A system call; an argument is a value, or the number of the register that has it (not one of a0 to a7). */
  syscall(name: keyof typeof SYS, ...values: readonly (bigint | number)[]): void {
    for (const [index, value] of values.entries()) {
      if (typeof value === 'number') this.immediate('ori', A0 + index, value, 0);
      else this.load(A0 + index, value);
    }
    this.load(A7, BigInt(SYS[name]));
    this.#words.push(SYSCALL);
  }

  /** Makes instructions that were written before this one visible to the fetch of those that follow. */
  instructionBarrier(): void {
    this.#words.push(IBAR);
  }

  /** All of it, as it stands in memory from TEXT on. */
  bytes(): Uint8Array {
    const view = new DataView(new ArrayBuffer(4 * this.#words.length));
    for (const [index, word] of this.#words.entries()) {
      view.setUint32(4 * index, (typeof word === 'number' ? word : word()) >>> 0, true);
    }
    return new Uint8Array(view.buffer);
  }
}

/** Offset of the instructions in the file, behind the headers: the beginning of a page of 16 KiB, as TEXT is. */
const TEXT_OFFSET = 0x4000;

/**
 * Makes a static executable, once for each content: `text` at TEXT, where it begins, and zeros that can be written at DATA.
 *
 * @returns its path
 */
export function program(name: string, text: Uint8Array): string {
  const file = new Uint8Array(TEXT_OFFSET + text.length);
  const view = new DataView(file.buffer);
  const half = (at: number, value: number) => view.setUint16(at, value, true);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  const long = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1
  half(16, 2); // ET_EXEC
  half(18, 258); // EM_LOONGARCH
  word(20, 1);
  long(24, TEXT);
  long(32, 64n); // program headers
  word(48, 0x43); // double-precision floating point, object ABI 1
  half(52, 64);
  half(54, 56);
  half(56, 2);
  const segment = (at: number, flags: number, offset: number, address: bigint, inFile: number, size: bigint) => {
    word(at, 1); // PT_LOAD
    word(at + 4, flags);
    for (const [index, value] of [
      BigInt(offset),
      address,
      address,
      BigInt(inFile),
      size,
      BigInt(TEXT_OFFSET),
    ].entries()) {
      long(at + 8 + 8 * index, value);
    }
  };
  segment(64, 5, TEXT_OFFSET, TEXT, text.length, BigInt(text.length));
  segment(64 + 56, 6, 0, DATA, 0, DATA_SIZE);
  file.set(text, TEXT_OFFSET);

  const folder = join(tmpdir(), `trampfd-test-programs-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, `${name}-${createHash('sha256').update(file).digest('hex').slice(0, 20)}`);
  if (existsSync(path)) return path;
  writeFileSync(`${path}.${process.pid}`, file, { mode: 0o755 });
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
