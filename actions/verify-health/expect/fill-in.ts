import type { Expectation, Operators } from '../../../lib/config/verify.ts';
import { Problem } from '../../../lib/errors.ts';

/** What the placeholders in an expectation stand for; '' where it is not known. */
export interface Identities {
  revision: string;
  digest: string;
  version: string;
}

const PLACEHOLDER = /\{(revision|digest|version|sha)\}/g;

// An expression finds its text anywhere, and 1.2 is in 1.2.3 and in 11.2: where it begins or ends with the identity, that has to be whole. A revision may have an appendix
// (-dirty), a version with one is another.
const NOT_LATER = String.raw`(?<!\d\.?)`;
const NOT_LONGER = { revision: String.raw`(?!\w)`, digest: String.raw`(?!\w)`, version: String.raw`(?![\w+\-]|\.\w)` };

/** An expectation whose placeholders are filled in, and the places that tell who answers. */
export interface Wanted {
  expect: Expectation;
  /** json.PATH, headers.NAME or body: a wrong value there is another version. */
  identityPaths: readonly string[];
  /** Finds in a body what stands at the placeholder, to say which version answers. */
  bodyIdentity?: string;
}

/**
 * Puts revision, digest and version into an expectation.
 * @throws Problem for {sha}, and for a placeholder whose value is not known: an empty expectation would pass anything.
 */
export function fillIn(expect: Expectation, values: Identities): Wanted {
  const identityPaths = new Set<string>();
  const filler =
    (quote: (value: string, at: { start: boolean; end: boolean; name: keyof Identities }) => string) =>
    (text: string, path: string) =>
      text.replace(PLACEHOLDER, (whole, name: keyof Identities | 'sha', offset: number) => {
        if (name === 'sha') throw shaRefused(path);
        if (values[name] === '') throw valueMissing(path, name);
        identityPaths.add(path);
        return quote(values[name], { start: offset === 0, end: offset + whole.length === text.length, name });
      });
  const plain = filler((value) => value);
  const inExpression = filler(
    (value, at) => (at.start ? NOT_LATER : '') + escapeExpression(value) + (at.end ? NOT_LONGER[at.name] : ''),
  );
  const operand = <T>(wanted: T, path: string): T => {
    if (typeof wanted === 'string') return plain(wanted, path) as T;
    if (typeof wanted !== 'object' || wanted === null) return wanted;
    const { matches, ...rest } = wanted as Operators;
    return {
      ...deep(rest, (text) => plain(text, path)),
      ...(matches !== undefined && { matches: inExpression(matches, path) }),
    } as T;
  };
  const all = <T>(record: Record<string, T>, prefix: string) =>
    Object.fromEntries(Object.entries(record).map(([key, wanted]) => [key, operand(wanted, prefix + key)]));
  const { body, url } = expect;
  const filledBody = typeof body === 'string' ? inExpression(body, 'body') : operand(body, 'body');
  const source = typeof body === 'string' ? body : body?.matches;
  const filled: Expectation = {
    ...expect,
    ...(expect.json && { json: all(expect.json, 'json.') }),
    ...(expect.headers && { headers: all(expect.headers, 'headers.') }),
    ...(filledBody !== undefined && { body: filledBody }),
    ...(url !== undefined && { url: operand(url, 'url') }),
  };
  return {
    expect: filled,
    identityPaths: [...identityPaths],
    ...(identityPaths.has('body') &&
      source !== undefined && { bodyIdentity: source.replace(PLACEHOLDER, '([\\w.:+-]+)') }),
  };
}

/** An expectation without what only the new version can fulfil: the old one is measured, not identified. */
export function withoutIdentity(expect: Expectation): Expectation {
  const names = (wanted: unknown) => JSON.stringify(wanted).search(PLACEHOLDER) >= 0;
  const kept = <T>(record: Record<string, T>) =>
    Object.fromEntries(Object.entries(record).filter(([, wanted]) => !names(wanted)));
  const { json, headers, body, url, ...rest } = expect;
  return {
    ...rest,
    ...(json && { json: kept(json) }),
    ...(headers && { headers: kept(headers) }),
    ...(body !== undefined && !names(body) && { body }),
    ...(url !== undefined && !names(url) && { url }),
  };
}

function deep<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => deep(item, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item, change)])) as T;
}

/** A version has dots, and each would match anything. */
function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
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
    fix:
      name === 'version'
        ? 'Set `version` to what the new release says of itself'
        : `Pass \`${name}: \${{ steps.build.outputs.${name} }}\` from ecr-build-push`,
  });
}
