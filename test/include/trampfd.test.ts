/**
 * include/trampfd.h: every compiler takes it, it says what the project's own tables say, and without a supervisor it
 * answers ENOSYS.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import {
  TRAMPFD,
  TRAMPFD_CODE_DESCRIPTOR,
  TRAMPFD_DATA_DESCRIPTOR,
  TRAMPFD_EXTENSION_STRUCTURE,
  TRAMPFD_INFO,
} from '../../src/abi/trampfd.js';
import * as v1 from '../../src/abi/trampfd_user.js';
import { architectures } from '../../src/trampoline/architectures.js';
import { compileProgram } from '../programs/compile.js';
import { architectureNames } from '../trampoline/cases.js';
import { machines } from '../trampoline/machines.js';

/** Flags for a 32-bit program. Debian's 64-bit headers hold the asm/ folder that the 32-bit ones share. */
const WIDTHS = { '64-bit': ['-m64'], '32-bit': ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'] } as const;

/** The 32-bit C++ library need not be installed: nothing of it is used. */
const NO_CPP_LIBRARY = ['-nodefaultlibs', '-lc', '-lgcc'];

const DIALECTS: readonly { readonly compiler: string; readonly standard: string; readonly flags: readonly string[] }[] =
  [
    ...['c89', 'c99', 'c11', 'c17', 'gnu17'].map((standard) => ({ compiler: 'gcc', standard, flags: [] })),
    ...['c++98', 'c++11', 'c++17', 'c++20'].map((standard) => ({ compiler: 'g++', standard, flags: NO_CPP_LIBRARY })),
  ];

/** Every line that layout.c has to print. */
function expectedLines(): string[] {
  const structures = {
    trampfd_info: TRAMPFD_INFO,
    trampfd_code: TRAMPFD_CODE_DESCRIPTOR,
    trampfd_data: TRAMPFD_DATA_DESCRIPTOR,
    trampfd_extension: TRAMPFD_EXTENSION_STRUCTURE,
    trampfd_user: v1.TRAMPFD_USER_STRUCTURE,
    trampfd_map: v1.TRAMPFD_MAP,
    trampfd_reg: v1.TRAMPFD_REG,
    trampfd_regs: v1.TRAMPFD_REGS,
    trampfd_stack: v1.TRAMPFD_STACK,
    trampfd_values: v1.TRAMPFD_VALUES,
  };
  const layouts = Object.entries(structures).flatMap(([structure, fields]) =>
    Object.entries(fields).map(([field, offset]) => `${structure}.${field} ${offset}`),
  );
  const sizes = ['TRAMPFD_REGS_SIZE(40) 648', 'TRAMPFD_STACK_SIZE(64) 80', 'TRAMPFD_VALUES_SIZE(16) 136'];
  const constants = Object.entries({ ...TRAMPFD, ...v1.TRAMPFD_V1 }).map(([name, value]) => `${name} ${value}`);
  const registers = architectureNames.flatMap((architecture) =>
    architectures[architecture].tableRegisters.map(
      ({ name, number }) => `${machines[architecture].spelling(name)} ${number}`,
    ),
  );
  return [...layouts, ...sizes, ...constants, ...registers].sort();
}

function run(binary: string): { readonly status: number | null; readonly lines: readonly string[] } {
  const { status, stdout } = spawnSync(binary, { encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('trampfd.h', () => {
  for (const { compiler, standard, flags } of DIALECTS) {
    for (const [width, machine] of Object.entries(WIDTHS)) {
      test(`${standard}, ${width}: compiles without a warning; layouts, numbers and registers are the project's`, () => {
        const binary = compileProgram('interface/layout.c', {
          compiler,
          flags: [`-std=${standard}`, '-pedantic', '-O2', ...machine, ...flags],
        });
        const { status, lines } = run(binary);
        assert.equal(status, 0);
        assert.deepEqual([...lines].sort(), expectedLines());
      });
    }
  }

  for (const [width, machine] of Object.entries(WIDTHS)) {
    test(`${width}: without a supervisor, ENOSYS for every pointer, and only trampfd's own errnos pass`, () => {
      const { status, lines } = run(compileProgram('interface/absent.c', { flags: ['-std=gnu11', '-O2', ...machine] }));
      assert.deepEqual(
        lines.filter((line) => !/^(ok \d+ - |# |1\.\.\d+$)/.test(line)),
        [],
      );
      assert.equal(status, 0);
      assert.match(lines.at(-1) ?? '', /^1\.\.\d+$/);
    });
  }
});
