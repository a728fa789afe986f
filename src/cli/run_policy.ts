/**
 * The policy of a run: what the command line says, and where it says nothing, what a policy file says of the program.
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { FCNTL } from '../abi/fcntl.js';
import { TrampfdError } from '../error.js';
import { fcntl } from '../linux/descriptor.js';
import { findProgram } from '../linux/search_path.js';
import { readAtMost } from '../linux/small_file.js';
import { type Policy, policyOf } from '../policy/kinds.js';
import { type PolicyFile, parsePolicyFile, programPolicy } from '../policy/policy_file.js';
import type { RunOptions } from './run_arguments.js';

/** What a run is confined to. */
export interface RunPolicy {
  readonly policy: Policy;
  readonly executable: readonly Uint8Array[];
  readonly bestEffort: boolean;
  /** The file that it was read from, which decides about the next run too: its path, links resolved, a character for each byte. */
  readonly policyFile: string | undefined;
}

/** More than any policy file has, in bytes. */
const LONGEST = 2 ** 20;

/** Names of descriptors, which a shell gives to what it has written by a program: `<(...)`, or `-`. */
const DESCRIPTOR_NAME = /^\/(?:dev\/(?:fd\/\d+|stdin)|proc\/self\/fd\/\d+)$/;

/**
 * The text of a policy file. It may be a link, for a person names it. A named pipe is not read, nor a device: a run could have
 * put one there, and the next start would wait for it.
 */
function policyText(name: Buffer): string {
  const file = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const isNamed = DESCRIPTOR_NAME.test(name.toString('latin1'));
    if (isNamed) fcntl(file, FCNTL.F_SETFL, 0);
    else if (!fstatSync(file).isFile()) {
      throw Object.assign(new Error(), { code: fstatSync(file).isDirectory() ? 'EISDIR' : 'EINVAL' });
    }
    return readAtMost(file, LONGEST).toString('utf8');
  } catch (error) {
    throw error instanceof RangeError ? Object.assign(error, { code: 'EFBIG' }) : error;
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a policy file.
 *
 * @throws TrampfdError where it cannot be read or understood
 */
export function readPolicyFile(name: Uint8Array): PolicyFile {
  const path = Buffer.from(name).toString();
  let text: string;
  try {
    text = policyText(Buffer.from(name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new TrampfdError(code, `${path}: the policy file cannot be read (${code}); name a file that can be`, {
      path,
    });
  }
  return parsePolicyFile(path, text);
}

/** What a program may be called in a policy file: its path, that with all links followed, and the last part of each. */
function namesOf(program: Uint8Array): readonly string[] {
  const found = findProgram(program);
  if (found === undefined) return [basename(Buffer.from(program).toString())];
  const path = Buffer.from(found).toString();
  const real = realpathSync.native(Buffer.from(found), 'utf8');
  return [path, real, basename(path), basename(real)];
}

/** The path of a policy file that lies in a folder, links resolved; undefined where it is a descriptor. */
function resolvedFile(name: Buffer): string | undefined {
  if (DESCRIPTOR_NAME.test(name.toString('latin1'))) return undefined;
  try {
    return realpathSync.native(name, 'latin1');
  } catch {
    // It was read, and is gone: a run to come does not start without it.
    return undefined;
  }
}

/**
 * The policy of a run. A level on the command line stands in place of the file's, with what the file changes about it;
 * all else on the command line is added behind.
 *
 * @throws TrampfdError where the policy file cannot be read or understood
 */
export function runPolicy(options: RunOptions): RunPolicy {
  const { level, changes, executable, bestEffort, emulation, policyFile } = options;
  const [program = new Uint8Array()] = options.program;
  const named = policyFile === undefined ? undefined : programPolicy(readPolicyFile(policyFile), namesOf(program));
  const base = level === undefined ? (named?.changes ?? []) : [];
  return {
    policy: policyOf(level ?? named?.level ?? 'wx', [...base, ...changes], emulation ?? named?.emulation),
    executable: [...(named?.exec ?? []).map((path) => Buffer.from(path)), ...executable],
    bestEffort: bestEffort || named?.bestEffort === true,
    policyFile: policyFile === undefined ? undefined : resolvedFile(Buffer.from(policyFile)),
  };
}
