/**
 * `trampfd show`: the listing of a trampoline.
 *
 * @module
 */
import { architectures } from '../trampoline/architectures.js';
import { describe, describeContext } from '../trampoline/describe.js';
import { trampolinesPerPage } from '../trampoline/table.js';
import { tableTrampoline } from '../trampoline/trampoline.js';
import type { ShowOptions } from './show_arguments.js';

/** Where the two slots of the example are, by the width of an address in bytes: told apart at a glance. */
const EXAMPLE_SLOTS = {
  4: { codeSlot: 0x5678_1000n, dataSlot: 0x5678_2000n },
  8: { codeSlot: 0x7f12_3456_1000n, dataSlot: 0x7f12_3456_2000n },
} as const;

/**
 * The listing of the first trampoline of a table, and what all of its kind have in common; or that of a context's code.
 *
 * @throws TrampfdError EINVAL where the registers are not two of the architecture
 */
export function show(options: ShowOptions): string {
  const { architecture } = options;
  if ('context' in options) return describeContext(options.context, architecture);
  const { codeRegister, dataRegister } = options;
  const { wordSize, tableSlotSize, pageSize, landingPad } = architectures[architecture];
  const slots = EXAMPLE_SLOTS[wordSize];
  const trampoline = tableTrampoline({ codeRegister, dataRegister, ...slots });
  const hex = (address: bigint): string => `0x${address.toString(16)}`;
  return [
    describe(trampoline, 0n, architecture),
    `Table:        code_size is ${tableSlotSize}; ${trampolinesPerPage(architecture)} trampolines in a page of ${pageSize} bytes`,
    `Registers:    ${codeRegister} for the target's address, ${dataRegister} for the data`,
    `Slots:        ${hex(slots.codeSlot)} and ${hex(slots.dataSlot)} are examples; a program's own tables stand in their place`,
    `Landing pad:  ${landingPad}`,
    '',
  ].join('\n');
}
