import * as v from 'valibot';
import { Problem } from '../../lib/errors.ts';

const scalar = v.union([v.string(), v.number(), v.boolean(), v.null()]);

/** What an answer must be. */
export const expectSchema = v.strictObject({
  status: v.exactOptional(v.union([v.number(), v.array(v.number())])),
  json: v.exactOptional(v.record(v.string(), scalar)),
  headers: v.exactOptional(v.record(v.string(), v.string())),
  body: v.exactOptional(v.string()),
});

export type Expectation = v.InferOutput<typeof expectSchema>;

/** An answer, as far as it was read. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Milliseconds from the start of the probe to the last byte. */
  ms: number;
}

export type FailureReason =
  | 'dns'
  | 'refused'
  | 'tls'
  | 'timeout'
  | 'status'
  | 'assert'
  | 'version-mismatch'
  | 'flapping';

export interface Failure {
  reason: FailureReason;
  /** One sentence: what was expected, what was seen. */
  cause: string;
  /** True where waiting cannot mend it. */
  final: boolean;
}

/** How an answer compares with what was expected; `identity` holds the values seen at the JSON paths asked for. */
export interface Judgement {
  failure?: Failure;
  identity: Record<string, unknown>;
}

const PLACEHOLDER = /\{(revision|digest|sha)\}/g;

/**
 * Puts the revision and the digest into an expectation.
 * @throws Problem for {sha}, and for a placeholder whose value is not known: an empty expectation would pass anything.
 */
export function fillIn(
  expect: Expectation,
  values: { revision: string; digest: string },
): { expect: Expectation; identityPaths: string[] } {
  const identityPaths: string[] = [];
  const fill = (text: string, path: string) =>
    text.replace(PLACEHOLDER, (_, name: 'revision' | 'digest' | 'sha') => {
      if (name === 'sha') throw shaRefused(path);
      if (values[name] === '') throw valueMissing(path, name);
      identityPaths.push(path);
      return values[name];
    });
  const fillAll = <T>(record: Record<string, T>, prefix: string) =>
    Object.fromEntries(
      Object.entries(record).map(([k, value]) => [k, typeof value === 'string' ? fill(value, prefix + k) : value]),
    ) as Record<string, T>;
  const filled: Expectation = {
    ...expect,
    ...(expect.json && { json: fillAll(expect.json, 'json.') }),
    ...(expect.headers && { headers: fillAll(expect.headers, 'headers.') }),
    ...(expect.body !== undefined && { body: fill(expect.body, 'body') }),
  };
  return { expect: filled, identityPaths };
}

/** Judges one answer. Pure. */
export function judge(answer: Answer, expect: Expectation, identityPaths: readonly string[]): Judgement {
  const identity: Record<string, unknown> = {};
  const wanted = expect.status === undefined ? undefined : [expect.status].flat();
  const statusFits = wanted ? wanted.includes(answer.status) : answer.status >= 200 && answer.status < 300;
  if (!statusFits) return { identity, failure: wrongStatus(answer, wanted) };
  for (const [name, value] of Object.entries(expect.headers ?? {})) {
    const seen = answer.headers[name.toLowerCase()];
    if (seen !== value) return { identity, failure: mismatch(`headers.${name}`, value, seen, identityPaths) };
  }
  if (expect.json) {
    const body = parseJson(answer.body);
    if (body === undefined)
      return {
        identity,
        failure: { reason: 'assert', cause: `the body is not JSON: ${excerpt(answer.body)}`, final: false },
      };
    for (const path of Object.keys(expect.json)) identity[path] = at(body, path);
    for (const [path, value] of Object.entries(expect.json)) {
      if (identity[path] !== value)
        return { identity, failure: mismatch(`json.${path}`, value, identity[path], identityPaths) };
    }
  }
  if (expect.body !== undefined && !new RegExp(expect.body, 'u').test(answer.body)) {
    return { identity, failure: mismatch('body', `/${expect.body}/`, excerpt(answer.body), identityPaths) };
  }
  return { identity };
}

// Statuses that say "you may not", which no waiting changes.
const FINAL_STATUS = new Set([401, 403, 407]);

function wrongStatus(answer: Answer, wanted: readonly number[] | undefined): Failure {
  return {
    reason: 'status',
    cause: `it answered ${answer.status}, expected ${wanted?.join(' or ') ?? '2xx'}${answer.body.trim() === '' ? '' : ` (${excerpt(answer.body)})`}`,
    final: FINAL_STATUS.has(answer.status),
  };
}

function mismatch(path: string, wanted: unknown, seen: unknown, identityPaths: readonly string[]): Failure {
  const isIdentity = identityPaths.includes(path);
  return {
    reason: isIdentity ? 'version-mismatch' : 'assert',
    cause: `${isIdentity ? 'another version answers: ' : ''}${path} is ${show(seen)}, expected ${show(wanted)}`,
    final: false,
  };
}

/** The value at a path such as checks.db.status or items[0].id. */
function at(value: unknown, path: string): unknown {
  const keys = path
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter(Boolean);
  return keys.reduce<unknown>(
    (v0, key) => (typeof v0 === 'object' && v0 !== null ? (v0 as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : excerpt(JSON.stringify(value) ?? String(value));
}

function excerpt(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > 160 ? `${flat.slice(0, 160)}…` : flat;
}

function shaRefused(path: string): Problem {
  return new Problem({
    what: `input 'expect', ${path}`,
    seen: '{sha}',
    cause: 'an image is built once and reused: the one that answers may rightly have been built at another commit',
    fix: 'Expect {revision} (the commit at which the image was built) or {digest}',
  });
}

function valueMissing(path: string, name: string): Problem {
  return new Problem({
    what: `input 'expect', ${path}`,
    seen: `{${name}}`,
    cause: `the input '${name}' is empty, so that nothing would be proved`,
    fix: `Pass \`${name}: \${{ steps.build.outputs.${name} }}\` from ecr-build-push`,
  });
}
