import * as v from 'valibot';
import { parse as parseYaml } from 'yaml';
import { halvesOf } from './config/fields.ts';
import { Problem } from './errors.ts';

/** Reads one input by name; an input that was not given is the empty string, as on the runner. */
export type InputSource = (name: string) => string;

type Field = v.GenericSchema<string, unknown>;
export type InputFields = Readonly<Record<string, Field>>;
export type Inputs<F extends InputFields> = { [K in keyof F]: v.InferOutput<F[K]> };

/**
 * Reads and validates all inputs of an action.
 * @throws Problem (kind `input`) that lists every mistake at once, each with the input, the value, the cause and the fix.
 */
export function readInputs<const F extends InputFields>(fields: F, source: InputSource): Inputs<F> {
  const values: Record<string, unknown> = {};
  const mistakes: { name: string; seen: string; secret: boolean; message: string }[] = [];
  for (const [name, schema] of Object.entries(fields)) {
    const raw = source(name);
    const result = v.safeParse(schema, raw, { abortPipeEarly: true });
    if (result.success) values[name] = result.output;
    else mistakes.push({ name, seen: raw, secret: SECRET_FIELDS.has(schema), message: result.issues[0].message });
  }
  if (mistakes.length > 0) throw inputProblem(mistakes);
  return values as Inputs<F>;
}

const SECRET_FIELDS = new WeakSet<object>();

/** Marks a field whose value must not be shown in an error. */
export function secret<S extends Field>(schema: S): S {
  SECRET_FIELDS.add(schema);
  return schema;
}

// A message is "cause|fix"; the two halves are put together with the name and the value by inputProblem().
const say = (cause: string, fix: string): string => `${cause}|${fix}`;

function inputProblem(mistakes: readonly { name: string; seen: string; secret: boolean; message: string }[]): Problem {
  const parts = mistakes.map(({ name, seen, secret: hidden, message }) => {
    const [cause = message, fix = 'Correct it in the `with:` of this step'] = message.split('|');
    return new Problem({
      what: `input '${name}'`,
      seen: seen === '' || hidden ? undefined : seen,
      cause,
      fix,
      kind: 'input',
    });
  });
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  return new Problem({
    what: `${parts.length} inputs`,
    cause: `they cannot be used:\n${parts.map((p) => `  - ${p.message}`).join('\n')}\n`,
    fix: 'Correct them in the `with:` of this step',
    kind: 'input',
  });
}

const trimmed = v.pipe(v.string(), v.trim());

/** Optional text; not given is ''. */
export function text(defaultValue = '') {
  return v.pipe(
    trimmed,
    v.transform((s) => (s === '' ? defaultValue : s)),
  );
}

/** Text that has to be there. `example` completes "Set it, for instance to …". */
export function required(example: string) {
  return v.pipe(trimmed, v.nonEmpty(say('it is required and was not given', `Set it, for instance to ${example}`)));
}

export function integer(options: { min?: number; max?: number; default?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const range = `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  return v.pipe(
    trimmed,
    v.check(
      (s) => s === '' || (/^-?\d+$/.test(s) && +s >= min && +s <= max),
      say(`it is not ${range}`, `Write ${range}`),
    ),
    v.transform((s): number | undefined => (s === '' ? options.default : Number(s))),
  );
}

const TRUE = new Set(['true', 'True', 'TRUE']);
const FALSE = new Set(['false', 'False', 'FALSE']);

/** YAML 1.2 booleans, as @actions/core reads them. */
export function bool(defaultValue: boolean) {
  return v.pipe(
    trimmed,
    v.check((s) => s === '' || TRUE.has(s) || FALSE.has(s), say('it is not a boolean', 'Write true or false')),
    v.transform((s) => (s === '' ? defaultValue : TRUE.has(s))),
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** A duration such as 90s, 10m, 1h30m, 500ms, or bare seconds, in milliseconds; undefined where the text is none. */
export function parseDuration(value: string): number | undefined {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  if (!DURATION.test(value)) return undefined;
  let ms = 0;
  for (const [, amount = '0', unit = 's'] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  return ms;
}

/** A duration in milliseconds; the default is written as the user would write it. */
export function duration(defaultValue: string) {
  return v.pipe(
    trimmed,
    v.transform((s) => (s === '' ? defaultValue : s)),
    v.check((s) => parseDuration(s) !== undefined, say('it is not a duration', 'Write for instance 90s, 10m or 1h30m')),
    v.transform((s) => parseDuration(s) ?? 0),
  );
}

/** A duration in milliseconds, or undefined when it was not given. */
export function optionalDuration() {
  return v.pipe(
    trimmed,
    v.check(
      (s) => s === '' || parseDuration(s) !== undefined,
      say('it is not a duration', 'Write for instance 90s, 10m or 1h30m'),
    ),
    v.transform((s) => (s === '' ? undefined : parseDuration(s))),
  );
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T, defaultValue?: T[number]) {
  const choices = values.join(', ');
  return v.pipe(
    trimmed,
    v.check(
      (s) => (s === '' ? defaultValue !== undefined : values.includes(s)),
      say(`it is none of ${choices}`, `Write one of ${choices}`),
    ),
    v.transform((s) => (s === '' ? defaultValue : s) as T[number]),
  );
}

/** One of a few words, in upper or lower case; not given is undefined. */
export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  const choices = values.join(', ');
  const find = (s: string) => values.find((value) => value.toLowerCase() === s.toLowerCase());
  return v.pipe(
    trimmed,
    v.check(
      (s) => s === '' || find(s) !== undefined,
      say(`it is none of ${choices}`, `Write one of ${choices}, or leave it out`),
    ),
    v.transform((s): T[number] | undefined => find(s)),
  );
}

/** A boolean that may be left alone; not given is undefined. */
export function optionalBool() {
  return v.pipe(
    trimmed,
    v.check((s) => s === '' || TRUE.has(s) || FALSE.has(s), say('it is not a boolean', 'Write true or false')),
    v.transform((s): boolean | undefined => (s === '' ? undefined : TRUE.has(s))),
  );
}

/** Words separated by commas or line ends; empty ones are dropped. */
export function list() {
  return v.pipe(
    v.string(),
    v.transform((s) =>
      s
        .split(/[\n,]/)
        .map((w) => w.trim())
        .filter(Boolean),
    ),
  );
}

/** One item a line, for values that may contain commas. */
export function lines() {
  return v.pipe(
    v.string(),
    v.transform((s) =>
      s
        .split('\n')
        .map((w) => w.trim())
        .filter(Boolean),
    ),
  );
}

/** Lines of NAME=value; the value keeps everything after the first '='. */
export function keyValues() {
  const entries = (s: string) =>
    s
      .split('\n')
      .map((l) => l.trim())
      .filter((l) => l !== '' && !l.startsWith('#'));
  return v.pipe(
    v.string(),
    v.check(
      (s) => entries(s).every((l) => /^[^=\s]+=/.test(l)),
      say('a line of it is not NAME=value', 'Write one NAME=value a line'),
    ),
    v.transform(
      (s): Record<string, string> =>
        Object.fromEntries(entries(s).map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)])),
    ),
  );
}

/** YAML or JSON text, checked by a schema; not given is undefined. */
export function yamlValue<S extends v.GenericSchema>(
  schema: S,
  what = 'YAML or JSON',
): v.GenericSchema<string, v.InferOutput<S> | undefined> {
  return v.pipe(
    v.string(),
    v.rawTransform<string, v.InferOutput<S> | undefined>(({ dataset, addIssue, NEVER }) => {
      if (dataset.value.trim() === '') return undefined;
      let value: unknown;
      try {
        value = parseYaml(dataset.value);
      } catch (error) {
        addIssue({
          message: say(`it is not ${what}: ${(error as Error).message.split('\n')[0]}`, 'Correct the syntax'),
        });
        return NEVER;
      }
      const result = v.safeParse(schema, value);
      if (result.success) return result.output;
      const issue = result.issues[0];
      const [cause, fix] = halvesOf(issue.message);
      const where = v.getDotPath(issue) ?? 'it';
      addIssue({ message: say(`${where}: ${cause || issue.message}`, fix || 'Correct the value') });
      return NEVER;
    }),
  );
}

/** The three inputs that every action of the suite takes. */
export const componentInputs = {
  component: text(),
  environment: text(),
  config: text('.github/slipway.yml'),
} as const;
