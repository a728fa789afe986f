/**
 * What programs on i386 write: see `legacy_case.ts`.
 *
 * @module
 */
import { constants, type LegacyCase, u32, type Values } from '../legacy_case.js';

const ENDBR = 'f30f1efb';

/** The displacement of a jump that ends `end` bytes behind the code's start. */
const displacement = ({ address, target }: Values, end: bigint): string => u32(target - (address + end));

/** One instruction with the context, and a jump. */
function short(what: string, form: LegacyCase['form'], pad: string, opcode: string, register?: string): LegacyCase {
  return {
    what: `${what}${pad && ', endbr32'}`,
    form,
    bytes: (values) => `${pad}${opcode}${u32(values.context)}e9${displacement(values, pad === '' ? 10n : 14n)}`,
    means: ({ context, target }) =>
      register === undefined
        ? { loads: [], push: context, target: { address: target } }
        : { loads: constants({ [register]: context }), target: { address: target } },
  };
}

export const i386: readonly LegacyCase[] = [
  { ...short('libffi closure', 'libffi', ENDBR, 'b8', 'eax'), contextIsItself: true },
  { ...short('libffi closure, FFI_REGISTER', 'libffi', ENDBR, '68'), contextIsItself: true },
  { ...short('old or raw libffi closure', 'libffi-old', '', 'b8', 'eax'), contextIsItself: true },
  { ...short('old libffi closure, FFI_REGISTER', 'libffi-old', '', '68'), contextIsItself: true },
  ...['', ENDBR].flatMap((pad) => [
    short('nested function', 'gcc-stack', pad, 'b9', 'ecx'),
    short('nested fastcall function', 'gcc-stack', pad, 'b8', 'eax'),
    short('nested regparm(3) function', 'gcc-stack', pad, '68'),
  ]),
  {
    what: 'two moves and a jump through eax',
    form: 'pax',
    bytes: ({ context, target }) => `b9${u32(context)}b8${u32(target)}ffe0`,
    means: ({ context, target }) => ({
      loads: constants({ ecx: context, eax: target }),
      target: { register: 'eax' },
    }),
  },
  short('edx and a jump', 'pax', '', 'ba', 'edx'),
  short('ebx and a jump', 'pax', '', 'bb', 'ebx'),
  short('ebp and a jump', 'pax', '', 'bd', 'ebp'),
  short('esi and a jump', 'pax', '', 'be', 'esi'),
  short('edi and a jump', 'pax', '', 'bf', 'edi'),
];
