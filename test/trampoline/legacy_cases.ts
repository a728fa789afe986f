/**
 * The forms that programs write, of every architecture: one line each.
 *
 * @module
 */
import type { ArchitectureName } from '../../src/trampoline/architectures.js';
import { arm } from './legacy/arm.js';
import { arm64 } from './legacy/arm64.js';
import { i386 } from './legacy/i386.js';
import { ppc64le } from './legacy/ppc64le.js';
import { riscv64 } from './legacy/riscv64.js';
import { s390x } from './legacy/s390x.js';
import { x86_64 } from './legacy/x86-64.js';
import type { LegacyCase } from './legacy_case.js';

export const legacyCases: Readonly<Record<ArchitectureName, readonly LegacyCase[]>> = {
  'x86-64': x86_64,
  i386,
  arm64,
  arm,
  riscv64,
  ppc64le,
  s390x,
  loongarch64: [],
};
