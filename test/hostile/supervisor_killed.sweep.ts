/**
 * The supervisor is killed, while it starts and in the middle of a busy run: nothing of the run is left but what ends by
 * itself, nobody waits for an answer that never comes, and the caller's pipes are closed.
 *
 * @module
 */
import { compileProgram } from '../programs/compile.js';
import { AttackedRun, type RunSetting, settingsOf } from './attacked_run.js';
import { fractionOf, type Sweep } from './sweep.js';

const busy = compileProgram('hostile/busy.c', { flags: ['-z', 'execstack', '-lffi', '-pthread'] });
const plain = compileProgram('hostile/busy.c', { flags: ['-lffi', '-pthread'] });

/** As long as a start takes, and somewhat longer, in milliseconds. */
const START = 500;
/** How long a busy program goes on by itself, as it is told. */
const BUSY = 1500;

/** Programs that end by themselves. Of one that asks for an executable stack the start is another one. */
const starts = settingsOf([
  ['/bin/sleep', '0.1'],
  [busy, '1'],
]);
const runs = settingsOf([
  [plain, String(BUSY)],
  [busy, String(BUSY)],
]);

function settingOf(settings: readonly RunSetting[], number: number): RunSetting {
  const setting = settings[number % settings.length];
  if (setting === undefined) throw new Error('no setting');
  return setting;
}

function described({ options, user, program }: RunSetting, moment: number, wrong: string | undefined) {
  return wrong && `${options.join(' ')}, ${user}, ${program.join(' ')}, after ${moment.toFixed(1)} ms: ${wrong}`;
}

async function killStart(number: number): Promise<string | undefined> {
  const setting = settingOf(starts, number);
  const run = new AttackedRun(setting);
  const moment = fractionOf(number) * START;
  await run.at(moment);
  run.signal('SIGKILL');
  return described(setting, moment, await run.untilGone());
}

async function killBusy(number: number): Promise<string | undefined> {
  const setting = settingOf(runs, number);
  const run = new AttackedRun(setting);
  await run.until('busy\n');
  const moment = fractionOf(number) * BUSY;
  await new Promise((resolve) => setTimeout(resolve, moment));
  run.signal('SIGKILL');
  return described(setting, moment, await run.untilGone());
}

export const sweeps: readonly Sweep[] = [
  { name: 'the supervisor is killed while it starts', times: 1000, short: 24, attempt: killStart },
  { name: 'the supervisor is killed in a busy run', times: 1000, short: 8, attempt: killBusy },
];
