/**
 * What the bytes of a write do to a trampoline of version 1: a context is set, changed, or removed, or they are refused
 * with EINVAL and nothing changes.
 *
 * Beyond the proposal, which would cut them off, values that do not fit into a word of the program are refused; where
 * the program counter is named twice, the one that counts must not be 0; and arm64 needs x16 or x17 for the jump, which
 * in the proposal the kernel does. As there, removing a context needs nothing but a good header: flags and offset of a
 * stack context without data are not looked at, for nothing of them stays.
 *
 * @module
 */
import {
  TRAMPFD_REG,
  TRAMPFD_REGS,
  TRAMPFD_STACK,
  TRAMPFD_V1,
  TRAMPFD_VALUE_SIZE,
  TRAMPFD_VALUES,
} from '../abi/trampfd_user.js';
import { type ArchitectureName, architectures } from '../trampoline/architectures.js';
import { invalid, type Refusal } from './refusal.js';
import {
  effectiveRegisters,
  listUserRegisters,
  programCounterOf,
  type RegisterValue,
  type StackContext,
  type UserArchitecture,
  type UserTrampoline,
  userRegisterByNumber,
} from './user.js';
import { contexts, mostBytes, type WritableContext } from './user_arguments.js';

/** A trampoline with a context set or removed; the given one stays as it is. */
type Outcome = { readonly user: UserTrampoline } | Refusal;

/**
 * Sets a context from the bytes of its structure, or removes it where they say that there are no entries.
 *
 * @param bytes all that was written: the structure, of exactly the size that its header says
 * @param callerArchitecture the architecture that the writing call entered the kernel with
 */
export function setContext(
  user: UserTrampoline,
  kind: WritableContext,
  bytes: Uint8Array,
  callerArchitecture: ArchitectureName,
): Outcome {
  const { label, header } = contexts[kind];
  if (callerArchitecture !== user.architecture) {
    return invalid(
      `an ${callerArchitecture} call wrote the ${label} of an ${user.architecture} program's trampoline; ` +
        'create one by a call of the same architecture',
    );
  }
  if (bytes.length < header || bytes.length > mostBytes(kind)) {
    return invalid(`${bytes.length} bytes were written as the ${label}; write ${header} to ${mostBytes(kind)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (kind) {
    case 'registers':
      return setRegisters(user, view);
    case 'stack':
      return setStack(user, view);
    case 'pcs':
      return setAllowedPcs(user, view);
  }
}

/** What is wrong with a context's header: a reserved field, or a number of entries that may not be, or is not there. */
function headerFault(kind: WritableContext, view: DataView, given: number, reserved: number): Refusal | undefined {
  const { label, entries, header, entrySize, mostEntries } = contexts[kind];
  if (reserved !== 0) return invalid(`the ${label}'s reserved field is ${reserved}; it must be 0`);
  if (given > mostEntries) return invalid(`the ${label} says ${given} ${entries}; it can have ${mostEntries}`);
  const size = header + entrySize * given;
  if (view.byteLength === size) return undefined;
  return invalid(`the ${label} says ${given} ${entries}, but ${view.byteLength} bytes were written; write ${size}`);
}

function setRegisters(user: UserTrampoline, view: DataView): Outcome {
  const { architecture, allowedPcs } = user;
  const nregs = view.getUint32(TRAMPFD_REGS.nregs, true);
  const fault = headerFault('registers', view, nregs, view.getUint32(TRAMPFD_REGS.reserved, true));
  if (fault !== undefined) return fault;
  if (nregs === 0) {
    const { registers: _, ...others } = user;
    return { user: others };
  }

  const registers: RegisterValue[] = [];
  for (let index = 0; index < nregs; index++) {
    const at = TRAMPFD_REGS.regs + TRAMPFD_REG.sizeof * index;
    const name = view.getUint32(at + TRAMPFD_REG.name, true);
    const reserved = view.getUint32(at + TRAMPFD_REG.reserved, true);
    const value = view.getBigUint64(at + TRAMPFD_REG.value, true);
    const register = userRegisterByNumber(architecture, name);
    if (register === undefined) {
      return invalid(`register ${name} is none of ${architecture}'s; name one of ${listUserRegisters(architecture)}`);
    }
    if (reserved !== 0) return invalid(`the reserved field of register ${register} is ${reserved}; it must be 0`);
    if (!fits(architecture, value)) return tooWide(architecture, `the value of register ${register}`, value);
    registers.push({ name, value });
  }

  const programCounter = programCounterOf(architecture);
  const values = effectiveRegisters(architecture, registers);
  const pc = values.get(programCounter) ?? 0n;
  if (pc === 0n) {
    return invalid(
      `the register context leaves ${programCounter} without a target; name it, with an address that is not 0`,
    );
  }
  if (allowedPcs !== undefined && !allowedPcs.includes(pc)) {
    const known = allowedPcs.map(hexadecimal).join(', ');
    return invalid(`the register context's ${programCounter} ${hexadecimal(pc)} is not allowed; take one of ${known}`);
  }
  const jumpRegisters = architectures[architecture].context?.jumpRegisters ?? [];
  if (jumpRegisters.length > 0 && jumpRegisters.every((name) => values.has(name))) {
    const names = jumpRegisters.join(' and ');
    return invalid(`the register context names ${names}, of which the jump to the target needs one; leave one out`);
  }
  return { user: { ...user, registers } };
}

function setStack(user: UserTrampoline, view: DataView): Outcome {
  const size = view.getUint32(TRAMPFD_STACK.size, true);
  const fault = headerFault('stack', view, size, view.getUint32(TRAMPFD_STACK.reserved, true));
  if (fault !== undefined) return fault;
  if (size === 0) {
    const { stack: _, ...others } = user;
    return { user: others };
  }

  const stack: StackContext = {
    flags: view.getUint32(TRAMPFD_STACK.flags, true),
    offset: view.getUint32(TRAMPFD_STACK.offset, true),
    // A copy: whoever owns the given bytes may use them again.
    data: new Uint8Array(view.buffer, view.byteOffset + TRAMPFD_STACK.data, size).slice(),
  };
  const { TRAMPFD_SET_SP, TRAMPFD_MAX_STACK_OFFSET } = TRAMPFD_V1;
  if ((stack.flags & ~TRAMPFD_SET_SP) !== 0) {
    return invalid(`the stack context's flags are ${stack.flags}; there is only TRAMPFD_SET_SP, ${TRAMPFD_SET_SP}`);
  }
  if (stack.offset > TRAMPFD_MAX_STACK_OFFSET) {
    return invalid(`the stack context's offset is ${stack.offset}; it can be 0 to ${TRAMPFD_MAX_STACK_OFFSET}`);
  }
  return { user: { ...user, stack } };
}

/** A register context that is there already stays, whatever its target is. */
function setAllowedPcs(user: UserTrampoline, view: DataView): Outcome {
  const nvalues = view.getUint32(TRAMPFD_VALUES.nvalues, true);
  const fault = headerFault('pcs', view, nvalues, view.getUint32(TRAMPFD_VALUES.reserved, true));
  if (fault !== undefined) return fault;
  if (nvalues === 0) {
    const { allowedPcs: _, ...others } = user;
    return { user: others };
  }

  const allowedPcs: bigint[] = [];
  for (let index = 0; index < nvalues; index++) {
    const value = view.getBigUint64(TRAMPFD_VALUES.values + TRAMPFD_VALUE_SIZE * index, true);
    if (value === 0n) return invalid(`allowed PC ${index} is 0; give the address of a target, or leave it out`);
    if (!fits(user.architecture, value)) return tooWide(user.architecture, `allowed PC ${index}`, value);
    allowedPcs.push(value);
  }
  return { user: { ...user, allowedPcs } };
}

/** Whether a value is one of the program's words. */
function fits(architecture: UserArchitecture, value: bigint): boolean {
  return value < 1n << BigInt(8 * architectures[architecture].wordSize);
}

function tooWide(architecture: UserArchitecture, what: string, value: bigint): Refusal {
  const bits = 8 * architectures[architecture].wordSize;
  return invalid(`${what} is ${hexadecimal(value)}; a word of ${architecture} has ${bits} bits, give no more`);
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
