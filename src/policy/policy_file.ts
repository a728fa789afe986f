/**
 * Policy files: JSON that holds one policy for each program. docs/policy.schema.json says the same as the checks here; a
 * test holds the two together.
 *
 * @module
 */
import { TrampfdError } from '../error.js';
import { type Emulation, type Kind, kinds, type LevelName, levelNames, type PolicyChange } from './kinds.js';

/** What a file says of a program. */
export interface ProgramPolicy {
  readonly level: LevelName;
  /** Changes of the level: what is allowed, then what is denied. No kind is in both. */
  readonly changes: readonly PolicyChange[];
  /** Absolute paths of trees that may be executed from, beside the system's. */
  readonly exec: readonly string[];
  readonly bestEffort: boolean;
  readonly emulation: Emulation;
}

/** What a file says. */
export interface PolicyFile {
  /** By absolute path or bare name. */
  readonly programs: ReadonlyMap<string, ProgramPolicy>;
  /** For every other program. */
  readonly byDefault: ProgramPolicy | undefined;
}

/** A place in a file. */
interface Place {
  readonly file: string;
  /** JSON pointer (RFC 6901). */
  readonly pointer: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The error about a place: what is wrong there, and what belongs there. */
function wrong({ file, pointer }: Place, rule: string, remedy: string): TrampfdError {
  const where = pointer === '' ? 'at the top' : `at ${pointer}`;
  return new TrampfdError('ERR_TRAMPFD_POLICY_FILE', `${file}: ${where}: ${rule}; ${remedy}`, { path: file });
}

function below({ file, pointer }: Place, name: string | number): Place {
  const token = String(name).replaceAll('~', '~0').replaceAll('/', '~1');
  return { file, pointer: `${pointer}/${token}` };
}

function objectAt(place: Place, value: unknown, members: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw wrong(place, 'this is no object', `give one with ${members}`);
}

function onlyMembers(place: Place, object: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw wrong(below(place, unknown), `the member '${unknown}' is unknown`, `give one of ${known.join(', ')}`);
}

function listAt(place: Place, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value as readonly unknown[];
  throw wrong(place, 'this is no list', 'put what is here into [ ]');
}

function nameAt<T extends string>(place: Place, what: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw wrong(place, `${what} ${JSON.stringify(value)} is unknown`, `give one of ${allowed.join(', ')}`);
}

function kindsAt(place: Place, value: unknown): readonly Kind[] {
  return listAt(place, value).map((one, index) => nameAt(below(place, index), 'the kind', one, kinds));
}

const EVERY_PROGRAM = 'every-program';

const PROGRAM_MEMBERS = ['policy', 'allow', 'deny', 'exec', 'bestEffort', 'emulation'] as const;

function emulationAt(place: Place, value: unknown): Emulation {
  if (value === EVERY_PROGRAM) return EVERY_PROGRAM;
  if (typeof value === 'boolean') return value ? 'asked' : 'none';
  throw wrong(place, `this is neither true nor false, nor "${EVERY_PROGRAM}"`, 'give one of them');
}

function programAt(place: Place, value: unknown): ProgramPolicy {
  const object = objectAt(place, value, `some of ${PROGRAM_MEMBERS.join(', ')}`);
  onlyMembers(place, object, PROGRAM_MEMBERS);
  const { policy = 'wx', allow, deny, exec, bestEffort = false, emulation = true } = object;
  const level = nameAt(below(place, 'policy'), 'the policy', policy, levelNames);
  const allowed = kindsAt(below(place, 'allow'), allow);
  const denied = kindsAt(below(place, 'deny'), deny);
  const both = denied.findIndex((kind) => allowed.includes(kind));
  if (both >= 0) {
    const at = below(below(place, 'deny'), both);
    throw wrong(at, `${denied[both]} is both allowed and denied`, 'leave it in one of the lists');
  }
  const trees = listAt(below(place, 'exec'), exec).map((path, index) => {
    if (typeof path === 'string' && path.startsWith('/')) return path;
    throw wrong(below(below(place, 'exec'), index), 'this is no absolute path', 'give one that begins with /');
  });
  if (typeof bestEffort !== 'boolean') {
    throw wrong(below(place, 'bestEffort'), 'this is neither true nor false', 'give one of them');
  }
  const changes: PolicyChange[] = [
    ...allowed.map((kind) => ({ verb: 'allow', kind }) as const),
    ...denied.map((kind) => ({ verb: 'deny', kind }) as const),
  ];
  return { level, changes, exec: trees, bestEffort, emulation: emulationAt(below(place, 'emulation'), emulation) };
}

/**
 * Reads a policy file.
 *
 * @param file - its name, for errors
 * @throws TrampfdError ERR_TRAMPFD_POLICY_FILE, which names the file, the place in it, the rule and the remedy
 */
export function parsePolicyFile(file: string, text: string): PolicyFile {
  const top: Place = { file, pointer: '' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(top, `this is no JSON (${(error as Error).message})`, 'docs/policy.schema.json says what belongs here');
  }
  const known = ['$schema', 'programs', 'default'];
  const object = objectAt(top, value, 'programs and default');
  onlyMembers(top, object, known);
  const { $schema = '', programs = {}, default: byDefault } = object;
  if (typeof $schema !== 'string') throw wrong(below(top, '$schema'), 'this is no text', 'name the schema, or nothing');
  const place = below(top, 'programs');
  const entries = Object.entries(objectAt(place, programs, 'a policy for each program'));
  return {
    programs: new Map(
      entries.map(([name, program]) => {
        const isPath = name.startsWith('/');
        if (!isPath && (name === '' || name.includes('/'))) {
          throw wrong(below(place, name), 'a relative path names no program', 'give an absolute path or a bare name');
        }
        return [name, programAt(below(place, name), program)];
      }),
    ),
    byDefault: byDefault === undefined ? undefined : programAt(below(top, 'default'), byDefault),
  };
}

/**
 * What a file says of a program.
 *
 * @param names - what the program is called, best first: paths, then bare names
 */
export function programPolicy(
  { programs, byDefault }: PolicyFile,
  names: readonly string[],
): ProgramPolicy | undefined {
  const name = names.find((one) => programs.has(one));
  return (name === undefined ? undefined : programs.get(name)) ?? byDefault;
}
