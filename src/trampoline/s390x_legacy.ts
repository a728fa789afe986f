/**
 * Trampolines that programs write themselves on s390x.
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

/** basr %r1,%r0; lmg %r0,%r1,14(%r1); br %r1; six bytes that no writer fills. */
const TEMPLATE = {
  code: '0d10 eb01100e0004 07f1 <unused:6> <chain:8> <function:8>',
  loads: { r0: 'chain', r1: 'function' },
  context: 'chain',
  target: { register: 'r1' },
} as const;

export const s390xLegacy: readonly LegacyTemplate[] = [
  { ...TEMPLATE, form: 'libffi', holdsItself: 'chain' },
  { ...TEMPLATE, form: 'gcc-stack' },
];
