import { expect, test } from '@jest/globals';
import { programVersion } from './program-version.ts';

const env = { PATH: process.env.PATH, UNSET: undefined };

test('a program tells its version', async () => {
  expect(await programVersion(['node', '--version'], env)).toBe(process.version);
});

test('only the first line counts, and the environment is the one that was given', async () => {
  const script = 'console.log([process.env.A, process.env.HOME].join()); console.log("more"); console.error("noise")';
  expect(await programVersion(['node', '--eval', script], { ...env, A: 'a b' })).toBe('a b,');
});

test.each<[string, [string, ...string[]]]>([
  ['a program that is missing', ['slipway-no-such-program', '--version']],
  ['a question that it does not know', ['node', '--no-such-option']],
])('%s has none', async (_, argv) => {
  expect(await programVersion(argv, env)).toBeUndefined();
});
