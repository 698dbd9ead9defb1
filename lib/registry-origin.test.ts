import { expect, test } from '@jest/globals';
import { registryOrigin } from './registry-origin.ts';

test.each([
  ['123456789012.dkr.ecr.eu-central-1.amazonaws.com', 'https'],
  ['localhost:5000', 'http'],
  ['127.0.0.1:5000', 'http'],
  ['127.1.2.3', 'http'],
  ['[::1]:5000', 'http'],
  // A password goes over HTTP to none of these.
  ['localhost.example.com', 'https'],
  ['127.0.0.1.example.com', 'https'],
  ['localhost:5000.example.com', 'https'],
  ['10.0.0.1:5000', 'https'],
])('%s is asked by %s', (host, scheme) => {
  expect(registryOrigin(host)).toBe(`${scheme}://${host}`);
});
