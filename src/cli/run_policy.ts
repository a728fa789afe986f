/**
 * The policy of a run: what the command line says, and where it says nothing, what a policy file says of the program.
 *
 * @module
 */
import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { TrampfdError } from '../error.js';
import { findProgram } from '../linux/search_path.js';
import { type Policy, policyOf } from '../policy/kinds.js';
import { type PolicyFile, parsePolicyFile, programPolicy } from '../policy/policy_file.js';
import type { RunOptions } from './run_arguments.js';

/** What a run is confined to. */
export interface RunPolicy {
  readonly policy: Policy;
  readonly executable: readonly Uint8Array[];
  readonly bestEffort: boolean;
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
    text = readFileSync(Buffer.from(name), 'utf8');
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
  };
}
