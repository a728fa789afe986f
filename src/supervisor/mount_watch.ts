/**
 * Looks whether a file system is mounted that another process or another machine delivers (linux/served.ts): before the
 * first call of a run is answered, and now and then, for one may be mounted from outside. What the run itself mounts is
 * noticed as it does (calls/serve_pages.ts).
 *
 * @module
 */
import { prepareApart } from '../linux/apart_pool.js';
import { monotonic } from '../linux/clock.js';
import { mountTable } from '../linux/mount_table.js';
import { isDeliveredHere } from './confine/file_systems.js';
import { areServed, type EmulationShared, setServed } from './emulation/shared.js';

/** Milliseconds from one look to the next. */
const PERIOD = 5000;

/** Whether all mounts are of file systems that this machine delivers itself. What cannot be read may be another. */
function areAllDeliveredHere(): boolean {
  try {
    return mountTable().every(({ type }) => isDeliveredHere(type));
  } catch {
    return false;
  }
}

/** See the module. */
export class MountWatch {
  readonly #shared: EmulationShared;
  #next = 0;

  constructor(shared: EmulationShared) {
    this.#shared = shared;
  }

  /** Looks, where it is time. */
  look(): void {
    const now = monotonic();
    if (now < this.#next || areServed(this.#shared)) return;
    this.#next = now + PERIOD;
    if (areAllDeliveredHere()) return;
    setServed(this.#shared);
    prepareApart();
  }
}
