/**
 * Trampolines that programs write themselves on i386.
 *
 * Nearly all are one MOV or PUSH of 32 bits and one JMP rel32. libffi's constant is the closure's address, with which
 * the code begins; GCC's is the static chain, in the register that the function's convention leaves free.
 *
 * @module
 */
import type { LegacyForm, LegacyTemplate } from './legacy_form.js';

/** MOV r32, imm32 is `B8+rd id`; PUSH imm32 is `68 id`. */
const MOV = { eax: 'b8', ecx: 'b9', edx: 'ba', ebx: 'bb', ebp: 'bd', esi: 'be', edi: 'bf' } as const;
const PUSH = '68';

const TARGET = { displacement: 'target' };

/** The context in a register, then the jump. */
function moves(form: LegacyForm, prefix: string, register: keyof typeof MOV): LegacyTemplate {
  return {
    form,
    code: `${prefix}${MOV[register]} <context:4> e9 <target:4>`,
    loads: { [register]: 'context' },
    context: 'context',
    target: TARGET,
  };
}

/** The context on the stack, then the jump. */
function pushes(form: LegacyForm, prefix: string): LegacyTemplate {
  return {
    form,
    code: `${prefix}${PUSH} <context:4> e9 <target:4>`,
    loads: {},
    push: 'context',
    context: 'context',
    target: TARGET,
  };
}

const ITSELF = { holdsItself: 'context' };

export const i386Legacy: readonly LegacyTemplate[] = [
  { ...moves('libffi', 'f30f1efb', 'eax'), ...ITSELF },
  { ...pushes('libffi', 'f30f1efb'), ...ITSELF }, // FFI_REGISTER
  { ...moves('libffi-old', '', 'eax'), ...ITSELF },
  { ...pushes('libffi-old', ''), ...ITSELF },
  moves('gcc-stack', '[f30f1efb]', 'ecx'),
  moves('gcc-stack', '[f30f1efb]', 'eax'), // fastcall and thiscall, whose arguments take ecx
  pushes('gcc-stack', '[f30f1efb]'), // regparm(3): to the function's second instruction
  // mov,%ecx; mov,%eax; jmp *%eax.
  {
    form: 'pax',
    code: 'b9 <chain:4> b8 <function:4> ffe0',
    loads: { ecx: 'chain', eax: 'function' },
    context: 'chain',
    target: { register: 'eax' },
  },
  ...(['edx', 'ebx', 'ebp', 'esi', 'edi'] as const).map((register) => moves('pax', '', register)),
];
