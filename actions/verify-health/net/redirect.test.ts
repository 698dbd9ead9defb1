import { describe, expect, test } from '@jest/globals';
import { named } from '../../../test/support/named.ts';
import type { RedirectPolicy } from '../target.ts';
import { type Asked, redirected } from './redirect.ts';

const HEADERS = { authorization: 'Bearer secret', 'X-Api-Key': 'secret', 'Content-Type': 'text/plain' };
const asked = (over: Partial<Asked> = {}): Asked => ({
  url: new URL('https://a.test/x?y'),
  method: 'GET',
  headers: HEADERS,
  ...over,
});
const follow = (location: string, given: Asked, { status = 302, redirects = 'follow' as RedirectPolicy } = {}) =>
  redirected(given, { status, headers: { location } }, { redirects });

test.each(
  named<[what: string, location: string, redirects: RedirectPolicy, to?: string]>([
    ['a path', '/z', 'follow', 'https://a.test/z'],
    ['another path beside it', 'z#part', 'same-origin', 'https://a.test/z'],
    ['another origin', 'https://b.test/', 'follow', 'https://b.test/'],
    ['another origin, where that is not wanted', 'https://b.test/', 'same-origin'],
    ['another port is another origin', 'https://a.test:8443/', 'same-origin'],
    ['nothing, where none is wanted', '/z', 'none'],
  ]),
)('%s', (_name, [, location, redirects, to]) => {
  expect(follow(location, asked(), { redirects })?.url.href).toBe(to);
});

test('an answer that is no redirect is the end', () => {
  expect(follow('/z', asked(), { status: 304 })).toBeUndefined();
  expect(redirected(asked(), { status: 302, headers: {} }, { redirects: 'follow' })).toBeUndefined();
});

test('no header that was given goes to another origin, whatever it is called', () => {
  expect(follow('https://b.test/', asked())?.headers).toEqual({});
  expect(follow('/z', asked())?.headers).toEqual(HEADERS);
});

describe('a request with a body', () => {
  const post = asked({ method: 'POST', body: 'secret' });
  test.each([
    [301, 'GET', undefined],
    [303, 'GET', undefined],
    [307, 'POST', 'secret'],
    [308, 'POST', 'secret'],
  ])('after %i is sent on as %s', (status, method, body) => {
    expect(follow('/z', post, { status })).toMatchObject({ method, ...(body && { body }) });
  });
  test('leaves what described the body', () => {
    expect(Object.keys(follow('/z', post, { status: 303 })?.headers ?? {})).toEqual(['authorization', 'X-Api-Key']);
  });
  test('never goes to another origin', () => {
    expect(() => follow('https://b.test/', post, { status: 307 })).toThrow(
      /a request with a body to another origin \(b\.test\)/,
    );
    expect(follow('https://b.test/', post, { status: 303 })).toMatchObject({ method: 'GET', headers: {} });
  });
});

test.each([
  ['http://a.test/', /from https to http/],
  ['ftp://a.test/', /to ftp:, which is not followed/],
  ['https://[', /which is no address/],
])('%s is not followed', (location, message) => {
  expect(() => follow(location, asked())).toThrow(message);
});
