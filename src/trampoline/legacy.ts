/**
 * Recognise the trampolines that programs write themselves: libffi's closures, GCC's nested functions, and the like.
 *
 * What such code does is known from its bytes alone, all of them: see `legacy_form.ts`. The forms of an architecture
 * stand in its own file.
 *
 * @module
 */
import { type ArchitectureName, architectures } from './architectures.js';
import { armLegacy } from './arm_legacy.js';
import { arm64Legacy } from './arm64_legacy.js';
import { i386Legacy } from './i386_legacy.js';
import {
  type CompiledTemplate,
  compileTemplates,
  firstDifference,
  type InstructionSet,
  type LegacyForm,
  type RecognisedCode,
  readTemplate,
} from './legacy_form.js';
import { ppc64leLegacy } from './ppc64le_legacy.js';
import { riscv64Legacy } from './riscv64_legacy.js';
import { s390xLegacy } from './s390x_legacy.js';
import { x86_64Legacy } from './x86-64_legacy.js';

/** The forms of every architecture, the longest first. */
const templates: Readonly<Record<ArchitectureName, readonly CompiledTemplate[]>> = {
  'x86-64': compileTemplates(x86_64Legacy),
  i386: compileTemplates(i386Legacy),
  arm64: compileTemplates(arm64Legacy),
  arm: compileTemplates(armLegacy),
  riscv64: compileTemplates(riscv64Legacy),
  ppc64le: compileTemplates(ppc64leLegacy),
  s390x: compileTemplates(s390xLegacy),
  loongarch64: [], // None was looked at yet.
};

/** Bytes of the longest form of any architecture, constants included: as many as are worth reading. */
export const longestLegacyForm: number = Math.max(
  ...Object.values(templates).flatMap((forms) => forms.map(({ length }) => length)),
);

/**
 * What the bytes at an address do when they are called, where they are a form that is known.
 *
 * @param bytes from `address` on, as many as could be read; those behind the form are ignored
 * @param address where the code stands; on arm with bit 0 set where it is Thumb code, as in the address of a function
 * @returns nothing where any bit is another, where the form is not whole, and where the architecture could not execute
 *   code at such an address
 */
export function recogniseLegacy(
  bytes: Uint8Array,
  address: bigint,
  architecture: ArchitectureName,
): RecognisedCode | undefined {
  const { wordSize, instructionAlignment } = architectures[architecture];
  const instructionSet = instructionSetAt(address, architecture);
  const start = instructionSet === 'thumb' ? address - 1n : address;
  if (start % BigInt(instructionAlignment) !== 0n) return undefined;
  for (const template of templates[architecture]) {
    if (template.instructionSet !== instructionSet || firstDifference(template, bytes) < template.length) continue;
    const found = readTemplate(template, bytes, start, wordSize, architecture !== 's390x');
    if (found !== undefined) return found;
  }
  return undefined;
}

function instructionSetAt(address: bigint, architecture: ArchitectureName): InstructionSet | undefined {
  if (architecture !== 'arm') return undefined;
  return (address & 1n) === 1n ? 'thumb' : 'a32';
}

/** How far bytes agree with the form that they begin most like. */
export interface NearestForm {
  readonly form: LegacyForm;
  /** How many bytes of the form's own, not of its fields, stand before the first that differs. */
  readonly agrees: number;
  /** Offset of the first byte that differs or is missing; the form's length where none does. */
  readonly differsAt: number;
}

/**
 * The form that bytes begin most like, for a report on code that was not recognised.
 *
 * @returns nothing where not even the first byte is that of a form
 */
export function nearestForm(bytes: Uint8Array, architecture: ArchitectureName): NearestForm | undefined {
  let nearest: NearestForm | undefined;
  for (const template of templates[architecture]) {
    const differsAt = firstDifference(template, bytes);
    const agrees = template.mask.subarray(0, differsAt).filter((mask) => mask !== 0).length;
    if (agrees > (nearest?.agrees ?? 0)) nearest = { form: template.form, agrees, differsAt };
  }
  return nearest;
}
