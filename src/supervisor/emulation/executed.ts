/**
 * A traced process that has executed a program, which is looked at before its first instruction.
 *
 * @module
 */
import { kill, signalNumbers } from '../../linux/signal.js';
import { StoppedImage } from '../../linux/stopped_image.js';
import type { Policy } from '../../policy/kinds.js';
import { judgeImage, type ReportImage } from '../executions.js';
import type { Log } from '../log.js';
import type { TracedProcess, Tracees } from './tracees.js';

/** What programs are looked at with. */
export interface ExecutedContext {
  readonly policy: Policy;
  readonly log: Log;
  readonly reportImage: ReportImage;
}

/**
 * Looks at a program. One that has got no executable stack, though it asked, is traced on; others are let go of.
 *
 * @returns whether it is to go on; not where it was ended, which is told like any other end
 */
export function lookAtExecuted(
  traced: TracedProcess,
  tracees: Tracees,
  { log, policy, reportImage }: ExecutedContext,
): boolean {
  const wasInteresting = traced.memory.isInteresting;
  tracees.executed(traced);
  const { processId } = traced;
  const image = new StoppedImage(processId);
  if (!image.hasExecuted()) {
    // What cannot be looked at does not run.
    kill(processId, signalNumbers['SIGKILL'] ?? 9);
    const reason = 'the program cannot be looked at before it runs, so it was ended';
    reportImage(processId, { kind: 'refused', file: `process ${processId}`, reason });
    return false;
  }
  const finding = judgeImage(processId, processId, image, policy, reportImage);
  if (finding.kind === 'refused') return false;
  traced.isLeaving = finding.kind !== 'mended';
  if (finding.kind === 'mended') traced.memory.grantStack();
  else if (wasInteresting && log.enabled) {
    log.write({ event: 'detached', processId, reason: 'it has executed a program' });
  }
  return true;
}
