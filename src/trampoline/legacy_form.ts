/**
 * Templates of the trampolines that programs write themselves: bytes with holes, and what the holes mean.
 *
 * A template says every bit of a form but those of its fields. Nothing else is read into bytes: no instruction is
 * decoded, so no code can be made up that is taken for more than a form.
 *
 * @module
 */
import type { Trampoline } from './trampoline.js';

/**
 * Names of the forms: who writes such code. Several architectures have forms of one name, and one name may stand for
 * several of an architecture. Where two writers' bytes are the same, one name stands for both.
 *
 * - `libffi`: closures of libffi 3.3 and later
 * - `libffi-old`: closures of earlier libffi; on i386 raw closures of every libffi as well
 * - `libffcall`: callbacks of GNU libffcall; on i386 they are `gcc-stack`, whose bytes they have
 * - `gcc-stack`: nested functions of GCC, on the stack; on i386 and arm64 those on the heap as well
 * - `gcc-heap`: nested functions of GCC 14 and later with -ftrampoline-impl=heap
 * - `llvm`: the trampolines of LLVM's init.trampoline, which Fortran's internal procedures use
 * - `pax`: what else PaX's EMUTRAMP emulates
 */
export type LegacyForm = 'libffi' | 'libffi-old' | 'libffcall' | 'gcc-stack' | 'gcc-heap' | 'llvm' | 'pax';

/** The instruction sets of arm. A jump's target has bit 0 set where it is Thumb code. */
export type InstructionSet = 'a32' | 'thumb';

/** A form as it is written down. */
export interface LegacyTemplate {
  readonly form: LegacyForm;
  /**
   * Bytes in hexadecimal, in memory order. `<name:4>` and `<name:8>` are fields: integers of so many bytes in the
   * architecture's order; `<unused:6>` are so many bytes that count for nothing. A part in square brackets at the
   * beginning may be absent.
   */
  readonly code: string;
  /** The field that each register receives, or `itself`: the address of the code. */
  readonly loads: Readonly<Record<string, string>>;
  /** The field, or `itself`, that the target finds its data by. */
  readonly context: string;
  /** Where it jumps: to what a register holds, or to the address in a field, or so far from the code's end. */
  readonly target: { readonly register: string } | { readonly address: string } | { readonly displacement: string };
  readonly carry?: boolean;
  /** The field that is pushed. */
  readonly push?: string;
  /** The field that must hold the code's own address: it tells two writers of the same instructions apart. */
  readonly holdsItself?: string;
  /** The register that must hold the code's own address when it is called: the code finds its fields from there. */
  readonly entryRegister?: string;
  /** Where code of one instruction set only is meant. */
  readonly instructionSet?: InstructionSet;
}

/** Where a field stands. */
interface Field {
  readonly offset: number;
  readonly size: 4 | 8;
}

/** A template that is ready to be compared. */
export interface CompiledTemplate extends Omit<LegacyTemplate, 'code'> {
  readonly length: number;
  /** The fixed bytes; 0 where there is a field. */
  readonly bytes: Uint8Array;
  /** 0xff where a byte is fixed, else 0. */
  readonly mask: Uint8Array;
  readonly fields: ReadonlyMap<string, Field>;
}

/** The data of code that was found to be of a form. */
export interface RecognisedCode {
  readonly form: LegacyForm;
  /** Bytes of code and constants, from the code's start. */
  readonly length: number;
  readonly trampoline: Trampoline;
  /** What the target finds its data by: the address of the closure, or the static chain. */
  readonly context: bigint;
  /** Set where the code does this only when a register holds its address at entry, as the calling convention says. */
  readonly assumes?: { readonly register: string; readonly value: bigint };
}

const TOKEN = /<(\w+):(\d+)>|([0-9a-f]{2})/g;

function compileCode({ code, ...rest }: LegacyTemplate, text: string): CompiledTemplate {
  const bytes: number[] = [];
  const mask: number[] = [];
  const fields = new Map<string, Field>();
  for (const [, name, size, hex] of text.matchAll(TOKEN)) {
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      mask.push(0xff);
      continue;
    }
    const count = Number(size);
    if (name !== undefined && (count === 4 || count === 8)) fields.set(name, { offset: bytes.length, size: count });
    for (let index = 0; index < count; index++) {
      bytes.push(0);
      mask.push(0);
    }
  }
  return { ...rest, length: bytes.length, bytes: Uint8Array.from(bytes), mask: Uint8Array.from(mask), fields };
}

/**
 * Makes templates ready, each with its optional part and without, the longest first: so that a form is never taken for
 * a shorter one that it begins with. Among equally long ones their order stays.
 */
export function compileTemplates(templates: readonly LegacyTemplate[]): readonly CompiledTemplate[] {
  return templates
    .flatMap((template) => {
      const optional = /^\[(.*?)\]/.exec(template.code);
      if (optional === null) return [compileCode(template, template.code)];
      const rest = template.code.slice(optional[0].length);
      return [compileCode(template, `${optional[1]}${rest}`), compileCode(template, rest)];
    })
    .sort((one, other) => other.length - one.length);
}

/** The offset of the first byte that is not the template's, or that is missing; the template's length where none is. */
export function firstDifference({ length, bytes, mask }: CompiledTemplate, code: Uint8Array): number {
  for (let at = 0; at < length; at++) {
    const byte = code[at];
    if (byte === undefined || (byte & (mask[at] ?? 0)) !== bytes[at]) return at;
  }
  return length;
}

/**
 * Reads code that agrees with a template.
 *
 * @param address where the code stands
 * @param wordSize of the architecture, in bytes
 * @param isLittleEndian whether fields have the lowest byte first
 * @returns nothing when a field that must hold the code's address holds another
 */
export function readTemplate(
  template: CompiledTemplate,
  code: Uint8Array,
  address: bigint,
  wordSize: 4 | 8,
  isLittleEndian: boolean,
): RecognisedCode | undefined {
  const { form, length, fields, loads, target, carry, push, context, holdsItself, entryRegister } = template;
  const view = new DataView(code.buffer, code.byteOffset, length);
  const value = (name: string): bigint => {
    const field = fields.get(name);
    if (field === undefined) return address;
    const { offset, size } = field;
    return size === 8 ? view.getBigUint64(offset, isLittleEndian) : BigInt(view.getUint32(offset, isLittleEndian));
  };
  if (holdsItself !== undefined && value(holdsItself) !== address) return undefined;
  const displaced = (name: string): bigint =>
    BigInt.asUintN(8 * wordSize, address + BigInt(length) + BigInt.asIntN(32, value(name)));
  return {
    form,
    length,
    trampoline: {
      loads: Object.entries(loads).map(([register, name]) => ({
        register,
        from: { kind: 'constant', value: value(name) },
      })),
      ...(carry === undefined ? {} : { carry }),
      ...(push === undefined ? {} : { push: value(push) }),
      target:
        'register' in target
          ? target
          : { address: 'address' in target ? value(target.address) : displaced(target.displacement) },
    },
    context: value(context),
    ...(entryRegister === undefined ? {} : { assumes: { register: entryRegister, value: address } }),
  };
}
