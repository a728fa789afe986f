/**
 * The architectures that have trampolines: one line each.
 *
 * @module
 */
import type { Architecture } from './architecture.js';
import { arm } from './arm.js';
import { arm64 } from './arm64.js';
import { i386 } from './i386.js';
import { loongarch64 } from './loongarch64.js';
import { ppc64le } from './ppc64le.js';
import { riscv64 } from './riscv64.js';
import { s390x } from './s390x.js';
import { x86_64 } from './x86-64.js';

/** Every architecture by its name. (The assertions only widen: without them the declaration could not be emitted.) */
export const architectures = {
  'x86-64': x86_64 as Architecture,
  i386: i386 as Architecture,
  arm64: arm64 as Architecture,
  arm: arm as Architecture,
  riscv64: riscv64 as Architecture,
  ppc64le: ppc64le as Architecture,
  s390x: s390x as Architecture,
  loongarch64: loongarch64 as Architecture,
} as const;

/** The name of an architecture that has trampolines. */
export type ArchitectureName = keyof typeof architectures;
