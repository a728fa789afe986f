/**
 * Landlock domains: landlock(7).
 *
 * @module
 */
import { errnoNumbers } from '../abi/errno.js';
import { FCNTL } from '../abi/fcntl.js';
import { LANDLOCK, LANDLOCK_PATH_BENEATH, LANDLOCK_RULESET_ATTR, LANDLOCK_SCOPE_SIGNAL } from '../abi/landlock.js';
import { syscallNumbers } from '../abi/syscalls.js';
import { close, open } from './descriptor.js';
import { allocate, native, negatedErrno } from './libc.js';

const libcSyscall = native('long syscall(long, uint64_t, long, long, long)');
const { landlock_create_ruleset, landlock_add_rule } = syscallNumbers['x86-64'];

/** The version of Landlock that the kernel has, or a negated error number: ENOSYS, or EOPNOTSUPP where it is off. */
export function landlockVersion(): number {
  const flags = LANDLOCK.LANDLOCK_CREATE_RULESET_VERSION;
  return negatedErrno(libcSyscall(landlock_create_ruleset, 0, 0, flags, 0));
}

/** landlock_create_ruleset(2): a descriptor, or a negated error number. */
function create(handled: number, scoped: number): number {
  const attributes = allocate(LANDLOCK_RULESET_ATTR.size);
  attributes.view.setBigUint64(LANDLOCK_RULESET_ATTR.handled_access_fs, BigInt(handled), true);
  attributes.view.setBigUint64(LANDLOCK_RULESET_ATTR.scoped, BigInt(scoped), true);
  return negatedErrno(libcSyscall(landlock_create_ruleset, attributes.address, LANDLOCK_RULESET_ATTR.size, 0, 0));
}

/** Whether a domain can keep its tasks from sending signals to others: a ruleset is made that would, and dropped. */
export function canScopeSignals(): boolean {
  const ruleset = create(0, LANDLOCK_SCOPE_SIGNAL);
  if (ruleset >= 0) close(ruleset);
  return ruleset >= 0;
}

/**
 * A ruleset that takes nothing from a task but what every domain does, and what is asked for. In any domain a task may not
 * look into a process outside of it (/proc/PID/root, fd, mem and what else needs ptrace(2)'s permission), whatever user
 * either of them is. Every domain refuses files that move to another folder, unless that is allowed, so it is.
 *
 * What the kernel can scope, it does: no signal goes to a task outside of the domain. Sockets with abstract names are not
 * scoped: a service is reached by those as by sockets in folders, and libraries of X11 give up where they are refused.
 *
 * @param handled - LANDLOCK_ACCESS_FS_* that it refuses where no rule allows them
 * @returns a descriptor to give to landlock_restrict_self(2), or a negated error number; EOPNOTSUPP where the kernel's
 * Landlock can only refuse such moves (version 1)
 */
export function createRuleset(handled: number): number {
  const version = landlockVersion();
  if (version < 0) return version;
  if (version < 2) return -errnoNumbers.EOPNOTSUPP;
  const right = BigInt(LANDLOCK.LANDLOCK_ACCESS_FS_REFER);
  const scoped = canScopeSignals() ? LANDLOCK_SCOPE_SIGNAL : 0;
  const ruleset = create(LANDLOCK.LANDLOCK_ACCESS_FS_REFER | handled, scoped);
  if (ruleset < 0) return ruleset;
  const root = open('/', FCNTL.O_PATH | FCNTL.O_CLOEXEC);
  const rule = allocate(LANDLOCK_PATH_BENEATH.size);
  rule.view.setBigUint64(LANDLOCK_PATH_BENEATH.allowed_access, right, true);
  rule.view.setInt32(LANDLOCK_PATH_BENEATH.parent_fd, root, true);
  const added = negatedErrno(
    libcSyscall(landlock_add_rule, ruleset, LANDLOCK.LANDLOCK_RULE_PATH_BENEATH, Number(rule.address), 0),
  );
  close(root);
  if (added === 0) return ruleset;
  close(ruleset);
  return added;
}
