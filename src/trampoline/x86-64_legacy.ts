/**
 * Trampolines that programs write themselves on x86-64.
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

/** r11 and r10 belong to neither side of a call (psABI 3.2.1); r10 is the static chain of languages that have one. */
const LOADS = { r11: 'function', r10: 'chain' };
const JUMP = { context: 'chain', target: { register: 'r11' } } as const;
const CLOSURE = { context: 'itself', loads: { r10: 'itself' }, target: { address: 'handler' } } as const;

export const x86_64Legacy: readonly LegacyTemplate[] = [
  // endbr64; lea -11(%rip),%r10; jmp *7(%rip); nopl 0(%rax): since CET is provided for.
  { form: 'libffi', code: 'f30f1efa 4c8d15f5ffffff ff2507000000 0f1f8000000000 <handler:8>', ...CLOSURE },
  // lea -7(%rip),%r10; jmp *3(%rip); nopl (%rax): libffi 3.3.
  { form: 'libffi', code: '4c8d15f9ffffff ff2503000000 0f1f00 <handler:8>', ...CLOSURE },
  // movabs,%r11; movabs,%r10; clc or stc; rex.WB jmp *%r11: the handler saves SSE arguments where the carry flag is set.
  ...[false, true].map(
    (carry): LegacyTemplate => ({
      form: 'libffi-old',
      code: `49bb <handler:8> 49ba <closure:8> ${carry ? 'f9' : 'f8'} 49ffe3`,
      loads: { r11: 'handler', r10: 'closure' },
      context: 'closure',
      carry,
      target: { register: 'r11' },
    }),
  ),
  // movabs,%r10; movabs,%rax; jmp *%rax.
  {
    form: 'libffcall',
    code: '49ba <data:8> 48b8 <function:8> ffe0',
    loads: { r10: 'data', rax: 'function' },
    context: 'data',
    target: { register: 'rax' },
  },
  // movabs,%r11 or, for a function below 4 GiB, mov,%r11d; movabs,%r10; rex.WB jmp *%r11; nop.
  { form: 'gcc-stack', code: '[f30f1efa] 49bb <function:8> 49ba <chain:8> 49ffe3 90', loads: LOADS, ...JUMP },
  { form: 'gcc-stack', code: '[f30f1efa] 41bb <function:4> 49ba <chain:8> 49ffe3 90', loads: LOADS, ...JUMP },
  { form: 'llvm', code: '49bb <function:8> 49ba <chain:8> 49ffe3', loads: LOADS, ...JUMP },
  // The same with rex.B before the jump.
  { form: 'gcc-heap', code: '[f30f1efa] 49bb <function:8> 49ba <chain:8> 41ffe3 90', loads: LOADS, ...JUMP },
];
