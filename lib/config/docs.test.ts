import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from './load.ts';
import { definitions } from './schema.ts';
import { verifyEntries } from './verify.ts';

const GUIDE = readFileSync(new URL('../../docs/slipway-yml.md', import.meta.url), 'utf8');
const blocks = [...GUIDE.matchAll(/```yaml\n([\s\S]*?)```/g)].map((m) => m[1] ?? '');

test('the example of the guide is valid', () => {
  const whole = blocks.find((block) => block.startsWith('version: 1')) ?? '';
  expect(Object.keys(loadConfig(whole, 'docs/slipway-yml.md').components)).toEqual(['ami', 'infra', 'web', 'bot']);
});

test.each(['ami', 'infra'])('the block of %s is valid', (name) => {
  const block = blocks.find((b) => b.startsWith(`${name}:`)) ?? '';
  const text = `version: 1\ncomponents:\n${block.replace(/^/gm, '  ')}`;
  if (name === 'ami') expect(loadConfig(text, 'x').components.ami?.kind).toBe('ami');
  else expect(loadConfig(text, 'x').components.infra?.kind).toBe('terraform');
});

test('the blocks of a service are valid together, on both places', () => {
  const block = (start: string) => blocks.find((b) => b.startsWith(start)) ?? '';
  const parts = ['image:', 'before:', 'verify:'].map((start) => parse(block(start)) as Record<string, unknown>);
  const infra = parse(block('infra:')) as Record<string, unknown>;
  for (const to of ['ecs', 'ssm']) {
    const deploy = parse(blocks.find((b) => b.startsWith(`deploy:\n  to: ${to}`)) ?? '') as Record<string, unknown>;
    const web = { kind: 'service', after: ['infra'], ...Object.assign({}, ...parts), ...deploy };
    const text = JSON.stringify({
      version: 1,
      registry: { account: '123456789012', region: 'eu-central-1' },
      components: { ...infra, web },
    });
    expect(loadConfig(text, 'x').components.web).toMatchObject({ deploy: { to } });
  }
});

test('every key has its place in the guide', () => {
  const keys = Object.values(definitions).flatMap((schema) => Object.keys(schema.entries));
  const missing = [...new Set([...keys, ...Object.keys(verifyEntries)])].filter(
    (key) => !new RegExp(`\\b${key}\\b`).test(GUIDE),
  );
  expect(missing).toEqual([]);
});
