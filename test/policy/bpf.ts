/**
 * A classic BPF machine, written from linux/filter.h and seccomp(2) alone: what a compiled filter really does. It shares
 * nothing with the compiler; even the operation codes are spelled out here.
 *
 * @module
 */

/** struct seccomp_data, as a filter sees a call. */
export interface SeccompData {
  readonly number: number;
  readonly architecture: number;
  readonly instructionPointer?: bigint;
  readonly arguments: readonly bigint[];
}

/** Encodes struct seccomp_data: {int nr; u32 arch; u64 instruction_pointer; u64 args[6]}. */
function encode({ number, architecture, instructionPointer = 0n, arguments: values }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number >>> 0, true);
  view.setUint32(4, architecture, true);
  view.setBigUint64(8, instructionPointer, true);
  values.forEach((value, index) => {
    view.setBigUint64(16 + index * 8, BigInt.asUintN(64, value), true);
  });
  return view;
}

/** One instruction. */
interface Decoded {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

function decode(program: Uint8Array): readonly Decoded[] {
  if (program.length === 0 || program.length % 8 !== 0) throw new Error(`no program: ${program.length} bytes`);
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

/** Comparisons: BPF_JMP | BPF_K with BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET. */
const COMPARISONS: Readonly<Record<number, (accumulator: number, k: number) => boolean>> = {
  21: (accumulator, k) => accumulator === k,
  37: (accumulator, k) => accumulator > k,
  53: (accumulator, k) => accumulator >= k,
  69: (accumulator, k) => (accumulator & k) !== 0,
};

/**
 * Checks what the kernel checks before it takes a program: known instructions, aligned loads inside the structure, every
 * jump inside the program, and a return as the last instruction.
 */
export function verify(program: Uint8Array): number {
  const instructions = decode(program);
  const { length } = instructions;
  if (length > 4096) throw new Error(`${length} instructions`);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    const said = `instruction ${index} of ${length}, code ${code}`;
    if (code === 32) {
      if (k % 4 !== 0 || k >= 64) throw new Error(`${said}: loads from ${k}`);
    } else if (code === 5) {
      if (index + 1 + k >= length) throw new Error(`${said}: jumps out`);
    } else if (code in COMPARISONS) {
      if (index + 1 + Math.max(jt, jf) >= length) throw new Error(`${said}: jumps out`);
    } else if (code !== 6 && code !== 84) throw new Error(`${said}: unknown`);
  });
  if (instructions.at(-1)?.code !== 6) throw new Error('the last instruction is no return');
  return length;
}

/** Runs a program over a call: the 32-bit value that it returns, and how many instructions that took. */
export function execute(program: Uint8Array, data: SeccompData): { readonly value: number; readonly steps: number } {
  const instructions = decode(program);
  const memory = encode(data);
  let accumulator = 0;
  let steps = 0;
  for (let at = 0; ; at++) {
    const instruction = instructions[at];
    if (instruction === undefined) throw new Error('ran out of the program');
    const { code, jt, jf, k } = instruction;
    steps++;
    if (code === 6) return { value: k, steps };
    if (code === 32) accumulator = memory.getUint32(k, true);
    else if (code === 84) accumulator = (accumulator & k) >>> 0;
    else if (code === 5) at += k;
    else {
      const compare = COMPARISONS[code];
      if (compare === undefined) throw new Error(`unknown instruction ${code}`);
      at += compare(accumulator, k) ? jt : jf;
    }
  }
}
