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
    ['excluded by a block of addresses', { ...BOTH, NO_PROXY: '10.0.0.0/8' }, 'https://10.1.2.3/'],
    ['outside of the block', { ...BOTH, NO_PROXY: '10.0.0.0/8' }, 'https://11.1.2.3/', 'http://secure.proxy:2/'],
    ['an IPv6 address', { ...BOTH, NO_PROXY: 'fd00::1' }, 'https://[fd00::1]/'],
    ['another IPv6 address', { ...BOTH, NO_PROXY: 'fd00::1' }, 'https://[fd00::2]/', 'http://secure.proxy:2/'],
    ['an IPv6 address and its port', { ...BOTH, NO_PROXY: '[fd00::1]:8443' }, 'https://[fd00::1]:8443/'],
    ['an IPv6 block', { ...BOTH, NO_PROXY: 'fd00::/8' }, 'https://[fd12::9]/'],
    ['all excluded', { ...BOTH, no_proxy: '*' }, 'https://a.b/'],
    ['none', {}, 'https://a.b/'],
  ]),
)('%s', (_name, [, env, url, proxy]) => {
  expect(environmentProxy(env)(new URL(url))?.href).toBe(proxy);
});
