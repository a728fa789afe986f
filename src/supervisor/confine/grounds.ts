/**
 * What the machine and the user add to what `strict` refuses, found out before a run starts.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { ResourceLimit } from '../../linux/process.js';
import { socketsMayExecute } from '../../linux/socket.js';
import type { Grounds } from '../../policy/strict.js';
import { runReader } from './reader.js';

/**
 * Whether the kernel starts a program for cores, outside of every run, or hands them to a socket (core(5)). What such a
 * program reads its settings from, root may write. Nothing that can be read counts as if it did.
 */
export function coresLeaveTheRun(pattern: string | undefined): boolean {
  return pattern === undefined || /^[|@]/.test(pattern);
}

/** The limit of a core's bytes with which none is handed to a program: with 0 one is (core(5)). */
export const NO_CORES: ResourceLimit = { soft: 1n, hard: 1n };

function corePattern(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/core_pattern', 'latin1');
  } catch {
    return undefined;
  }
}

/** Finds them out. It takes some microseconds. */
export function findGrounds(): Grounds {
  return {
    packetRingsExecute: socketsMayExecute(),
    limitsCores: process.geteuid?.() === 0 && coresLeaveTheRun(corePattern()),
    tellsOfDevices: runReader().changesNetwork,
  };
}
