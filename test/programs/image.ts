/**
 * Programs whose headers ask for memory of each kind.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { ELF, ELF_LAYOUT } from '../../src/abi/elf.js';
import { type CompileOptions, compileProgram } from './compile.js';

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
