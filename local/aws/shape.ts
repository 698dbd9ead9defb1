/**
 * Reads the schemas that every AWS SDK v3 client exports beside its commands (`UpdateService$`, `UpdateServiceRequest$`): static arrays
 * [kind, namespace, name, traits, ...]. So requests are checked against, and responses written by, what the clients themselves use.
 */

export interface Member {
  name: string;
  shape: Shape;
  traits: Traits;
  required: boolean;
}

export type Traits = Readonly<Record<string, unknown>>;

export type Shape =
  | { kind: 'structure'; name: string; members: ReadonlyMap<string, Member>; union: boolean; traits: Traits }
  | { kind: 'list'; name: string; member: Member; traits: Traits }
  | { kind: 'map'; name: string; key: Member; value: Member; traits: Traits }
  | { kind: Scalar; traits: Traits };

export type Scalar = 'string' | 'boolean' | 'number' | 'timestamp' | 'blob' | 'document' | 'unit';

export interface OperationShape {
  name: string;
  input: Shape;
  output: Shape;
}

const NONE: Traits = Object.freeze({});

/** The bits that stand for traits where a schema gives a number in place of an object. */
const TRAIT_BITS = [
  'httpLabel',
  'idempotent',
  'idempotencyToken',
  'sensitive',
  'httpPayload',
  'httpResponseCode',
  'httpQueryParams',
];

const SCALARS: Readonly<Record<number, Scalar>> = {
  0: 'string',
  1: 'number',
  2: 'boolean',
  4: 'timestamp',
  5: 'timestamp',
  6: 'timestamp',
  7: 'timestamp',
  15: 'document',
  17: 'number',
  19: 'number',
  21: 'blob',
  42: 'blob',
};

const LIST_OF = 64;
const MAP_OF = 128;

const cache = new WeakMap<object, Shape>();

/** @param reference a schema, a function that gives one, or one of the SDK's numbers for simple shapes */
export function shapeOf(reference: unknown): Shape {
  const schema = typeof reference === 'function' ? (reference as () => unknown)() : reference;
  if (typeof schema === 'number') return simple(schema, NONE);
  if (schema === 'unit') return { kind: 'unit', traits: NONE };
  if (!Array.isArray(schema)) throw new TypeError(`not a schema of the SDK: ${String(schema)}`);
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const shape = read(schema);
  cache.set(schema, shape);
  return shape;
}

/** The operation's schema in a client's module. @returns undefined when the client does not know the operation */
export function operationOf(module: Record<string, unknown>, name: string): OperationShape | undefined {
  const schema = module[`${name}$`];
  if (!Array.isArray(schema) || schema[0] !== 9) return undefined;
  return { name, input: shapeOf(schema[4]), output: shapeOf(schema[5]) };
}

function read(schema: readonly unknown[]): Shape {
  const [kind, , name, rawTraits] = schema as [number, string, string, unknown];
  const traits = traitsOf(rawTraits);
  switch (kind) {
    case 0:
      return { ...shapeOf(schema[4]), traits } as Shape;
    case 1:
      return lazy({ kind: 'list', name, traits }, { member: () => member('member', schema[4]) });
    case 2:
      return lazy(
        { kind: 'map', name, traits },
        { key: () => member('key', schema[4]), value: () => member('value', schema[5]) },
      );
    case 3:
    case -3:
    case 4:
      return lazy({ kind: 'structure', name, traits, union: kind === 4 }, { members: () => membersOf(schema) });
    default:
      throw new TypeError(`a schema of the unknown kind ${kind}: ${name}`);
  }
}

function membersOf(schema: readonly unknown[]): ReadonlyMap<string, Member> {
  const names = schema[4] as string[];
  const schemas = schema[5] as unknown[];
  const requiredCount = (schema[6] as number | undefined) ?? 0;
  return new Map(names.map((name, i) => [name, member(name, schemas[i], i < requiredCount)]));
}

function member(name: string, reference: unknown, required = false): Member {
  // A pair is a schema with the member's own traits.
  if (Array.isArray(reference) && reference.length === 2) {
    const inner = member(name, reference[0], required);
    return { ...inner, traits: { ...inner.traits, ...traitsOf(reference[1]) } };
  }
  const shape = shapeOf(reference);
  return { name, shape, traits: shape.traits, required };
}

function simple(code: number, traits: Traits): Shape {
  if (code >= MAP_OF) {
    return { kind: 'map', name: 'Map', key: member('key', 0), value: member('value', code - MAP_OF), traits };
  }
  if (code >= LIST_OF) return { kind: 'list', name: 'List', member: member('member', code - LIST_OF), traits };
  const kind = SCALARS[code];
  if (kind === undefined) throw new TypeError(`a simple schema of the unknown number ${code}`);
  return { kind, traits };
}

function traitsOf(traits: unknown): Traits {
  if (typeof traits === 'object' && traits !== null) return traits as Traits;
  const bits = Number(traits ?? 0);
  if (bits === 0) return NONE;
  return Object.fromEntries(TRAIT_BITS.flatMap((trait, i) => ((bits >> i) & 1 ? [[trait, 1]] : [])));
}

/** Shapes refer to themselves (a filter in a filter), so their parts are read when they are first asked for. */
function lazy(base: object, parts: Record<string, () => unknown>): Shape {
  for (const [key, make] of Object.entries(parts)) {
    let value: unknown;
    Object.defineProperty(base, key, {
      enumerable: true,
      get() {
        value ??= make();
        return value;
      },
    });
  }
  return base as Shape;
}

/** Replaces sensitive members, so that a request can be kept in a log. */
export function redact(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (shape.kind === 'list' && Array.isArray(value)) return value.map((v) => redactMember(shape.member, v));
  if (typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array) return value;
  const entries = Object.entries(value);
  if (shape.kind === 'map') return Object.fromEntries(entries.map(([k, v]) => [k, redactMember(shape.value, v)]));
  if (shape.kind !== 'structure') return value;
  return Object.fromEntries(
    entries.map(([k, v]) => {
      const found = shape.members.get(k);
      return [k, found === undefined ? v : redactMember(found, v)];
    }),
  );
}

function redactMember(member: Member, value: unknown): unknown {
  return member.traits.sensitive ? '***' : redact(member.shape, value);
}
