import { arnOf, COMPUTED, digits, idOf, isWriteOnly, type Surroundings } from './facts.ts';
import type { BlockSchema, TypeExpression } from './schema.ts';
import { isObject, type ObjectValue, same, UNKNOWN, Unknown, type Value } from './value.ts';

/** What was created, as it is now: `change` is how a test plays those who change things behind Terraform's back. */
export class Cloud {
  #objects = new Map<string, { type: string; values: ObjectValue }>();
  #created = 0;

  /** @throws if nothing, or more than one thing, of that type matches */
  change(type: string, where: ObjectValue, changes: ObjectValue): void {
    const matching = this.list(type).filter((values) =>
      Object.entries(where).every(([name, value]) => values[name] === value),
    );
    const [found] = matching;
    if (!found || matching.length > 1) throw new Error(`${matching.length} of ${type} match ${JSON.stringify(where)}`);
    Object.assign(found, changes);
  }

  list(type: string): ObjectValue[] {
    return [...this.#objects.values()].filter((object) => object.type === type).map(({ values }) => values);
  }

  read(type: string, current: ObjectValue): ObjectValue | null {
    return this.#objects.get(key(type, current))?.values ?? null;
  }

  remove(type: string, prior: ObjectValue): void {
    this.#objects.delete(key(type, prior));
  }

  /** Makes up what the plan left open, and keeps the result. */
  apply(
    type: string,
    schema: BlockSchema,
    planned: ObjectValue,
    prior: ObjectValue | null,
    where: Surroundings,
  ): ObjectValue {
    this.#created += 1;
    const unique = digits(`${type} ${this.#created}`, 64);
    const values = fill(type, schema, planned, where, unique);
    if (prior) this.remove(type, prior);
    this.#objects.set(key(type, values), { type, values });
    return values;
  }
}

const key = (type: string, { id }: ObjectValue) => `${type} ${String(id)}`;

/**
 * The planned state: computed attributes that the configuration leaves open are unknown on creation, and stay as they are
 * afterwards. The provider proper would also plan replacements; which attributes force one, the extract does not say.
 */
export function plan(
  schema: BlockSchema,
  prior: ObjectValue | null,
  proposed: ObjectValue,
  where: Surroundings,
): ObjectValue {
  if (prior && same(withTags(prior, schema, where), withTags(proposed, schema, where)))
    return withTags(prior, schema, where);
  const planned = open(schema, proposed, prior === null);
  return withTags({ ...planned, ...('region' in schema.attributes ? region(planned, where) : {}) }, schema, where);
}

const region = (planned: ObjectValue, where: Surroundings): ObjectValue =>
  planned.region instanceof Unknown || planned.region === null ? { region: where.region } : {};

/** `tags_all` is the one computed attribute that the provider knows when it plans. */
function withTags(values: ObjectValue, schema: BlockSchema, where: Surroundings): ObjectValue {
  if (!('tags_all' in schema.attributes)) return values;
  const tags = values.tags ?? null;
  if (tags instanceof Unknown) return { ...values, tags_all: UNKNOWN };
  return { ...values, tags_all: { ...where.defaultTags, ...(isObject(tags) ? tags : {}) } };
}

function open(schema: BlockSchema, value: ObjectValue, created: boolean): ObjectValue {
  const result: ObjectValue = { ...value };
  for (const [name, [, presence]] of Object.entries(schema.attributes)) {
    if (isWriteOnly(name)) result[name] = null;
    else if (created && presence.includes('c') && (value[name] ?? null) === null) result[name] = UNKNOWN;
  }
  for (const [name, block] of Object.entries(schema.blocks ?? {})) {
    const nested = value[name];
    if (Array.isArray(nested)) result[name] = nested.map((one) => (isObject(one) ? open(block, one, true) : one));
    else if (isObject(nested)) result[name] = open(block, nested, true);
  }
  return result;
}

/** Puts a value in the place of everything that is unknown. Names come first, since ids and ARNs are made of them. */
export function fill(
  type: string,
  schema: BlockSchema,
  planned: ObjectValue,
  where: Surroundings,
  unique: string,
): ObjectValue {
  const values: ObjectValue = { ...planned };
  const last = ['arn', 'id'];
  const names = Object.keys(schema.attributes).sort((a, b) => last.indexOf(a) - last.indexOf(b) || (a < b ? -1 : 1));
  const fallback = (name: string, expression: TypeExpression) => {
    const prefix = values[`${name}_prefix`];
    if (typeof prefix === 'string') return `${prefix}${unique.slice(0, 26)}`;
    if (name === 'region') return where.region;
    return anything(
      expression,
      `${type.split('_').slice(1).join('-')}-${name.replaceAll('_', '-')}-${unique.slice(0, 8)}`,
    );
  };
  // Twice: an attribute may be made of another one that stands behind it.
  const made = names.filter((name) => values[name] instanceof Unknown);
  for (const name of made) {
    const [expression] = schema.attributes[name] ?? ['string' as const];
    values[name] =
      name === 'arn'
        ? arnOf(type)(values, where, unique)
        : name === 'id'
          ? idOf(type)(values, where, unique)
          : fallback(name, expression);
  }
  for (const name of made) {
    const special = COMPUTED[`${type}.${name}`];
    if (special) values[name] = special(values, where, unique);
  }
  for (const [name, block] of Object.entries(schema.blocks ?? {})) {
    const nested = values[name];
    if (Array.isArray(nested)) {
      values[name] = nested.map((one) => (isObject(one) ? fill('', block, one, where, unique) : one));
    } else if (isObject(nested)) values[name] = fill('', block, nested, where, unique);
  }
  return values;
}

function anything(expression: TypeExpression, text: string): Value {
  if (expression === 'string') return text;
  if (expression === 'number') return 0;
  if (expression === 'bool') return false;
  const [kind, inner] = expression;
  if (kind === 'map') return {};
  if (kind === 'object') {
    return Object.fromEntries(Object.entries(inner).map(([name, field]) => [name, anything(field, text)]));
  }
  return [];
}
