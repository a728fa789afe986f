/**
 * What the tracing thread's work is done with.
 *
 * @module
 */
import type { ChildChange } from '../../linux/wait.js';
import type { Policy } from '../../policy/kinds.js';
import type { ReportImage } from '../executions.js';
import type { Log } from '../log.js';
import type { EmulationShared } from './shared.js';
import type { Tally } from './tally.js';

/** What the tracer works with. */
export interface TracerContext {
  readonly shared: EmulationShared;
  readonly policy: Policy;
  readonly log: Log;
  readonly tally: Tally;
  /** Says what was found of a program. */
  readonly reportImage: ReportImage;
  /** Tells the main thread of a change of a child; undefined says that it is to look itself again. */
  readonly tellMain: (change: ChildChange | undefined) => void;
}
