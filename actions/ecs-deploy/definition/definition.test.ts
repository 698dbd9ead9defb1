import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { shown } from '../../../lib/redact.ts';
import { sameDefinition } from './canonical.ts';
import { diffDefinitions, diffLines } from './diff.ts';
import { render } from './render.ts';
import { parseDefinition, sourceOf } from './source.ts';

const none = { image: '', container: '', images: {}, revision: '', environmentVariables: {} };
const web = (more: JsonObject = {}): JsonObject => ({
  family: 'web',
  containerDefinitions: [{ name: 'web', image: 'a', ...more }],
});
const DIGEST = `sha256:${'d'.repeat(64)}`;

describe('where a definition comes from', () => {
  test.each([
    ['', { kind: 'running' }],
    ['web/td.json', { kind: 'file', path: 'web/td.json' }],
    ['td.YAML', { kind: 'file', path: 'td.YAML' }],
    ['web', { kind: 'registered', name: 'web' }],
    ['web:7', { kind: 'registered', name: 'web:7' }],
    [
      'arn:aws:ecs:eu-central-1:1:task-definition/web:7',
      { kind: 'registered', name: 'arn:aws:ecs:eu-central-1:1:task-definition/web:7' },
    ],
  ])('%s', (input, expected) => {
    expect(sourceOf(input)).toEqual(expected);
  });

  test('a saved describe-task-definition is read as what it describes, with its tags', () => {
    const saved = {
      taskDefinition: { ...web(), revision: 3, taskDefinitionArn: 'x', requiresAttributes: [] },
      tags: [{ key: 'team', value: 'a' }],
    };
    expect(parseDefinition(JSON.stringify(saved), 'x.json')).toEqual({ definition: web(), tags: { team: 'a' } });
  });

  test.each([
    ['[]', /holds no object/],
    ['{"containerDefinitions": [{"name": "a"}]}', /no 'family'/],
    ['{"family": "a"}', /no 'containerDefinitions'/],
    ['{"family": "a",,}', /line 1/],
  ])('%s is refused', (text, message) => {
    expect(() => parseDefinition(text, 'td.json')).toThrow(message);
  });
});

describe('rendering', () => {
  test('changes one container and leaves its siblings alone', () => {
    const base: JsonObject = {
      family: 'web',
      containerDefinitions: [
        { name: 'web', image: 'a', x: { '': '' } },
        { name: 'side', image: 'b' },
      ],
    };
    const { definition } = render(base, { ...none, image: `repo@${DIGEST}`, container: 'web', revision: 'r1' });
    expect(definition.containerDefinitions).toEqual([
      {
        name: 'web',
        image: `repo@${DIGEST}`,
        x: { '': '' },
        environment: [
          { name: 'SLIPWAY_REVISION', value: 'r1' },
          { name: 'SLIPWAY_DIGEST', value: DIGEST },
        ],
      },
      { name: 'side', image: 'b' },
    ]);
  });

  test('takes away an identity that is not known any more', () => {
    const base = web({
      environment: [
        { name: 'SLIPWAY_REVISION', value: 'old' },
        { name: 'A', value: '' },
      ],
    });
    const { definition } = render(base, { ...none, image: 'repo:tag' });
    expect((definition.containerDefinitions as JsonObject[])[0]?.environment).toEqual([{ name: 'A', value: '' }]);
  });

  test.each<[string, Partial<typeof none>, RegExp]>([
    ['an unknown container', { image: 'x', container: 'wep' }, /wep.*it has web, side/],
    ['an image for nobody in particular', { image: 'x' }, /input 'container'.*2 containers/],
    ['an unknown name in images', { images: { db: 'x' } }, /db.*no such container/],
    ['a variable that is a secret', { container: 'web', environmentVariables: { PW: 'x' } }, /PW.*as a secret/],
  ])('refuses %s', (_, changes, message) => {
    const base: JsonObject = {
      family: 'web',
      containerDefinitions: [{ name: 'web', secrets: [{ name: 'PW', valueFrom: 'arn' }] }, { name: 'side' }],
    };
    expect(() => render(base, { ...none, ...changes })).toThrow(message);
  });
});

describe('what ECS fills in by itself makes no difference', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['empty lists', web(), web({ environment: [], mountPoints: [], volumesFrom: [], systemControls: [] })],
    ['container defaults', web(), web({ cpu: 0, essential: true })],
    [
      'the order of variables',
      web({
        environment: [
          { name: 'B', value: '1' },
          { name: 'A', value: '2' },
        ],
      }),
      web({
        environment: [
          { name: 'A', value: '2' },
          { name: 'B', value: '1' },
        ],
      }),
    ],
    [
      'ports',
      web({ portMappings: [{ containerPort: 80 }] }),
      web({ portMappings: [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }] }),
    ],
    [
      'health checks',
      web({ healthCheck: { command: ['x'] } }),
      web({ healthCheck: { command: ['x'], interval: 30, timeout: 5, retries: 3 } }),
    ],
    ['units', { ...web(), cpu: '.5 vCPU', memory: '1 GB' }, { ...web(), cpu: '512', memory: '1024' }],
    ['numbers as text', { ...web(), cpu: 256 }, { ...web(), cpu: '256' }],
  ])('%s', (_, a, b) => {
    expect(sameDefinition(a, b)).toBe(true);
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['an empty variable', web(), web({ environment: [{ name: 'A', value: '' }] })],
    ['an empty word of a command', web({ command: ['a', ''] }), web({ command: ['a'] })],
    ['the order of a command', web({ command: ['a', 'b'] }), web({ command: ['b', 'a'] })],
    ['a field that is unknown here', web(), { ...web(), brandNew: { on: true } }],
    [
      'a host port',
      web({ portMappings: [{ containerPort: 80 }] }),
      web({ portMappings: [{ containerPort: 80, hostPort: 81 }] }),
    ],
  ])('but %s does', (_, a, b) => {
    expect(sameDefinition(a, b)).toBe(false);
  });
});

describe('the differences as they are shown', () => {
  test('name the setting, and hide what its name calls a secret', () => {
    const before = web({
      environment: [
        { name: 'DB_PASSWORD', value: 'one' },
        { name: 'MODE', value: 'a' },
      ],
    });
    const after = web({
      environment: [
        { name: 'DB_PASSWORD', value: 'two' },
        { name: 'URL', value: 'https://u:p4ss@h/' },
      ],
      secrets: [{ name: 'TOKEN', valueFrom: 'arn:aws:ssm:eu-central-1:1:parameter/token' }],
      command: ['run', '--password=hunter2'],
    });
    expect(diffLines(diffDefinitions(before, after))).toEqual([
      '+ containers.web.command[0]: "run"',
      '+ containers.web.command[1]: "--password=(hidden)"',
      '~ containers.web.environment.DB_PASSWORD: "(hidden)" → "(hidden)"',
      '- containers.web.environment.MODE: "a"',
      '+ containers.web.environment.URL: "https://u:(hidden)@h/"',
      '+ containers.web.secrets.TOKEN: "arn:aws:ssm:eu-central-1:1:parameter/token"',
    ]);
  });

  test.each([
    ['GITHUB_TOKEN', 'x', '(hidden)'],
    ['apiKey', 'x', '(hidden)'],
    ['AUTHOR', 'me', 'me'],
    ['NOTE', 'ghp_0123456789abcdefghijABCDEFGHIJ012345', '(hidden)'],
    ['HOOK', 'https://discord.com/api/webhooks/123/abc-DEF_ghi', 'https://discord.com/api/webhooks/123/(hidden)'],
    ['LEVEL', 'info', 'info'],
  ])('%s=%s is shown as %s', (name, value, expected) => {
    expect(shown(name, value)).toBe(expected);
  });
});
