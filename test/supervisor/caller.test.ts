/**
 * Where a call comes from: the mapping of its instruction, and the files that its stack leads to.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Notification } from '../../src/linux/listener.js';
import { mappings } from '../../src/linux/maps.js';
import { callerOf } from '../../src/supervisor/caller.js';
import { compileProgram } from '../programs/compile.js';
import { Dialogue } from '../programs/dialogue.js';

function notificationFrom(threadId: number, instructionPointer: bigint): Notification {
  return {
    id: 1n,
    threadId,
    architecture: 0xc000003e,
    number: 0,
    instructionPointer,
    arguments: [0n, 0n, 0n, 0n, 0n, 0n],
  };
}

/** Waits until a program waits in a read(2), and where that call's instruction is. */
async function waitingAt(processId: number): Promise<bigint> {
  for (;;) {
    const words = readFileSync(`/proc/${processId}/syscall`, 'latin1').trim().split(' ');
    if (words[0] === '0' && words.length === 9) return BigInt(words[8] ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('the caller of a waiting call', () => {
  for (const [title, flags, wordSize] of [
    ['64-bit', [], 8],
    ['32-bit', ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu'], 4],
  ] as const) {
    test(`${title}: the C library made it, the program called that`, async () => {
      const binary = compileProgram('linux/pages.c', { flags: [...flags] });
      await using program = new Dialogue(binary);
      await program.line();
      const { processId } = program;
      let address = 0n;
      if (wordSize === 8) address = await waitingAt(processId);
      else {
        // read(2) is number 3 there; the kernel prints 32-bit calls in the same form.
        for (let words: string[] = []; words[0] !== '3'; ) {
          words = readFileSync(`/proc/${processId}/syscall`, 'latin1').trim().split(' ');
          address = BigInt(words.at(-1)?.startsWith('0x') ? (words.at(-1) ?? 0) : 0);
        }
      }
      const said = callerOf(notificationFrom(processId, address), wordSize);
      assert.equal(said.address, `0x${address.toString(16)}`);
      const line = mappings(processId)?.find(({ start, end }) => address >= start && address < end);
      assert.equal(said.maps, line?.text);
      if (wordSize === 8) {
        assert.match(said.file ?? '', /\/libc[.-][^+]*\+0x[0-9a-f]+$/);
        const [path = '', offset = ''] = (said.file ?? '').split('+');
        const base = mappings(processId)?.find(({ name }) => name === path)?.start ?? 0n;
        assert.equal(base + BigInt(offset), address);
      }
      const own = realpathSync(binary);
      assert.ok(
        said.stack.some((file) => file.startsWith(`${own}+0x`)),
        JSON.stringify(said),
      );
      assert.ok(
        said.stack.length <= 3 && new Set(said.stack.map((file) => file.split('+')[0])).size === said.stack.length,
      );
      assert.ok(said.file === null || !said.stack.some((file) => file.startsWith(`${said.file?.split('+')[0]}+`)));
    });
  }

  test('an address that no mapping covers, and a process that is gone', async () => {
    const program = new Dialogue(compileProgram('linux/pages.c'));
    await program.line();
    const { processId } = program;
    const nowhere = { address: '0x10', maps: null, file: null, stack: [] };
    assert.deepEqual(callerOf(notificationFrom(processId, 16n), 8), nowhere);
    const [first] = mappings(processId) ?? [];
    await program.kill();
    assert.deepEqual(callerOf(notificationFrom(processId, first?.start ?? 0n), 8), {
      ...nowhere,
      address: `0x${first?.start.toString(16)}`,
    });
  });
});
