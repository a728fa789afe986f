/**
 * write, pwrite, read, pread and lseek on a trampoline of version 1: every row of the interface's table that can be judged
 * without looking at the memory.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Refusal } from '../../src/object/refusal.js';
import { judgeUserRead, judgeUserSeek, judgeUserWrite } from '../../src/object/user_arguments.js';

const BUFFER = 0x7fff0000n;

function assertRefused(answer: string | Refusal, reason: RegExp): void {
  assert.ok(typeof answer === 'object', `${answer} was taken`);
  assert.equal(answer.errno, 'EINVAL');
  assert.match(answer.reason, reason);
}

/** Each call, and what it may do where: offset, context, fewest and most bytes. */
const CALLS = {
  write: {
    judge: judgeUserWrite,
    contexts: [
      [1n, 'registers', 8n, 648n],
      [2n, 'stack', 16n, 80n],
      [3n, 'pcs', 8n, 136n],
    ],
  },
  read: {
    judge: judgeUserRead,
    contexts: [
      [0n, 'mapping', 24n, 24n],
      [1n, 'registers', 8n, 648n],
      [2n, 'stack', 16n, 80n],
    ],
  },
} as const;

for (const [call, { judge, contexts }] of Object.entries(CALLS)) {
  describe(`arguments of ${call} and p${call}`, () => {
    for (const [offset, kind, least, most] of contexts) {
      test(`offset ${offset} is ${kind}, of ${least} to ${most} bytes`, () => {
        for (let count = least; count <= most; count++) {
          assert.equal(judge({ bufferAddress: BUFFER, count, offset }), kind);
        }
      });

      for (const count of [0n, 1n, least - 1n, most + 1n, 4096n, 2n ** 32n + least, 2n ** 64n - 1n]) {
        test(`${kind}, count ${count}: EINVAL`, () => {
          assertRefused(judge({ bufferAddress: BUFFER, count, offset }), new RegExp(`${least}( to ${most})?$`));
        });
      }

      test(`${kind}, NULL buffer: EINVAL; an address that is not NULL is not judged here`, () => {
        assertRefused(judge({ bufferAddress: 0n, count: least, offset }), /NULL/);
        for (const bufferAddress of [1n, 2n ** 64n - 1n]) {
          assert.equal(judge({ bufferAddress, count: least, offset }), kind);
        }
      });
    }

    const other = call === 'write' ? 0n : 3n;
    for (const offset of [other, 4n, 5n, 24n, 4096n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 63n, 2n ** 64n - 1n, -1n]) {
      test(`offset ${offset}: EINVAL`, () => {
        for (const count of [8n, 16n, 24n]) {
          assertRefused(judge({ bufferAddress: BUFFER, count, offset }), new RegExp(`at offset ${offset};`));
        }
      });
    }
  });
}

describe('lseek', () => {
  test('SEEK_SET to 0, 1, 2 and 3', () => {
    for (const offset of [0n, 1n, 2n, 3n]) assert.equal(judgeUserSeek(0n, offset), undefined);
  });

  for (const whence of [1n, 2n, 3n, 4n, 0x8000_0000n, 0xffff_ffffn]) {
    test(`whence ${whence}: EINVAL`, () => {
      assertRefused(judgeUserSeek(whence, 0n) ?? 'this', /SEEK_SET/);
    });
  }

  test('the kernel looks at 32 bits of whence', () => {
    assert.equal(judgeUserSeek(0xffff_ffff_0000_0000n, 3n), undefined);
  });

  for (const offset of [-1n, 4n, -(2n ** 63n), 2n ** 63n, 2n ** 32n]) {
    test(`offset ${offset}: EINVAL`, () => {
      assertRefused(judgeUserSeek(0n, offset) ?? 'this', /0 to 3/);
    });
  }
});
