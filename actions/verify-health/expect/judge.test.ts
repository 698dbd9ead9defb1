import { describe, expect, test } from '@jest/globals';
import type { Expectation } from '../../../lib/config/verify.ts';
import { named } from '../../../test/support/named.ts';
import type { Answer } from '../answer.ts';
import type { Failure } from '../failure.ts';
import { fillIn, withoutIdentity } from './fill-in.ts';
import { judge } from './judge.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const DAY = 86_400_000;
const BODY =
  '{"status":"ok","revision":"abc","queue":7,"port":"80","tags":["a","b"],"checks":[{"up":true},{"up":true}],"none":null}';
const answer = (over: Partial<Answer> = {}): Answer => ({
  status: 200,
  headers: { 'x-version': '7', 'cache-control': 'no-store, private' },
  body: BODY,
  ms: 5,
  url: 'https://www.sample.test/health',
  ...over,
});
const certificate = {
  validTo: NOW + 20 * DAY,
  issuer: 'C=US, O=Amazon, CN=Amazon RSA 2048 M02',
  names: ['*.sample.test', 'sample.test'],
};
const judged = (given: Answer, wanted: Expectation) => judge(given, { expect: wanted, identityPaths: [] }, NOW);

type Row = [what: string, given: Partial<Answer>, wanted: Expectation, reason?: Failure['reason'], cause?: RegExp];

test.each(
  named<Row>([
    ['any 2xx passes without an expectation', { status: 204, body: '' }, {}],
    [
      'a redirect is not success',
      { status: 302, headers: { location: '/x' } },
      {},
      'status',
      /answered 302 to \/x, expected 2xx/,
    ],
    ['one status of a list', { status: 418 }, { status: [200, 418] }],
    ['a class of statuses', { status: 304 }, { status: ['2xx', '3xx'] }],
    ['a range of statuses', { status: 206 }, { status: '200-205' }, 'status', /answered 206, expected 200-205/],
    ['a wrong status', { status: 503 }, { status: 200 }, 'status'],
    ['a JSON value', {}, { json: { status: 'ok', 'checks[0].up': true, '$.none': null } }],
    ['types are compared too', {}, { json: { 'checks[0].up': 'true' } }, 'assert', /is true, expected "true"/],
    ['every item of a list', {}, { json: { 'checks[*].up': true } }],
    ['an empty choice of items is missing', {}, { json: { 'nothing[*].up': true } }, 'assert', /missing/],
    ['a missing path', {}, { json: { 'a.b.c': 1 } }, 'assert', /json\.a\.b\.c is missing, expected 1/],
    ['a path that must not be there', {}, { json: { error: { exists: false } } }],
    ['a path that must be there', {}, { json: { none: { exists: true } } }],
    ['a number at least', {}, { json: { queue: { 'at-least': 7, below: 8 } } }],
    ['a number at most', {}, { json: { queue: { 'at-most': 6 } } }, 'assert', /json\.queue is 7, expected at most 6/],
    ['text is no number', {}, { json: { port: { above: 1 } } }, 'assert', /"80" \(string, not a number\)/],
    ['one of several', {}, { json: { status: { 'one-of': ['ok', 'degraded'] } } }],
    ['anything but', {}, { json: { status: { not: 'ok' } } }, 'assert', /expected anything but "ok"/],
    ['text that matches', {}, { json: { status: { matches: '^o' } } }],
    ['a list with an item', {}, { json: { tags: { contains: 'b', 'min-length': 2, type: 'array' } } }],
    ['a list without it', {}, { json: { tags: { contains: 'c' } } }, 'assert'],
    [
      'a body that is not JSON',
      { body: '<html>' },
      { json: { status: 'ok' } },
      'assert',
      /the body is not JSON: "<html>"/,
    ],
    [
      'a body of which a part was read',
      { body: '{"a":', truncated: true },
      { json: { a: 1 } },
      'assert',
      /only its beginning/,
    ],
    [
      'a body that came packed',
      { body: '\x1f', headers: { 'content-encoding': 'gzip' } },
      { json: { a: 1 } },
      'assert',
      /gzip-encoded/,
    ],
    ['a header, whatever its case', {}, { headers: { 'X-Version': '7' } }],
    ['a part of a header', {}, { headers: { 'Cache-Control': { contains: 'no-store' } } }],
    ['a header that is missing', {}, { headers: { etag: 'x' } }, 'assert', /headers\.etag is missing/],
    ['a body pattern', {}, { body: '"revision":"a.c"' }],
    ['a body pattern that is not there', {}, { body: 'nope' }, 'assert', /a match of \/nope\//],
    [
      'a body that must not say something',
      { body: 'Application error' },
      { body: { matches: '^(?!.*error)' } },
      'assert',
    ],
    ['the final address', {}, { url: { matches: '/login$' } }, 'assert', /the final address is/],
    ['in time', { ms: 99 }, { latency: '100ms' }],
    ['too slow', { ms: 101 }, { latency: '100ms' }, 'assert', /took 101 ms, expected 100ms or less/],
    [
      'a certificate that lasts',
      { certificate },
      { tls: { 'valid-for': '14d', issuer: { contains: 'Amazon' }, names: ['www.sample.test'] } },
    ],
    ['a certificate that ends soon', { certificate }, { tls: { 'valid-for': '30d' } }, 'tls', /ends in 20 days/],
    [
      'another issuer',
      { certificate },
      { tls: { issuer: { contains: 'Encrypt' } } },
      'tls',
      /issuer of the certificate is "C=US, O=Amazon/,
    ],
    [
      'a name below a wildcard’s',
      { certificate },
      { tls: { names: ['a.b.sample.test'] } },
      'tls',
      /not for a\.b\.sample\.test, only/,
    ],
    ['no TLS at all', {}, { tls: { 'valid-for': '1d' } }, 'tls', /not TLS/],
  ]),
)('%s', (_name, [, given, wanted, reason, cause]) => {
  const { failure } = judged(answer(given), wanted);
  expect(failure?.reason).toBe(reason);
  if (cause) expect(failure?.cause).toMatch(cause);
});

test.each([401, 403, 407])('%i is final: waiting gives no permission', (status) => {
  expect(judged(answer({ status }), {}).failure?.final).toBe(true);
});

const VALUES = { revision: 'def', digest: `sha256:${'0'.repeat(64)}`, version: '1.2.3' };

describe('who answers', () => {
  const failureOf = (wanted: Expectation, given: Partial<Answer> = {}) =>
    judge(answer(given), fillIn(wanted, VALUES), NOW);

  test('a wrong value at an identity path is another version, not a failed assertion', () => {
    const { failure, identity } = failureOf({ json: { revision: '{revision}' } });
    expect(failure).toEqual({
      reason: 'version-mismatch',
      cause: 'another version answers: json.revision is "abc", expected "def"',
      final: false,
    });
    expect(identity).toEqual({ revision: 'abc' });
  });

  test('by a header', () => {
    const { failure, identity } = failureOf({ headers: { 'X-Version': '{version}' } });
    expect([failure?.cause, identity]).toEqual([
      'another version answers: headers.X-Version is "7", expected "1.2.3"',
      { 'X-Version': '7' },
    ]);
  });

  test('by a regular expression, in which the dots of a version are dots', () => {
    const wanted: Expectation = { body: 'App v{version}\\b' };
    expect(failureOf(wanted, { body: 'App v1.2.3 (prod)' }).failure).toBeUndefined();
    const { failure, identity } = failureOf(wanted, { body: 'App v1x2x3' });
    expect([failure?.reason, identity]).toEqual(['version-mismatch', { body: '1x2x3' }]);
  });

  test('with an operator: the revision is the beginning of what it says', () => {
    expect(
      failureOf({ json: { revision: { matches: '^{revision}' } } }, { body: '{"revision":"def-dirty"}' }).failure,
    ).toBeUndefined();
  });
});

describe('placeholders', () => {
  test('are filled in, and it is remembered where they stand', () => {
    expect(fillIn({ json: { revision: '{revision}', n: 1 } }, { ...VALUES, digest: '' })).toEqual({
      expect: { json: { revision: 'def', n: 1 } },
      identityPaths: ['json.revision'],
    });
  });
  test('{sha} is refused with the reason', () => {
    expect(() => fillIn({ json: { commit: '{sha}' } }, VALUES)).toThrow(/built once and reused/);
  });
  test.each(['revision', 'digest', 'version'] as const)(
    '{%s} that is not known proves nothing and is refused',
    (name) => {
      expect(() => fillIn({ body: `{${name}}` }, { ...VALUES, [name]: '' })).toThrow(`input '${name}' is empty`);
    },
  );
  test('a baseline is of the old version, so that it is not identified', () => {
    const wanted: Expectation = { status: 200, json: { revision: '{revision}', status: 'ok' }, body: '{digest}' };
    expect(withoutIdentity(wanted)).toEqual({ status: 200, json: { status: 'ok' } });
  });
});
