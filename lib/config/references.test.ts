import { expect, test } from '@jest/globals';
import { parseReferences, type ReferencePorts, resolve, resolveAll } from './references.ts';

const ports: ReferencePorts = {
  output: (component, key) => (component === 'infra' && key === 'web_url' ? 'https://web.test' : undefined),
  ssm: async (parameter) => (parameter === '/a/b' ? 'value' : undefined),
  revision: 'abc',
  digest: 'sha256:1',
};

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['${output:infra.web_url}/health?r={revision}', 'https://web.test/health?r=abc'],
  ['${ssm:/a/b}${ssm:/a/b}', 'valuevalue'],
  ['{digest}', 'sha256:1'],
  ['$${ssm:/a/b} {{sha}}', '${ssm:/a/b} {sha}'],
  ['$HOME $1 {"status":"ok"} \\d{3} {A}', '$HOME $1 {"status":"ok"} \\d{3} {A}'],
])('%j resolves to %j', async (text, expected) => {
  await expect(resolve(text, ports)).resolves.toBe(expected);
});

test.each([
  ['${ssm:/none}', 'no such SSM parameter'],
  ['${output:infra.none}', "neither this run nor the ledger holds an output 'none' of infra"],
  ['${ssm:a}', 'names no SSM parameter'],
  ['${output:infra}', 'names no output'],
  ['${env:HOME}', "no reference of the kind 'env'"],
  ['${ssm:/a', 'no closing brace'],
  ['{sha}', 'an image is built once'],
  ['{versoin}', 'no placeholder {versoin}'],
])('%j is refused: %s', async (text, cause) => {
  await expect(resolve(text, ports, 'verify.url')).rejects.toThrow(cause);
});

test('what nobody can look up here is refused, not left in', async () => {
  await expect(resolve('{revision}', {})).rejects.toThrow('the revision of the image is not known here');
  await expect(resolve('${ssm:/a/b}', {})).rejects.toThrow('not looked up at this place');
});

test('a looked-up value is data: what looks like a reference in it stays', async () => {
  await expect(resolve('${ssm:/x}', { ssm: () => '${output:a.b} {sha}' })).resolves.toBe('${output:a.b} {sha}');
});

test('resolveAll goes through maps and lists and names the place', async () => {
  const value = { urls: ['${output:infra.web_url}', 1], keep: true, deep: { r: '{revision}' } };
  await expect(resolveAll(value, ports)).resolves.toEqual({
    urls: ['https://web.test', 1],
    keep: true,
    deep: { r: 'abc' },
  });
  await expect(resolveAll({ a: ['{sha}'] }, ports)).rejects.toThrow(/^a\[0\] is "\{sha\}"/);
});

test('parts keep their order', () => {
  expect(parseReferences('a${ssm:/p}b{digest}').parts).toEqual([
    { type: 'text', value: 'a' },
    { type: 'ssm', parameter: '/p' },
    { type: 'text', value: 'b' },
    { type: 'identity', name: 'digest' },
  ]);
});
