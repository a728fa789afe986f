/**
 * Trampolines that programs write themselves on ppc64le (ELFv2).
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

/**
 * ld r11, 24(r12); ld r12, 16(r12); mtctr r12; bctr. Whoever calls through a pointer has its value in r12 (ELFv2 ABI
 * 2.3.2.1); a call that has not would load from elsewhere.
 */
const TEMPLATE = {
  code: '18006ce9 10008ce9 a603897d 2004804e <function:8> <chain:8>',
  loads: { r11: 'chain', r12: 'function' },
  context: 'chain',
  target: { register: 'r12' },
  entryRegister: 'r12',
} as const;

export const ppc64leLegacy: readonly LegacyTemplate[] = [
  { ...TEMPLATE, form: 'libffi', holdsItself: 'chain' },
  { ...TEMPLATE, form: 'gcc-stack' },
];
