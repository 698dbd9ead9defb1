import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { withDefaults } from '../../lib/config/action.ts';
import { ssmEntries } from '../../lib/config/hosts.ts';
import { component, loadConfig } from '../../lib/config/load.ts';
import { readInputs } from '../../lib/inputs.ts';
import { defaults } from './defaults.ts';
import { fields } from './inputs.ts';
import { specOf } from './spec/from-inputs.ts';

const IMAGE = `registry.test/web@sha256:${'a'.repeat(64)}`;
const OWN = ['to', 'targets', 'env'];
const keys = Object.keys(ssmEntries).filter((key) => !OWN.includes(key));

function inputsFor(deploy: object, given: Record<string, string> = {}) {
  const config = loadConfig(
    JSON.stringify({
      version: 1,
      registry: { account: '123456789012', region: 'eu-central-1' },
      components: {
        web: {
          kind: 'service',
          image: { repository: 'web' },
          deploy: { to: 'ssm', targets: { 'tag:Role': 'host' }, ...deploy },
        },
      },
    }),
    'slipway.yml',
  );
  const found = defaults({ config, component: component(config, 'web'), name: 'web' });
  const source = withDefaults((name) => ({ component: 'web', image: IMAGE, ...given })[name] ?? '', found);
  return readInputs(fields, source);
}

test('every key of `deploy` but a few is the input of the same name', () => {
  expect(keys.filter((key) => !Object.hasOwn(fields, key))).toEqual([]);
});

test('no input that the config file may give has a default in action.yml, which would always win', () => {
  const { inputs } = parse(readFileSync(new URL('./action.yml', import.meta.url), 'utf8')) as {
    inputs: Record<string, { default?: string }>;
  };
  const named = ['targets', 'environment-variables', ...keys];
  expect(named.filter((name) => inputs[name]?.default !== undefined)).toEqual([]);
});

describe('from the config file', () => {
  test('to a spec', () => {
    const inputs = inputsFor({
      port: '80:3000',
      'host-names': ['a.example', 'b.example'],
      env: { A: 1, B: 'x=y, z', C: true },
      secrets: { T: '${ssm:/t}', D: '${secretsmanager:db#password}' },
      'secrets-as-environment': ['D'],
      command: ['--greeting', 'hello, world'],
      labels: { team: 'a b' },
      cpus: 0.5,
      pids: 100,
      'read-only': true,
      init: false,
      'stop-timeout': '10s',
      'health-command': ['curl', '-f', 'http://127.0.0.1:3000/?a=b,c'],
    });
    expect(specOf(inputs)).toMatchObject({
      component: 'web',
      http: { port: 80, 'container-port': 3000, hosts: ['a.example', 'b.example'] },
      env: { A: '1', B: 'x=y, z', C: 'true' },
      secrets: [
        { name: 'T', from: 'ssm:/t', as: 'file' },
        { name: 'D', from: 'secretsmanager:db#password', as: 'environment' },
      ],
      command: ['--greeting', 'hello, world'],
      labels: { team: 'a b' },
      cpus: '0.5',
      pids: 100,
      'read-only': true,
      init: false,
      'stop-timeout': 10,
      'health-check': { command: ['curl', '-f', 'http://127.0.0.1:3000/?a=b,c'] },
    });
  });

  test('to the order of the hosts', () => {
    const inputs = inputsFor({
      'max-concurrency': 2,
      'max-errors': '10%',
      gate: false,
      'all-or-nothing': true,
      minimum: 2,
    });
    expect(inputs).toMatchObject({
      targets: ['tag:Role=host'],
      'max-concurrency': '2',
      'max-errors': '10%',
      gate: false,
      'all-or-nothing': true,
      minimum: 2,
    });
  });

  test('what the step says counts more', () => {
    expect(inputsFor({ memory: '1g', name: 'other' }, { memory: '2g' })).toMatchObject({ memory: '2g', name: 'other' });
  });

  test('a value of several lines is refused: it would be more variables than one', () => {
    expect(() => inputsFor({ env: { KEY: 'a\nB=1' } })).toThrow(/deploy.env: the value of KEY has several lines/);
  });

  test.each([
    [{ secrets: { T: 'literal-4711' } }, /a literal|not a reference/],
    [{ port: 'x' }, /it is not HOST:CONTAINER/],
    [{ volumes: ['./x:/x'] }, /absolute path/],
    [{ restart: 'unless-stopped' }, /restart/],
    [{ 'max-errors': 'all' }, /max-errors/],
  ])('%j is refused with its place', (deploy, message) => {
    expect(() => inputsFor(deploy)).toThrow(message);
    expect(() => inputsFor(deploy)).toThrow(/components\.web\.deploy/);
    expect(() => inputsFor(deploy)).not.toThrow(/literal-4711/);
  });
});
