/**
 * What `trampfd doctor` finds for the policy strict: each thing that it confines a program with, and what follows where
 * that is missing.
 *
 * @module
 */
import { errnoName } from '../abi/errno.js';
import { mayArrangeMounts } from '../linux/capabilities.js';
import { canScopeSignals, landlockVersion } from '../linux/landlock.js';
import { missingMountCalls, probeDomain, probeOwnMounts } from '../linux/probe_confinement.js';
import { DOMAIN_REMEDY } from '../supervisor/confine/missing.js';
import { namespaceForbidden, type Refused } from '../supervisor/confine/namespace_forbidden.js';
import { type Finding, finding } from './finding.js';

/** The first version that can do without forbidding files to move between folders. */
const LANDLOCK_NEEDED = 2;

/** Why none can be had, and what helps. */
function withoutLandlock(version: number, entered: number | undefined): string {
  if (version < 0) return `${errnoName(-version)}; a kernel with landlock among the lsm= of its boot has it`;
  if (version < LANDLOCK_NEEDED) return `version ${version}; a later kernel has version ${LANDLOCK_NEEDED}`;
  return `version ${version}, and no domain can be entered here (${errnoName(-(entered ?? 0))}): ${DOMAIN_REMEDY}`;
}

function landlockFinding(version: number, entered: number | undefined, isRoot: boolean): Finding {
  return finding(
    'Landlock',
    version >= LANDLOCK_NEEDED && (entered ?? 0) === 0,
    `version ${version}: strict permits single files to be executed, and keeps programs out of other processes`,
    `${withoutLandlock(version, entered)}; ` +
      (isRoot
        ? 'strict does not start for root without it'
        : 'strict traces each execution for a moment in its place, and root cannot use it'),
  );
}

/** Why no mounts can be had, as a run says it. */
function forbiddenText(refused: Refused): string {
  if (refused.result === 0) return '';
  const { what, remedy } = namespaceForbidden(refused);
  return `${what} (${errnoName(-refused.result)}): ${remedy}`;
}

/** The findings. */
export function strictFindings(): Finding[] {
  const isRoot = process.geteuid?.() === 0;
  const privileged = mayArrangeMounts();
  const own = probeOwnMounts();
  const missing = missingMountCalls();
  const version = landlockVersion();
  const entered = version < LANDLOCK_NEEDED ? undefined : probeDomain();
  return [
    finding(
      'mounts of its own',
      own === undefined ? undefined : own.result === 0,
      privileged
        ? 'a program under strict can have mounts of its own: this process has CAP_SYS_ADMIN'
        : 'a program under strict can have mounts of its own, in a user namespace',
      own === undefined ? '' : forbiddenText({ ...own, privileged }),
      'not probed, as unshare(1) is missing, or a filter refuses its call alone',
    ),
    finding(
      'calls for mounts',
      missing.length === 0,
      'open_tree(2), mount_setattr(2) and the others that strict arranges mounts with are there',
      `${missing.join(', ')}: not there, or hidden by a sandbox`,
    ),
    landlockFinding(version, entered, isRoot),
    finding(
      'LANDLOCK_SCOPE_SIGNAL',
      canScopeSignals() && (entered ?? 0) === 0,
      'signals of a program under strict stay in its run: it can neither stop nor kill its supervisor',
      'a program under strict can signal other processes of its user: its supervisor, which opens nothing, and a ' +
        'Node.js outside, which opens its debugger; Landlock of version 6 can keep them in',
    ),
  ];
}
