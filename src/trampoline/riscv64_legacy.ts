/**
 * Trampolines that programs write themselves on riscv64.
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

export const riscv64Legacy: readonly LegacyTemplate[] = [
  // auipc t1, 0; ld t2, 16(t1); jr t2; nop.
  {
    form: 'libffi',
    code: '17030000 83330301 67800300 13000000 <handler:8>',
    loads: { x6: 'itself', x7: 'handler' },
    context: 'itself',
    target: { register: 'x7' },
  },
  // auipc t2, 0; ld t0, 24(t2); ld t2, 16(t2); jr t0.
  {
    form: 'gcc-stack',
    code: '97030000 83b28301 83b30301 67800200 <chain:8> <function:8>',
    loads: { x5: 'function', x7: 'chain' },
    context: 'chain',
    target: { register: 'x5' },
  },
];
