/**
 * The supervisor is told to end (SIGTERM, SIGINT, SIGHUP), while it starts and in the middle of a busy run: it ends by that
 * signal, soon, with all that it has started, for the programs here do not care for it.
 *
 * @module
 */
import { compileProgram } from '../programs/compile.js';
import { AttackedRun, type RunSetting, settingsOf } from './attacked_run.js';
import { fractionOf, type Limit, type Sweep } from './sweep.js';

const busy = compileProgram('hostile/busy.c', { flags: ['-z', 'execstack', '-lffi', '-pthread'] });

const START = 500;
/** The longest that it may take to obey, in milliseconds; an idle machine takes a tenth of a second. */
const SOON = 1000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

const starts = settingsOf([
  ['/bin/sleep', '1000'],
  [busy, '3000'],
]);
const runs = settingsOf([[busy, '3000']]);

async function end(
  settings: readonly RunSetting[],
  number: number,
  isBusy: boolean,
  limit: Limit,
): Promise<string | undefined> {
  const setting = settings[number % settings.length];
  const signal = SIGNALS[Math.floor(number / settings.length) % SIGNALS.length];
  if (setting === undefined || signal === undefined) throw new Error('no setting');
  const run = new AttackedRun(setting);
  const moment = fractionOf(number) * START;
  if (isBusy) await run.until('busy\n');
  await (isBusy ? new Promise((resolve) => setTimeout(resolve, moment)) : run.at(moment));
  const began = performance.now();
  run.signal(signal);
  const ended = await run.ended;
  const took = performance.now() - began;
  const left = await run.untilGone();
  const wrong =
    left ??
    (ended.signal === signal ? undefined : `it ended with ${ended.signal ?? ended.status}; ${run.output}`) ??
    (took > limit(SOON) ? `it took ${took.toFixed(0)} ms` : undefined);
  const { options, user, program } = setting;
  return (
    wrong && `${options.join(' ')}, ${user}, ${program.join(' ')}, ${signal} after ${moment.toFixed(1)} ms: ${wrong}`
  );
}

export const sweeps: readonly Sweep[] = [
  {
    name: 'the supervisor is told to end while it starts',
    times: 1000,
    short: 24,
    attempt: (number, limit) => end(starts, number, false, limit),
  },
  {
    name: 'the supervisor is told to end in a busy run',
    times: 300,
    short: 8,
    attempt: (number, limit) => end(runs, number, true, limit),
  },
];
