/**
 * What programs on x86-64 write: see `legacy_case.ts`.
 *
 * @module
 */
import type { Trampoline } from '../../../src/trampoline/trampoline.js';
import { constants, type LegacyCase, u32, u64, type Values } from '../legacy_case.js';

const pair = ({ context, target }: Values): Trampoline => ({
  loads: constants({ r11: target, r10: context }),
  target: { register: 'r11' },
});
const closure = ({ address, target }: Values): Trampoline => ({
  loads: constants({ r10: address }),
  target: { address: target },
});

export const x86_64: readonly LegacyCase[] = [
  {
    what: 'libffi closure',
    form: 'libffi',
    bytes: ({ target }) => `f30f1efa4c8d15f5ffffffff25070000000f1f8000000000${u64(target)}`,
    means: closure,
    contextIsItself: true,
  },
  {
    what: 'libffi 3.3 closure',
    form: 'libffi',
    bytes: ({ target }) => `4c8d15f9ffffffff25030000000f1f00${u64(target)}`,
    means: closure,
    contextIsItself: true,
  },
  {
    what: 'old libffi closure without SSE arguments',
    form: 'libffi-old',
    bytes: ({ context, target }) => `49bb${u64(target)}49ba${u64(context)}f849ffe3`,
    means: (values) => ({ ...pair(values), carry: false }),
  },
  {
    what: 'old libffi closure with SSE arguments',
    form: 'libffi-old',
    bytes: ({ context, target }) => `49bb${u64(target)}49ba${u64(context)}f949ffe3`,
    means: (values) => ({ ...pair(values), carry: true }),
  },
  {
    what: 'libffcall callback',
    form: 'libffcall',
    bytes: ({ context, target }) => `49ba${u64(context)}48b8${u64(target)}ffe0`,
    means: ({ context, target }) => ({
      loads: constants({ r10: context, rax: target }),
      target: { register: 'rax' },
    }),
  },
  ...['', 'f30f1efa'].flatMap((pad): LegacyCase[] => [
    {
      what: `nested function${pad && ', endbr64'}`,
      form: 'gcc-stack',
      bytes: ({ context, target }) => `${pad}49bb${u64(target)}49ba${u64(context)}49ffe390`,
      means: pair,
    },
    {
      what: `nested function below 4 GiB${pad && ', endbr64'}`,
      form: 'gcc-stack',
      bytes: ({ context, target }) => `${pad}41bb${u32(target)}49ba${u64(context)}49ffe390`,
      means: pair,
      targetBits: 32,
    },
    {
      what: `nested function on the heap${pad && ', endbr64'}`,
      form: 'gcc-heap',
      bytes: ({ context, target }) => `${pad}49bb${u64(target)}49ba${u64(context)}41ffe390`,
      means: pair,
    },
  ]),
  {
    what: 'LLVM trampoline',
    form: 'llvm',
    bytes: ({ context, target }) => `49bb${u64(target)}49ba${u64(context)}49ffe3`,
    means: pair,
  },
];
