/**
 * What `trampfd doctor` finds of buffers that the kernel shares with a process through descriptors that are no files: which of
 * them can be mapped executable here, and what the policies make of that.
 *
 * @module
 */
import { probeRings, type RingFinding, type RingFindings } from '../linux/probe_rings.js';
import type { Finding } from './finding.js';

/** What strict does about each kind, and why nothing was mapped where nothing was. */
const SENTENCES: Readonly<Record<keyof RingFindings, { readonly strict: string; readonly none: string }>> = {
  io_uring: { strict: 'strict refuses io_uring in any case', none: 'io_uring is not to be had here' },
  'packet socket': {
    strict: 'strict refuses packet sockets for it',
    none: 'this user may not make a packet socket',
  },
  'performance event': {
    strict: 'strict refuses perf_event_open in any case',
    none: 'this user may not have performance events',
  },
  'secret memory': { strict: 'nothing refuses it under strict', none: 'the kernel has no secret memory' },
  'dma-buf': {
    strict: 'strict refuses devices and commands that make one in any case',
    none: 'no /dev/udmabuf that this user may open; strict refuses devices and commands that make one in any case',
  },
};

function findingOf(kind: keyof RingFindings, found: RingFinding): Finding {
  const { strict, none } = SENTENCES[kind];
  const name = `executable: ${kind}`;
  switch (found) {
    case 'not to be had':
      return { name, answer: 'unknown', meaning: `not probed: ${none}` };
    case 'not executable':
      return { name, answer: 'no', meaning: 'the kernel maps its memory writable, and does not map it executable' };
    case 'executable':
      return {
        name,
        answer: 'yes',
        meaning: `the kernel maps its memory writable and, a second time, executable; ${strict}, wx leaves it open as it does files`,
      };
  }
}

/** The findings, one for each kind. Each was mapped, and is gone. */
export function ringFindings(): readonly Finding[] {
  const found = probeRings();
  return (Object.keys(found) as (keyof RingFindings)[]).map((kind) => findingOf(kind, found[kind]));
}
