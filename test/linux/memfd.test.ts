/**
 * Memory files and their seals.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { fstatSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { errnoNumbers } from '../../src/abi/errno.js';
import { FCNTL } from '../../src/abi/fcntl.js';
import { close, fcntl } from '../../src/linux/descriptor.js';
import { addSeals, createMemoryFile, getSeals, growMemoryFile } from '../../src/linux/memfd.js';
import { openDescriptors } from '../../src/linux/proc.js';
import { resourceLimit, setResourceLimit } from '../../src/linux/process.js';

describe('a memory file', () => {
  test('has its size and name, closes on exec, is no program, and takes seals', () => {
    const file = createMemoryFile('named', 12_288);
    assert.equal(fstatSync(file).size, 12_288);
    assert.equal(readlinkSync(`/proc/self/fd/${file}`), '/memfd:named (deleted)');
    assert.equal(fcntl(file, FCNTL.F_GETFD, 0), FCNTL.FD_CLOEXEC);
    assert.equal(getSeals(file) & (FCNTL.F_SEAL_SEAL | FCNTL.F_SEAL_WRITE), 0);
    // From Linux 6.3 on it has no execute permission, and F_SEAL_EXEC (0x20) says so for good.
    if ((getSeals(file) & 0x20) !== 0) assert.equal(fstatSync(file).mode & 0o111, 0);
    assert.equal(addSeals(file, FCNTL.F_SEAL_GROW), 0);
    assert.equal(addSeals(file, FCNTL.F_SEAL_SEAL), 0);
    assert.equal(getSeals(file) & ~0x20, FCNTL.F_SEAL_GROW | FCNTL.F_SEAL_SEAL);
    assert.equal(addSeals(file, FCNTL.F_SEAL_WRITE), -errnoNumbers.EPERM);
    close(file);
  });

  test('grows with memory for all of it, and not when it is sealed or above the limit of files', () => {
    const file = createMemoryFile('growing', 4096);
    assert.equal(growMemoryFile(file, 1_048_576), 0);
    const { size, blocks } = fstatSync(file);
    assert.deepEqual([size, blocks * 512], [1_048_576, 1_048_576]);
    // As large as it is, or larger: it stays.
    assert.equal(growMemoryFile(file, 4096), 0);
    const limit = resourceLimit('RLIMIT_FSIZE');
    setResourceLimit('RLIMIT_FSIZE', { ...limit, soft: 2_000_000n });
    assert.equal(growMemoryFile(file, 2_000_001), -27);
    setResourceLimit('RLIMIT_FSIZE', limit);
    assert.equal(fstatSync(file).size, 1_048_576);
    assert.equal(addSeals(file, FCNTL.F_SEAL_GROW), 0);
    assert.equal(growMemoryFile(file, 1_048_577), -errnoNumbers.EPERM);
    assert.equal(fstatSync(file).size, 1_048_576);
    close(file);
    assert.equal(growMemoryFile(100_000, 4096), -errnoNumbers.EBADF);
  });

  test('what cannot be created leaves no descriptor', () => {
    const before = openDescriptors('self').length;
    assert.equal(createMemoryFile('x'.repeat(300), 4096), -errnoNumbers.EINVAL);
    assert.equal(createMemoryFile('negative', -1), -errnoNumbers.EINVAL);
    assert.equal(openDescriptors('self').length, before);
    assert.equal(getSeals(100_000), -errnoNumbers.EBADF);
  });
});
