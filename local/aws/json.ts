import type { InputProblem } from './service.ts';
import type { Member, Shape } from './shape.ts';

/** What a body is missing or has wrong, found while it is read. */
export class InvalidInput extends Error {
  readonly problem: InputProblem;
  constructor(problem: InputProblem) {
    super(`${problem.kind} at '${problem.path.join('.')}'`);
    this.name = 'InvalidInput';
    this.problem = problem;
  }
}

/**
 * Reads a JSON value as the shape says: epoch seconds to Date, base64 to bytes. An explicit null is as good as absent.
 * @param keepUnknown keep members that the shape does not have (else they are dropped)
 * @throws InvalidInput at the first missing required member or wrong type
 */
export function readJson(shape: Shape, value: unknown, keepUnknown: boolean, path: readonly string[] = []): unknown {
  const wrong = (expected: string) => new InvalidInput({ kind: 'type', path, expected, actual: describe(value) });
  switch (shape.kind) {
    case 'structure':
      if (!isRecord(value)) throw wrong('structure');
      return readStructure(shape, value, keepUnknown, path);
    case 'list':
      if (!Array.isArray(value)) throw wrong('list');
      return value.map((item, i) =>
        item === null ? null : readJson(shape.member.shape, item, keepUnknown, [...path, String(i + 1), 'member']),
      );
    case 'map':
      if (!isRecord(value)) throw wrong('map');
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, v]) => v !== null)
          .map(([k, v]) => [k, readJson(shape.value.shape, v, keepUnknown, [...path, k, 'member'])]),
      );
    case 'string':
      if (typeof value !== 'string') throw wrong('String');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong('Boolean');
      return value;
    case 'number':
      if (typeof value !== 'number') throw wrong('Number');
      return value;
    case 'timestamp':
      if (typeof value !== 'number') throw wrong('Timestamp');
      return new Date(value * 1000);
    case 'blob':
      if (typeof value !== 'string') throw wrong('Blob');
      return new Uint8Array(Buffer.from(value, 'base64'));
    default:
      return value;
  }
}

function readStructure(
  shape: Extract<Shape, { kind: 'structure' }>,
  value: Record<string, unknown>,
  keepUnknown: boolean,
  path: readonly string[],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    if (given === null || given === undefined) continue;
    const member = shape.members.get(name);
    if (member !== undefined) result[name] = readJson(member.shape, given, keepUnknown, [...path, name]);
    else if (keepUnknown) result[name] = given;
  }
  for (const member of shape.members.values()) {
    if (member.required && !(member.name in result)) {
      throw new InvalidInput({ kind: 'missing', path: [...path, member.name] });
    }
  }
  return result;
}

/**
 * Writes an output as the shape says; members that are undefined or null are left out.
 * @throws TypeError that names a member which the shape does not have, or has with another type: a mistake of ours
 */
export function writeJson(shape: Shape, value: unknown, keepUnknown: boolean, path = 'output'): unknown {
  const wrong = (expected: string) => new TypeError(`${path} must be a ${expected}, not ${describe(value)}`);
  switch (shape.kind) {
    case 'structure': {
      if (!isRecord(value)) throw wrong('structure');
      const result: Record<string, unknown> = {};
      for (const [name, given] of Object.entries(value)) {
        if (given === undefined || given === null) continue;
        const member = shape.members.get(name);
        if (member === undefined && !keepUnknown)
          throw new TypeError(`${path} has no member '${name}' in ${shape.name}`);
        result[name] = member ? writeJson(member.shape, given, keepUnknown, `${path}.${name}`) : given;
      }
      return result;
    }
    case 'list':
      if (!Array.isArray(value)) throw wrong('list');
      return value.map((item, i) => writeItem(shape.member, item, keepUnknown, `${path}[${i}]`));
    case 'map':
      if (!isRecord(value)) throw wrong('map');
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, v]) => v !== undefined)
          .map(([k, v]) => [k, writeItem(shape.value, v, keepUnknown, `${path}.${k}`)]),
      );
    case 'timestamp':
      if (!(value instanceof Date)) throw wrong('Date');
      return value.getTime() / 1000;
    case 'blob':
      if (!(value instanceof Uint8Array)) throw wrong('Uint8Array');
      return Buffer.from(value).toString('base64');
    case 'string':
    case 'boolean':
    case 'number':
      if (typeof value !== shape.kind) throw wrong(shape.kind);
      return value;
    case 'unit':
      return {};
    default:
      return value;
  }
}

function writeItem(member: Member, value: unknown, keepUnknown: boolean, path: string): unknown {
  return value === null ? null : writeJson(member.shape, value, keepUnknown, path);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** How Coral, the framework of AWS's JSON services, names what it found. */
function describe(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE';
  if (typeof value === 'number') return 'NUMBER_VALUE';
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE';
  if (value === null || value === undefined) return 'NULL_VALUE';
  return Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT';
}
