/**
 * The table of docs/system-calls.md about buffers that can be mapped: what each kernel that was booted answers to root's
 * attempts of row 28 without us. The other columns are written by hand.
 *
 * @module
 */
import { EXEC, type Result } from './outcome.js';

/** The row's program, and the first words of its attempts' names by the kind of descriptor in the table. */
const PROGRAM = 'row-28-rings';
const KINDS: Readonly<Record<string, string>> = {
  'rings of io_uring': 'io_uring',
  'ring of AF_PACKET': 'packet',
  'dma-bufs: udmabuf': 'udmabuf',
  'buffers of perf events': 'perf',
  'BPF maps': 'bpf',
  '`memfd_secret`': 'memfd_secret',
  'the ring of `io_setup`': 'aio',
  'TCP sockets (received pages)': 'tcp',
};

/** What a kernel answers that has no such device or call. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOSYS', 'ENODEV', 'ENXIO']);

const [START, END] = ['<!-- buffers: what kernels answer is written with the matrix -->', '<!-- end of buffers -->'];
/** Columns that are no kernel's: the descriptor and who may make it; what holds under `strict`. */
const BEFORE = 2;

/** A line's cells. */
function cellsOf(line: string): readonly string[] {
  return line.replace(/^\| | \|$/g, '').split(' | ');
}

/** The outcomes of one kind of descriptor: the bytes ran, then errors as they came. */
export function bufferCell(kind: string, results: readonly Result[]): string {
  const outcomes = new Set(
    results
      .filter(({ program, variant }) => program === PROGRAM && variant.split('-')[0] === kind)
      .map(({ outcome }) => (ABSENT.has(outcome) ? 'not there' : outcome)),
  );
  if (outcomes.size === 0) throw new Error(`nothing of ${kind} was tried`);
  return [...outcomes].sort((one, other) => Number(other === EXEC) - Number(one === EXEC)).join(', ');
}

/** Kernels by their version: 6.2 before 6.12. */
function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/**
 * The page with what one kernel answers.
 *
 * @param kernel - as in the table's head: 6.12
 * @param results - root's, without us
 */
export function withBuffers(page: string, kernel: string, results: readonly Result[]): string {
  const [before, rest] = page.split(START);
  const [part, after] = rest?.split(END) ?? [];
  if (before === undefined || part === undefined || after === undefined) throw new Error(`no ${START} or ${END}`);
  const [head = '', , ...lines] = part.trim().split('\n');
  const known = cellsOf(head).slice(BEFORE, -1);
  const kernels = [...new Set([...known, kernel])].sort(byVersion);
  const written = lines.map((line) => {
    const cells = cellsOf(line);
    const kind = KINDS[cells[0] ?? ''];
    if (kind === undefined || cells.length !== BEFORE + known.length + 1) throw new Error(`not of the table: ${line}`);
    const answers = kernels.map((one) =>
      one === kernel ? bufferCell(kind, results) : (cells[BEFORE + known.indexOf(one)] ?? ''),
    );
    return [...cells.slice(0, BEFORE), ...answers, ...cells.slice(-1)];
  });
  const heads = [...cellsOf(head).slice(0, BEFORE), ...kernels, ...cellsOf(head).slice(-1)];
  const table = [heads, heads.map(() => '---'), ...written].map((cells) => `| ${cells.join(' | ')} |`);
  return `${before}${START}\n\n${table.join('\n')}\n\n${END}${after}`;
}

/** The kinds of the page's table, as the attempts have them; for a test that each attempt is of one. */
export const bufferKinds: ReadonlySet<string> = new Set(Object.values(KINDS));
