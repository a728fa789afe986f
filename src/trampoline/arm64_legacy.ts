/**
 * Trampolines that programs write themselves on arm64.
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

export const arm64Legacy: readonly LegacyTemplate[] = [
  // ldr x16, .+16; adr x17, .-4; br x16.
  {
    form: 'libffi',
    code: '90000058 f1ffff10 00021fd6 00000000 <handler:8>',
    loads: { x16: 'handler', x17: 'itself' },
    context: 'itself',
    target: { register: 'x16' },
  },
  // bti c; ldr x17, .+20; ldr x18, .+24; br x17; dsb sy; isb. On the heap it is the same.
  {
    form: 'gcc-stack',
    code: '5f2403d5 b1000058 d2000058 20021fd6 9f3f03d5 df3f03d5 <function:8> <chain:8>',
    loads: { x17: 'function', x18: 'chain' },
    context: 'chain',
    target: { register: 'x17' },
  },
];
