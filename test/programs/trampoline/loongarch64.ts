/**
 * The program of `execute.h` for loongarch64, in place of a C file, and one that shows slots to the emulator's
 * disassembler.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { A0, Assembler, DATA, program, SP, TEXT, ZERO } from '../loongarch64.js';

/** Registers that no instruction here uses for anything else than what they are loaded with just before. */
const [T0, T1, T2, T3] = [12, 13, 14, 15];
/** Registers that a system call keeps. */
const [S0, S1, S2] = [23, 24, 25];

/** Those of `execute.h`. */
const CODE_REGION = 0x1234_5678_0000n;
const TABLE_REGION = 0x2bcd_ef90_0000n;
const REGION_SIZE = 0x40000n;
const SLOT_BYTES = 72;

/** r1 to r31, in the order of their encoding. */
const REGISTERS = Array.from({ length: 31 }, (_, index) => 1 + index);

/** Offsets in a call of the input, and in a result. */
const CALL = { slotAddress: 0, codeSlot: 8, dataSlot: 16, data: 24, target: 32, flags: 40, registers: 48 } as const;
const CALL_SIZE = CALL.registers + 8 * REGISTERS.length + SLOT_BYTES;
const RESULT = { reached: 0, flags: 8, registers: 16 } as const;
const RESULT_SIZE = RESULT.registers + 8 * REGISTERS.length;

/** The writable memory: what is left to do, then the input, then the output. */
const STATE = { call: 0, remaining: 8, result: 16 } as const;
const INPUT = DATA + 0x1000n;
const OUTPUT = DATA + 0x40_0000n;

/** Reads all input, and puts the slots where they are to stand. */
function prepare(code: Assembler): void {
  const protect = { readWrite: 3n, readExecute: 5n };
  for (const region of [CODE_REGION, TABLE_REGION]) {
    code.syscall('mmap', region, REGION_SIZE, protect.readWrite, 0x100022n, -1n, 0n); // fixed, private, anonymous
  }
  code.load(S0, INPUT);
  code.label('read');
  code.syscall('read', 0n, S0, OUTPUT - INPUT);
  code.add(S0, S0, A0);
  code.branch('bne', A0, ZERO, 'read');

  code.load(S0, INPUT);
  code.immediate('ld.d', S1, S0, 0);
  code.immediate('addi.d', S0, S0, 8);
  code.load(T2, DATA);
  code.immediate('st.d', S0, T2, STATE.call);
  code.immediate('st.d', S1, T2, STATE.remaining);
  code.label('copy');
  code.immediate('ld.d', T0, S0, CALL.slotAddress);
  for (let at = 0; at < SLOT_BYTES; at += 8) {
    code.immediate('ld.d', T1, S0, CALL_SIZE - SLOT_BYTES + at);
    code.immediate('st.d', T1, T0, at);
  }
  code.immediate('addi.d', S0, S0, CALL_SIZE);
  code.immediate('addi.d', S1, S1, -1);
  code.branch('bne', S1, ZERO, 'copy');
  code.syscall('mprotect', CODE_REGION, REGION_SIZE, protect.readExecute);
  code.instructionBarrier();

  code.load(T0, OUTPUT);
  for (const target of [0, 1]) {
    code.load(T1, `target ${target}`);
    code.immediate('st.d', T1, T0, 8 * target);
  }
  code.immediate('addi.d', T0, T0, 16);
  code.immediate('st.d', T0, T2, STATE.result);
}

/** Fills the slots of the tables, then the flags and all registers; r1 then has the slot's address. */
function enterSlot(code: Assembler): void {
  code.label('next');
  code.load(T0, DATA);
  code.immediate('ld.d', T1, T0, STATE.remaining);
  code.branch('beq', T1, ZERO, 'finish');
  code.immediate('ld.d', T2, T0, STATE.call);
  code.load(T3, 'target 0');
  code.immediate('ld.d', T1, T2, CALL.target);
  code.branch('beq', T1, ZERO, 'chosen');
  code.load(T3, 'target 1');
  code.label('chosen');
  code.immediate('ld.d', T1, T2, CALL.codeSlot);
  code.immediate('st.d', T3, T1, 0);
  code.immediate('ld.d', T1, T2, CALL.dataSlot);
  code.immediate('ld.d', T3, T2, CALL.data);
  code.immediate('st.d', T3, T1, 0);
  code.immediate('ld.d', T1, T2, CALL.flags);
  code.registers('movgr2fcsr', 0, T1);
  for (const register of [...REGISTERS.filter((other) => other !== T2), T2]) {
    code.immediate('ld.d', register, T2, CALL.registers + 8 * (register - 1));
  }
  code.registers('jirl', ZERO, 1);
}

/** What a target does: f0 keeps T0 until the others are stored, for no store is without a register. */
function target(code: Assembler, number: 0 | 1): void {
  code.label(`target ${number}`);
  code.registers('movgr2fr.d', 0, T0);
  code.load(T0, DATA);
  code.immediate('ld.d', T0, T0, STATE.result);
  for (const register of REGISTERS.filter((other) => other !== T0)) {
    code.immediate('st.d', register, T0, RESULT.registers + 8 * (register - 1));
  }
  code.registers('movfr2gr.d', T1, 0);
  code.immediate('st.d', T1, T0, RESULT.registers + 8 * (T0 - 1));
  code.registers('movfcsr2gr', T1, 0);
  code.immediate('st.d', T1, T0, RESULT.flags);
  code.load(T1, `target ${number}`);
  code.immediate('st.d', T1, T0, RESULT.reached);
  code.jump('reported');
}

/** Goes on to the next call. */
function advance(code: Assembler): void {
  code.label('reported');
  code.load(T0, DATA);
  for (const [at, step] of [
    [STATE.call, CALL_SIZE],
    [STATE.remaining, -1],
    [STATE.result, RESULT_SIZE],
  ] as const) {
    code.immediate('ld.d', T1, T0, at);
    code.immediate('addi.d', T1, T1, step);
    code.immediate('st.d', T1, T0, at);
  }
  code.jump('next');
}

/** Writes all output: in S0 and S1 from where and up to where. */
function finish(code: Assembler): void {
  code.label('finish');
  code.load(S0, OUTPUT);
  code.load(T0, DATA);
  code.immediate('ld.d', S1, T0, STATE.result);
  code.load(S2, -OUTPUT);
  code.add(S1, S1, S2);
  code.syscall('write', 1n, S0, S1);
  code.syscall('exit', 0n);
}

/**
 * The program that follows the protocol of `execute.h`, with the registers r1 to r31 and fcsr0 for the flags. LoongArch
 * has no jump that needs no register: r1, which no trampoline names, must come in as the slot's address.
 *
 * @returns its path
 */
export function executionProgram(): string {
  const code = new Assembler();
  prepare(code);
  enterSlot(code);
  target(code, 0);
  target(code, 1);
  advance(code);
  finish(code);
  return program('loongarch64', code.bytes());
}

/** Bytes from one slot to the next where they are disassembled: none crosses a page, at whose end qemu stops reading. */
const STRIDE = 64;

/** Where the slots begin in the program that shows them. */
const SHOWN = 0x1000;

/** A program that jumps to each piece of code, whatever becomes of it: every signal leads to the next piece. */
function showingProgram(pieces: readonly Uint8Array[]): string {
  const code = new Assembler();
  code.load(T0, DATA);
  code.load(T1, 'next');
  code.immediate('st.d', T1, T0, 8); // struct sigaction: handler, flags, mask
  code.load(T1, 0x4000_0000n); // SA_NODEFER
  code.immediate('st.d', T1, T0, 16);
  for (const signal of [5n, 7n, 11n]) code.syscall('rt_sigaction', signal, DATA + 8n, 0n, 8n);
  code.load(T0, DATA);
  code.load(T1, TEXT + BigInt(SHOWN));
  code.immediate('st.d', T1, T0, 0);
  code.label('next');
  code.load(SP, DATA + 0x40_0000n);
  code.load(T0, DATA);
  code.immediate('ld.d', T1, T0, 0);
  code.load(T2, TEXT + BigInt(SHOWN + STRIDE * pieces.length));
  code.branch('beq', T1, T2, 'end');
  code.immediate('addi.d', T3, T1, STRIDE);
  code.immediate('st.d', T3, T0, 0);
  code.registers('jirl', ZERO, T1);
  code.label('end');
  code.syscall('exit', 0n);
  const text = new Uint8Array(SHOWN + STRIDE * pieces.length);
  text.set(code.bytes());
  for (const [index, piece] of pieces.entries()) text.set(piece, SHOWN + STRIDE * index);
  return program('loongarch64-shown', text);
}

/**
 * What qemu reads in slots, as it writes down what it translates (`-d in_asm`), in the form of objdump's lines. Debian 12
 * has no objdump for loongarch64 but LLVM's, which is 230 megabytes; qemu is here already. It writes `ld_d` for `ld.d` and
 * `r4` for `$r4`, and exchanges the registers of jirl.
 */
export function disassemble(code: Uint8Array, slotSize: number): string[] {
  const pieces = Array.from({ length: Math.ceil(code.length / slotSize) }, (_, index) =>
    code.subarray(index * slotSize, (index + 1) * slotSize),
  );
  const first = TEXT + BigInt(SHOWN);
  const range = `0x${first.toString(16)}+0x${(STRIDE * pieces.length).toString(16)}`;
  const command = ['qemu-loongarch64', '-d', 'in_asm', '-dfilter', range, showingProgram(pieces)];
  const { status, stderr } = spawnSync('timeout', ['60', ...command], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command.join(' ')}: ended with ${status}, ${stderr.slice(-200)}`);
  return [...stderr.matchAll(/^0x([0-9a-f]+):\s+([0-9a-f]{8})\s+(\S+)\s*(.*?)\s*(?:# .*)?$/gm)].map(
    ([, address = '', word, mnemonic = '', operands = '']) => {
      const at = Number(BigInt(`0x${address}`) - first);
      const offset = Math.floor(at / STRIDE) * slotSize + (at % STRIDE);
      const named = operands.replace(/\br(\d+)\b/g, '$$r$1');
      const ordered = mnemonic === 'jirl' ? named.replace(/^(\S+), (\S+),/, '$2, $1,') : named;
      return `${offset.toString(16)} ${word} ${`${mnemonic.replaceAll('_', '.')} ${ordered}`.trim()}`;
    },
  );
}
