/**
 * Who is refused code of its own: runtimes that cannot live without are named to the person who started the run, once
 * each, with what makes them run without.
 *
 * @module
 */
import { readlinkSync } from 'node:fs';
import type { Entry } from '../abi/syscalls.js';
import type { Notification } from '../linux/listener.js';
import { processOf } from '../linux/proc.js';
import { allowsAll, type Policy, policyText } from '../policy/kinds.js';
import { type Runtime, runtimeOf, runtimeSentence } from '../policy/runtimes.js';
import { callerOf, filesOf } from './caller.js';
import type { Log } from './log.js';
import { say } from './standard_error.js';

/** How often callers are looked for in a run: some are refused without end, and looking costs them and us. */
const MOST_LOOKS = 1000;

/** The file of a process's program. */
function programOf(processId: number): readonly string[] {
  try {
    return [readlinkSync(`/proc/${processId}/exe`)];
  } catch {
    return [];
  }
}

/** Files whose code lies next on a caller's stack, nearest first. */
function filesBehind(notification: Notification, entry: Entry): readonly string[] {
  return filesOf(callerOf(notification, entry === 'i386' ? 4 : 8));
}

/** The runtimes that were refused in a run. */
export class RefusedRuntimes {
  readonly #policy: Policy;
  readonly #log: Log;
  readonly #told = new Set<Runtime>();
  #looks = 0;

  constructor(policy: Policy, log: Log) {
    this.#policy = policy;
    this.#log = log;
  }

  /** Looks whose call it is that is refused memory; a runtime that fails of it is named on standard error. */
  look(notification: Notification, entry: Entry): void {
    if (this.#looks >= MOST_LOOKS) return;
    this.#looks += 1;
    const processId = processOf(notification.threadId) ?? notification.threadId;
    const files = [...filesBehind(notification, entry), ...programOf(processId)];
    this.#tell(processId, runtimeOf(files));
  }

  #tell(processId: number, runtime: Runtime | undefined): void {
    if (runtime === undefined || this.#told.has(runtime) || allowsAll(this.#policy, runtime.wants)) return;
    this.#told.add(runtime);
    const { name, wants, refused, without = null } = runtime;
    if (this.#log.enabled) {
      this.#log.write({ event: 'runtime-refused', processId, runtime: name, wants, refused, without });
    }
    if (refused === 'goes on') return;
    say(runtimeSentence(runtime, policyText(this.#policy)));
  }
}
