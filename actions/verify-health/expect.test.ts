import { describe, expect, test } from '@jest/globals';
import { type Answer, fillIn, judge } from './expect.ts';

const answer = (over: Partial<Answer> = {}): Answer => ({
  status: 200,
  headers: { 'x-version': '7' },
  body: '{"status":"ok","revision":"abc","checks":[{"up":true}]}',
  ms: 5,
  ...over,
});

describe('judge', () => {
  test.each([
    ['any 2xx passes without an expectation', answer({ status: 204, body: '' }), {}, undefined],
    ['a redirect is not success', answer({ status: 302 }), {}, 'status'],
    ['one status of a list', answer({ status: 418 }), { status: [200, 418] }, undefined],
    ['a wrong status', answer({ status: 503 }), { status: 200 }, 'status'],
    ['a JSON value', answer(), { json: { status: 'ok', 'checks[0].up': true } }, undefined],
    ['types are compared too', answer(), { json: { 'checks[0].up': 'true' } }, 'assert'],
    ['a missing path', answer(), { json: { 'a.b.c': 1 } }, 'assert'],
    ['a body that is not JSON', answer({ body: '<html>' }), { json: { status: 'ok' } }, 'assert'],
    ['a header, whatever its case', answer(), { headers: { 'X-Version': '7' } }, undefined],
    ['a body pattern', answer(), { body: '"revision":"a.c"' }, undefined],
    ['a body pattern that is not there', answer(), { body: 'nope' }, 'assert'],
  ] as const)('%s', (_, given, wanted, reason) => {
    expect(judge(given, wanted as never, []).failure?.reason).toBe(reason);
  });

  test('a wrong value at an identity path is another version, not a failed assertion', () => {
    const { failure, identity } = judge(answer(), { json: { revision: 'def' } }, ['json.revision']);
    expect(failure).toEqual({
      reason: 'version-mismatch',
      cause: 'another version answers: json.revision is "abc", expected "def"',
      final: false,
    });
    expect(identity).toEqual({ revision: 'abc' });
  });

  test.each([401, 403, 407])('%i is final: waiting gives no permission', (status) => {
    expect(judge(answer({ status }), {}, []).failure?.final).toBe(true);
  });
});

describe('fillIn', () => {
  test('puts in the identities and remembers where they stand', () => {
    expect(fillIn({ json: { revision: '{revision}', n: 1 } }, { revision: 'r1', digest: '' })).toEqual({
      expect: { json: { revision: 'r1', n: 1 } },
      identityPaths: ['json.revision'],
    });
  });
  test('{sha} is refused with the reason', () => {
    expect(() => fillIn({ json: { commit: '{sha}' } }, { revision: 'r', digest: 'd' })).toThrow(
      /built once and reused/,
    );
  });
  test('an identity that is not known proves nothing and is refused', () => {
    expect(() => fillIn({ body: '{digest}' }, { revision: 'r', digest: '' })).toThrow(/input 'digest' is empty/);
  });
});
