import { expect, test } from '@jest/globals';
import { named } from '../../../test/support/named.ts';
import { environmentProxy } from './proxy.ts';

const BOTH = { HTTP_PROXY: 'http://plain.proxy:1', HTTPS_PROXY: 'secure.proxy:2' };

test.each(
  named<[what: string, env: Record<string, string>, url: string, proxy?: string]>([
    ['by the scheme', BOTH, 'https://www.example.com/', 'http://secure.proxy:2/'],
    ['plain HTTP', BOTH, 'http://www.example.com/', 'http://plain.proxy:1/'],
    ['the lower-case name goes first', { ...BOTH, https_proxy: 'http://low:3' }, 'https://a.b/', 'http://low:3/'],
    ['one for all', { ALL_PROXY: 'http://all:4' }, 'https://a.b/', 'http://all:4/'],
    ['under CGI a header would set it', { ...BOTH, REQUEST_METHOD: 'GET' }, 'http://a.b/'],
    ['loopback', BOTH, 'http://127.0.0.1:80/'],
    ['loopback by name', BOTH, 'http://localhost/'],
    ['TCP', BOTH, 'tcp://a.b:1'],
    ['excluded', { ...BOTH, NO_PROXY: 'a.b, example.com' }, 'https://www.example.com/'],
    ['excluded with a dot before it', { ...BOTH, NO_PROXY: '.example.com' }, 'https://example.com/'],
    [
      'another name with the same end',
      { ...BOTH, NO_PROXY: 'example.com' },
      'https://myexample.com/',
      'http://secure.proxy:2/',
    ],
    ['excluded with its port', { ...BOTH, NO_PROXY: 'a.b:443' }, 'https://a.b/'],
    ['another port', { ...BOTH, NO_PROXY: 'a.b:8443' }, 'https://a.b/', 'http://secure.proxy:2/'],
    ['all excluded', { ...BOTH, no_proxy: '*' }, 'https://a.b/'],
    ['none', {}, 'https://a.b/'],
  ]),
)('%s', (_name, [, env, url, proxy]) => {
  expect(environmentProxy(env)(new URL(url))?.href).toBe(proxy);
});
