/**
 * The architectures as the tests know them: one line each.
 *
 * @module
 */
import type { ArchitectureName } from '../../src/trampoline/architectures.js';
import type { Machine } from './machine.js';
import { arm } from './machines/arm.js';
import { arm64 } from './machines/arm64.js';
import { i386 } from './machines/i386.js';
import { loongarch64 } from './machines/loongarch64.js';
import { ppc64le } from './machines/ppc64le.js';
import { riscv64 } from './machines/riscv64.js';
import { s390x } from './machines/s390x.js';
import { x86_64 } from './machines/x86-64.js';

export const machines: Readonly<Record<ArchitectureName, Machine>> = {
  'x86-64': x86_64,
  i386,
  arm64,
  arm,
  riscv64,
  ppc64le,
  s390x,
  loongarch64,
};
