/**
 * A policy for people: each kind, whether it is allowed, and how that is enforced.
 *
 * @module
 */
import {
  allows,
  emulates,
  isMixed,
  type Kind,
  kindSentences,
  kinds,
  type LevelName,
  looksAtPrograms,
  type Policy,
  policyText,
} from './kinds.js';

/** What a policy says of one kind. */
export interface KindDescription {
  readonly kind: Kind;
  readonly allowed: boolean;
  /** What a process may or may not do, to be read behind "may" or "may not". */
  readonly meaning: string;
  /** What stands in the way, or that nothing does. */
  readonly enforcement: string;
}

/** A policy, described. */
export interface PolicyDescription {
  /** The options that give it. */
  readonly policy: string;
  readonly level: LevelName;
  readonly reports: boolean;
  /** Whether trampolines that programs write themselves are emulated, as a policy file says it. */
  readonly emulation: boolean | 'every-program';
  readonly kinds: readonly KindDescription[];
}

const FILES =
  'mounts of its own: what can be executed is read-only, what can be written is noexec; memory files are made by the ' +
  'supervisor, new programs are looked at before they run, calls that lead around that are refused with EPERM';

/** Of a kind that is denied beside others that are allowed. */
const LOOK =
  'what registers show of it is refused with EACCES; for mprotect, the process is held still while the ' +
  'supervisor looks at its memory, and refuses this kind';

/** Of memory that programs ask for, where trampolines are emulated. */
const EMULATED =
  'it is never executable: a program that asks for it gets it without X, but for those that compile code, which are ' +
  'refused with EACCES; a call of a trampoline there is carried out by the supervisor, anything else is a SIGSEGV';

/** Of memory of files, which is granted to nobody there. */
const NEVER_GRANTED = 'the supervisor refuses the calls with EACCES; where it is gone, the kernel does with ENOSYS';

function enforcement(policy: Policy, kind: Kind): string {
  if (allows(policy, kind)) {
    if (kind === 'exectramp') return 'the supervisor generates and seals them; the program can never write one';
    if (kind === 'execfile') return 'nothing stands in the way';
    return policy.reports ? 'nothing stands in the way; each call is reported' : 'nothing stands in the way';
  }
  if (kind === 'execfile') return FILES;
  if (kind === 'exectramp') return 'there is no such system call, as on every kernel';
  if (isMixed(policy)) return LOOK;
  if (emulates(policy)) return kind === 'execmod' ? NEVER_GRANTED : EMULATED;
  // There the supervisor is asked, so that it can say which runtime was refused; its answer is always the same.
  const who = allows(policy, 'execfile') ? 'the kernel refuses' : 'the supervisor, and behind it the kernel, refuse';
  return `${who} the calls with EACCES, by their registers alone`;
}

/** Describes a policy. */
export function describePolicy(policy: Policy): PolicyDescription {
  return {
    policy: policyText(policy),
    level: policy.level,
    reports: policy.reports,
    emulation: looksAtPrograms(policy) ? 'every-program' : emulates(policy),
    kinds: kinds.map((kind) => ({
      kind,
      allowed: allows(policy, kind),
      meaning: kindSentences[kind],
      enforcement: enforcement(policy, kind),
    })),
  };
}
