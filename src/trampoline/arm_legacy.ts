/**
 * Trampolines that programs write themselves on arm. A load of pc is a jump that bit 0 chooses the instruction set of.
 *
 * @module
 */
import type { LegacyTemplate } from './legacy_form.js';

/** The static chain's register is ip, that is r12. */
const NESTED = {
  form: 'gcc-stack',
  loads: { r12: 'chain' },
  context: 'chain',
  target: { address: 'function' },
} as const;

export const armLegacy: readonly LegacyTemplate[] = [
  // sub ip, pc, #8; ldr pc, [pc, #-4].
  {
    form: 'libffi',
    code: '08c04fe2 04f01fe5 <handler:4>',
    loads: { r12: 'itself' },
    context: 'itself',
    target: { address: 'handler' },
    instructionSet: 'a32',
  },
  // ldr ip, [pc]; ldr pc, [pc].
  { ...NESTED, code: '00c09fe5 00f09fe5 <chain:4> <function:4>', instructionSet: 'a32' },
  // ldr.w ip, [pc, #4]; ldr.w pc, [pc, #4], where pc is rounded down to a multiple of four.
  { ...NESTED, code: 'dff804c0 dff804f0 <chain:4> <function:4>', instructionSet: 'thumb' },
];
