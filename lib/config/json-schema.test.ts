import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import * as v from 'valibot';
import { parse } from 'yaml';
import { EXAMPLE } from './example.ts';
import { committedSchema, configJsonSchema, schemaText } from './json-schema.ts';
import { configSchema } from './schema.ts';

test('the committed schema is current (node lib/config/json-schema.ts writes it)', () => {
  expect(committedSchema()).toBe(schemaText());
});

const validate = new Ajv({ strict: false }).compile(configJsonSchema());

describe('JSON schema and validator agree', () => {
  const rows: [string, unknown, boolean][] = [
    ['the example', parse(EXAMPLE), true],
    ['nothing', {}, false],
    ['a minimal file', { version: 1, components: { infra: { kind: 'terraform', root: 'infra' } } }, true],
    ['another version', { version: 2, components: {} }, false],
    ['an unknown key', { version: 1, components: {}, extra: 1 }, false],
    ['an unknown kind', { version: 1, components: { a: { kind: 'pod' } } }, false],
    ['a kind without its key', { version: 1, components: { a: { kind: 'terraform' } } }, false],
    ['a bad name', { version: 1, components: { A: { kind: 'ami' } } }, false],
    [
      'a number as account',
      { version: 1, registry: { account: 123456789012, region: 'eu-central-1' }, components: {} },
      false,
    ],
    ['no components', { version: 1, registry: { account: '123456789012', region: 'eu-central-1' } }, false],
    ['a literal secret', bot({ secrets: { TOKEN: 'abc' } }), false],
    ['a secret by reference', bot({ secrets: { TOKEN: '${ssm:/a}' } }), true],
    ['hosts by id', bot({ targets: { 'instance-ids': ['i-1'] } }), true],
    ['hosts by nothing', bot({ targets: { role: 'x' } }), false],
    ['an unknown place', bot({ to: 'k8s' }), false],
    ['a time', bot({ timeout: '1h30m' }), true],
    ['a time without unit', bot({ timeout: '90' }), false],
    ['a path that climbs', { version: 1, components: { a: { kind: 'terraform', root: 'a/../b' } } }, false],
    ['dots in a path', { version: 1, components: { a: { kind: 'terraform', root: 'a/..b/c..' } } }, true],
    [
      'an override',
      { version: 1, components: {}, environments: { dev: { components: { a: { deploy: { timeout: '1m' } } } } } },
      true,
    ],
    [
      'an override of the kind',
      { version: 1, components: {}, environments: { dev: { components: { a: { kind: 'bot' } } } } },
      false,
    ],
    ['an environment by another name', { version: 1, components: {}, environments: { 'a b': {} } }, false],
    ['a bad role', { version: 1, components: {}, environments: { dev: { role: 'admin' } } }, false],
  ];
  test.each(rows)('on %s', (_, value, valid) => {
    expect([validate(value), v.is(configSchema, value)]).toEqual([valid, valid]);
  });
});

function bot(deploy: Record<string, unknown>): unknown {
  const base = { to: 'ssm', targets: { 'tag:Role': 'host' } };
  return {
    version: 1,
    components: { bot: { kind: 'bot', image: { repository: 'sample-bot' }, deploy: { ...base, ...deploy } } },
  };
}

test('every key that an editor offers is described', () => {
  const undescribed: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties } = node as { properties?: Record<string, { description?: string }> };
    for (const [key, value] of Object.entries(properties ?? {})) {
      const inOverride = /components.*(override|environments)/i.test(path);
      if (value.description === undefined && key !== 'kind' && !inOverride) undescribed.push(`${path}.${key}`);
    }
    for (const [key, value] of Object.entries(node)) if (key !== 'environments') walk(value, `${path}.${key}`);
  };
  walk(configJsonSchema().properties, '');
  expect(undescribed).toEqual([]);
});
