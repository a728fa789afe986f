/**
 * Programs whose headers ask for memory of each kind.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { ELF, ELF_LAYOUT } from '../../src/abi/elf.js';
import { type CompileOptions, compileProgram } from './compile.js';

const PT_NOTE = 4;
const PF_R = 4;

/** Flags of the compiler for an i386 program. */
export const narrowFlags: readonly string[] = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'];

/** A program that says what of its memory is writable and executable. */
export function imageProgram(flags: readonly string[]): string {
  const options: CompileOptions = { flags };
  return compileProgram('policy/image.c', options);
}

/** The bytes of a program that says nothing of its stack, as old ones do: its header PT_GNU_STACK becomes PT_NULL. */
export function withoutStackHeader(path: string): Buffer {
  const bytes = readFileSync(path);
  const isWide = bytes[4] === ELF.ELFCLASS64;
  const layout = ELF_LAYOUT[isWide ? 64 : 32];
  const start = isWide ? Number(bytes.readBigUInt64LE(layout.e_phoff)) : bytes.readUInt32LE(layout.e_phoff);
  for (let index = 0; index < bytes.readUInt16LE(layout.e_phnum); index++) {
    const at = start + index * layout.phentsize;
    if (bytes.readUInt32LE(at) === ELF.PT_GNU_STACK) bytes.writeUInt32LE(0, at);
  }
  return bytes;
}

/** The bytes of a static program with one more segment that is executable, of which the file has a part: its header was PT_NOTE. */
export function withMemoryBehindCode(path: string): Buffer {
  const bytes = readFileSync(path);
  const isWide = bytes[4] === ELF.ELFCLASS64;
  const layout = ELF_LAYOUT[isWide ? 64 : 32];
  const start = isWide ? Number(bytes.readBigUInt64LE(layout.e_phoff)) : bytes.readUInt32LE(layout.e_phoff);
  const [size, address] = [0x100, 0x10000000];
  for (let at = start; at < start + bytes.readUInt16LE(layout.e_phnum) * layout.phentsize; at += layout.phentsize) {
    if (bytes.readUInt32LE(at) !== PT_NOTE) continue;
    bytes.fill(0, at, at + layout.phentsize);
    bytes.writeUInt32LE(ELF.PT_LOAD, at);
    bytes.writeUInt32LE(ELF.PF_X | PF_R, at + layout.p_flags);
    bytes.writeUInt32LE(address, at + layout.p_vaddr);
    bytes.writeUInt32LE(size, at + layout.p_filesz);
    bytes.writeUInt32LE(0x5000, at + layout.p_memsz);
    return bytes;
  }
  throw new Error(`${path} has no note`);
}

/** The bytes of a program with one of its header changed. */
export function withByte(path: string, at: number, value: number): Buffer {
  const bytes = readFileSync(path);
  bytes[at] = value;
  return bytes;
}
