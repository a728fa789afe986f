/**
 * Runs what a call runs that is emulated and promoted, on memory of this process, when the tracing thread starts: what
 * has run once is compiled, and a program's first closure does not wait for that.
 *
 * @module
 */
import { USER_REGS } from '../../abi/ptrace.js';
import { allocate } from '../../linux/libc.js';
import { readAtMost } from '../../linux/memory.js';
import { hasOwnFilter, mappings } from '../../linux/proc.js';
import { findSystemCall } from '../../linux/remote_call.js';
import { longestLegacyForm } from '../../trampoline/legacy.js';
import { carryOut, KnownCodes, relocated } from './known_code.js';
import { ViewPages } from './view.js';

/** A closure of libffi (trampoline/x86-64_legacy.ts), with a handler that is nowhere. */
const CLOSURE = 'f30f1efa 4c8d15f5ffffff ff2507000000 0f1f8000000000 0000000000000000';

/** See the module. No program sees anything of it. */
export function warmUp(pageSize: number): void {
  const closure = allocate(longestLegacyForm);
  closure.bytes.set(Buffer.from(CLOSURE.replaceAll(' ', ''), 'hex'));
  const bytes = readAtMost(process.pid, closure.address, longestLegacyForm);
  const known = new KnownCodes().find(bytes, closure.address, 'x86-64');
  if (known === undefined) return;
  const { form, length } = known.code;
  const end = closure.address + BigInt(length);
  carryOut(process.pid, relocated(known, closure.address, end, 0n), allocate(USER_REGS.size).view);
  mappings(process.pid);
  hasOwnFilter(process.pid);
  findSystemCall(process.pid, 'x86-64');
  try {
    using pages = ViewPages.create(pageSize, pageSize);
    pages.promote(0, 0n, pageSize, form, length);
  } catch {
    // There is no memory for it now. The request that needs some will be told.
  }
}
