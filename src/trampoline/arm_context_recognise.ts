/**
 * Reading the code of a context on arm. Nothing here is shared with what writes it.
 *
 * The code is known to the last bit, as the GNU assembler has it, but for the instruction that says where the data is.
 *
 * @module
 */
import { WORD, wordAt } from './words.js';

/** Up to that instruction: the registers and the flags saved. */
const BEFORE = words('e24ddc03 e98d17ff e28dc004 e10f0000 e58c0030');

/** Behind it: the copy, the stack, the registers, the jump, and the fault. */
const BEHIND = words(
  'e08f1001 e5912004 f57ff05b e5913000 f57ff05b e3130004 1a000038 e2814040 e3130001 12844d05 e28c5034 e5946000 ' +
    'e4940004 e4850004 e2566001 1afffffb f57ff05b e5910000 e1500003 1affffec f57ff05b e5910004 e1500002 1affffe8 ' +
    'e28d8c03 e59c0038 e0485000 e59c003c e0055000 e0450008 e59c7044 e0000007 e0888000 e248dc03 e59c0054 e0855000 ' +
    'e59c604c e28c40f4 e2566001 4a000004 e4940004 e4947004 e0800007 e4850004 eafffff8 e59c6058 e28c405c e4940004 ' +
    'e4947004 e0800007 e58d0000 e28c4064 e2566001 4a000005 e4945004 e4940004 e4947004 e0800007 e78c0005 eafffff7 ' +
    'e59c0030 e128f000 e89c17ff e49df300 e59c0030 e128f000 e89c17ff e28ddc03 e54f0130 e7ffdefe',
);

/** UDF #0xfdee, which fills the rest. */
const TRAP = 0xe7ffdefe;

function words(text: string): readonly number[] {
  return text.split(' ').map((word) => Number.parseInt(word, 16));
}

/** MOVW r1: bits 15 to 12 of the value in bits 19 to 16, the others in bits 11 to 0. */
function movwR1(value: number): number {
  return 0xe3001000 + Math.floor(value / 0x1000) * 0x10000 + (value % 0x1000);
}

/** No registers (there is no quick part), or nothing where any bit of the code is another. */
export function recogniseArmContext(code: DataView, dataOffset: number): readonly string[] | undefined {
  // Up to 65536: the largest page there is, and what 16 bits of distance reach.
  if (code.byteLength !== dataOffset || dataOffset < 4096 || dataOffset > 65536 || dataOffset % WORD !== 0) {
    return undefined;
  }
  // The distance is added to the program counter by the next instruction, which reads it as 8 bytes ahead.
  const distance = dataOffset - (WORD * BEFORE.length + WORD + 8);
  const expected = [...BEFORE, movwR1(distance), ...BEHIND];
  for (let at = 0; at < dataOffset; at += WORD) {
    if (wordAt(code, at) !== (expected[at / WORD] ?? TRAP)) return undefined;
  }
  return [];
}
