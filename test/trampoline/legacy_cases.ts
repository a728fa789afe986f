/**
 * The forms that programs write, of every architecture: one line each.
 *
 * @module
 */
import type { ArchitectureName } from '../../src/trampoline/architectures.js';
import { i386 } from './legacy/i386.js';
import { x86_64 } from './legacy/x86-64.js';
import type { LegacyCase } from './legacy_case.js';

export const legacyCases: Readonly<Partial<Record<ArchitectureName, readonly LegacyCase[]>>> = {
  'x86-64': x86_64,
  i386,
};
