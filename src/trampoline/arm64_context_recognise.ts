/**
 * Reading the code of a context on arm64. Nothing here is shared with what writes it.
 *
 * The code is known to the last bit, as the GNU assembler has it, but for the instruction that says where the data is.
 *
 * @module
 */
import { WORD, wordAt } from './words.js';

/** Up to that instruction: the landing pad, and all registers saved but x16. */
const BEFORE = words(
  'd503245f d11783f0 9100021f a9000600 a9010e02 a9021604 a9031e06 a9042608 a9052e0a a906360c a9073e0e a9094e12 ' +
    'a90a5614 a90b5e16 a90c6618 a90d6e1a f9004611 f900721c',
);

/** Behind it: the copy, the stack, the registers, the jump, and the fault. */
const BEHIND = words(
  'c8dffc01 37100901 91010002 36000041 910e6042 9103a203 f9400044 f8408445 f8008465 d1000484 b5ffffa4 d50339bf ' +
    'f9400005 cb0100a5 b5fffe45 91178208 f9407a05 cb050103 f9407e05 8a050063 cb080065 f9408606 8a0600a5 8b050108 ' +
    'd117811f f9409605 8b050063 f9408e04 91100202 b40000c4 a8c11845 8b0600a5 f8008465 d1000484 17fffffb a9539a07 ' +
    '8b0600e7 d2801009 f9409a04 91052202 b4000144 f8408443 a8c11845 8b0600a5 f8236a05 d1000484 d1020063 b5ffff23 ' +
    'd2801109 17fffff7 f8296a07 d1020131 a9400600 a9410e02 a9421604 a9431e06 a9442608 a9452e0a a946360c a9473e0e ' +
    'a9494e12 a94a5614 a94b5e16 a94c6618 a94d6e1a f940721c b5000091 a9484610 911783ff d61f0200 a9484610 911783ff ' +
    'd61f0220 a9400600 a9410e02 a9421604 911783ff 10fff410 3900021f d4200000',
);

/** BRK #0, which fills the rest. */
const TRAP = 0xd4200000;

function words(text: string): readonly number[] {
  return text.split(' ').map((word) => Number.parseInt(word, 16));
}

/** ADR x0: bits 1 and 0 of the distance in bits 30 and 29, bits 20 to 2 in bits 23 to 5. */
function adrX0(distance: number): number {
  return (0x10000000 + (distance % 4) * 0x20000000 + Math.floor(distance / 4) * 0x20) >>> 0;
}

/** No registers (there is no quick part), or nothing where any bit of the code is another. */
export function recogniseArm64Context(code: DataView, dataOffset: number): readonly string[] | undefined {
  // Up to 65536: the largest page there is, and well within the reach of ADR.
  if (code.byteLength !== dataOffset || dataOffset < 4096 || dataOffset > 65536 || dataOffset % WORD !== 0) {
    return undefined;
  }
  const expected = [...BEFORE, adrX0(dataOffset - WORD * BEFORE.length), ...BEHIND];
  for (let at = 0; at < dataOffset; at += WORD) {
    if (wordAt(code, at) !== (expected[at / WORD] ?? TRAP)) return undefined;
  }
  return [];
}
