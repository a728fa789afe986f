/**
 * Yama, and a supervisor that may not trace: what it writes by /proc/PID/mem.
 *
 * @module
 */
import { asDebianBoots, type Job, supported } from '../job.js';

export const jobs: readonly Job[] = [
  {
    name: 'handed',
    summary: 'Yama, root without CAP_SYS_PTRACE, a FUSE mount: no code is changed by what the supervisor writes',
    words: ['handed'],
    patience: 400,
    boot: { ...asDebianBoots, settings: { 'kernel/yama/ptrace_scope': '1' }, modules: ['fuse'] },
    isFor: supported,
  },
];
