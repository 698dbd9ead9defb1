import { describe, expect, test } from '@jest/globals';
import { Problem } from '../errors.ts';
import { amiTemplate, imagesOf, isApp, pathsOf } from './defaults.ts';
import { EXAMPLE } from './example.ts';
import { component, environmentConfig, loadConfig, loadConfigFile } from './load.ts';
import { overrideComponent } from './merge.ts';

const FILE = '.github/slipway.yml';

function problemOf(f: () => unknown): Problem {
  try {
    f();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The example with one piece of text replaced, which must be there exactly once or more. */
function edited(from: string, to: string): string {
  if (!EXAMPLE.includes(from)) throw new Error(`the example does not hold ${from}`);
  return EXAMPLE.replace(from, to);
}

describe('loadConfig', () => {
  test('reads the example', () => {
    const config = loadConfig(EXAMPLE, FILE);
    expect(Object.keys(config.components)).toEqual(['ami', 'infra', 'web', 'bot']);
    expect(config.file).toBe(FILE);
  });

  const mistakes: [name: string, text: string, message: (string | RegExp)[]][] = [
    [
      'a wrong place',
      edited('to: ecs', 'to: esc'),
      ['.github/slipway.yml:12:15: components.web.deploy.to is "esc"', "Did you mean 'ecs'?"],
    ],
    [
      'an unknown key',
      edited('depends-on: [ami]', 'depend-on: [ami]'),
      [/slipway\.yml:5:\d+: components\.infra\.depend-on: there is no key/, "Did you mean 'depends-on'?"],
    ],
    ['a missing key', edited(' service: web,', ''), [":12:5: components.web.deploy: the key 'service' is missing"]],
    ['an unknown kind', edited('kind: bot', 'kind: robot'), ['it is none of ami, terraform, service']],
    ['a missing kind', edited('    kind: bot\n', ''), ["components.bot: the key 'kind' is missing"]],
    ['an account as a number', edited("'123456789012'", '123'), ['it is a number, where text belongs', "'123'"]],
    ['a short account', edited("'123456789012'", "'123'"), ['exactly twelve digits']],
    [
      'an unknown need',
      edited('depends-on: [ami]', 'depends-on: [amy]'),
      ["no component has this name. Did you mean 'ami'?"],
    ],
    [
      'a kind of change that there is not',
      edited("paths: ['bot/**']", "paths: ['bot/**', { 'added|renamed': 'x/**' }]"),
      ['components.bot.paths[1]."added|renamed"', 'Use added, modified, deleted, type-changed, joined by |'],
    ],
    [
      'a rule that is no pattern',
      edited("paths: ['bot/**']", "paths: ['bot/**', { added: 3 }]"),
      ['components.bot.paths[1]', 'it is a map, where a pattern, or patterns by kinds of change, belongs'],
    ],
    [
      'a folder as a pattern',
      edited("paths: ['bot/**']", 'paths: [bot/]'),
      ['components.bot.paths[0] is "bot/"', 'a folder is folder/**'],
    ],
    [
      'a backslash as a separator',
      edited("paths: ['bot/**']", "paths: ['bot\\src']"),
      ['components.bot.paths[0]', 'with forward slashes'],
    ],
    [
      'a pattern that leaves the repository',
      edited("paths: ['bot/**']", 'paths: [../bot/**]'),
      ['components.bot.paths[0] is "../bot/**"', "relative to the repository's root"],
    ],
    [
      'a pattern with an empty part',
      edited("paths: ['bot/**']", 'paths: [bot//**]'),
      ['components.bot.paths[0] is "bot//**"'],
    ],
    [
      'a pattern with a dot for a part',
      edited("paths: ['bot/**']", 'paths: [bot/./a]'),
      ['components.bot.paths[0] is "bot/./a"'],
    ],
    ['a cycle', edited('depends-on: [ami]', 'after: [web]'), ['"infra → web → infra"', 'cycle']],
    ['a repository with a host', edited('sample-web,', 'x.dkr.ecr.y.amazonaws.com/web:1,'), ['ECR repository']],
    [
      'a broken expression',
      edited("json: { revision: '{revision}' }", "body: '('"),
      ['verify.expect.body', 'it is not a regular expression', 'Correct it'],
    ],
    [
      'a broken path into JSON',
      edited("revision: '{revision}'", "'a..b': 1"),
      ['it is not a path into JSON', 'Write for instance'],
    ],
    [
      'an operator that nobody knows',
      edited("revision: '{revision}'", 'n: { greater: 1 }'),
      ['verify.expect.json.n', 'nor a map of operators', 'at-least, at-most, above'],
    ],
    [
      'verification of nothing',
      edited("url: '${output:infra.web_url}/health', ", ''),
      ['components.web.verify', 'it says nowhere what to probe', 'Add `url:'],
    ],
    [
      'a comparison of nothing',
      edited("verify: { url: '${o", "verify: { baseline: true, url: '${o"),
      ['verify.baseline', 'no soak is asked for', 'Add `soak:'],
    ],
    ['{sha} in verification', edited('{revision}', '{sha}'), ['an image is built once', 'Use {revision}']],
    ['an unknown placeholder', edited('{revision}', '{revison}'), ["Did you mean 'revision'?"]],
    [
      '{digest} outside verification',
      edited('service: web,', "service: 'web-{digest}',"),
      ['known to verification only'],
    ],
    ['an unknown reference', edited('${output:infra.cluster}', '${outptu:infra.cluster}'), ["Did you mean 'output'?"]],
    [
      'an output of an app',
      edited('${output:infra.cluster}', '${output:bot.cluster}'),
      ['only terraform and ami have outputs'],
    ],
    [
      'an output without order',
      edited('after: [infra]\n    image: { repository: sample-web', 'image: { repository: sample-web'),
      ['nothing says that infra ships first'],
    ],
    [
      'a GitHub expression',
      edited("'${output:infra.cluster}'", "'${{ vars.CLUSTER }}'"),
      ['GitHub expressions are evaluated in workflow files only'],
    ],
    ['a context outside', edited('context: web', 'context: ../web'), ['not a path inside the repository']],
    ['a folder as pattern', edited("['web/**']", "['web/']"), ['not a pattern of file names']],
    ['only exclusions', edited("['web/**']", "['!web/**']"), ['starts with an exclusion']],
    ['an empty list', edited("['web/**']", '[]'), ['the list is empty']],
    ['a text where a list belongs', edited("['web/**']", 'web/**'), ['Put it in brackets']],
    [
      'a number as time',
      edited('container: web }', 'container: web, timeout: 90 }'),
      ['it is a number, where text belongs'],
    ],
    ['a time without unit', edited('container: web }', "container: web, timeout: '90' }"), ['it is not a duration']],
    [
      'no registry',
      edited("registry: { account: '123456789012', region: eu-central-1 }\n", ''),
      ['there is no `registry`'],
    ],
    ['no image', edited('    image: { repository: sample-web, context: web }\n', ''), ['a service needs an image']],
    [
      'image and images',
      edited('    before:', '    images: { side: { repository: side } }\n    before:'),
      ['both `image` and `images`'],
    ],
    ['a name with capitals', edited('  web:', '  Web:'), ['a component name starts with a lower-case letter']],
    ['a reserved name', edited('  bot:', '  any:'), ["'any' is the name of an output"]],
    [
      'an unknown environment',
      edited('after: dev', 'after: deev'),
      ["no environment has this name. Did you mean 'dev'?"],
    ],
    [
      'environments in a circle',
      edited('region: eu-central-1 }\n  prod', 'region: eu-central-1, after: prod }\n  prod'),
      ['"dev → prod → dev"'],
    ],
    [
      'an override of nothing',
      edited('components: { web: { verify', 'components: { wbe: { verify'),
      [':26:19: environments.prod.components.wbe', "Did you mean 'web'?"],
    ],
    [
      'an override of the kind',
      edited('{ web: { verify', '{ web: { kind: bot, verify'),
      ['kind is the same in every environment'],
    ],
    [
      'an override that breaks the component',
      edited('{ web: { verify', '{ web: { deploy: { to: ssm }, verify'),
      ["environments.prod.components.web.deploy: the key 'targets' is missing"],
    ],
    [
      'an override with a bad reference',
      edited('https://www.sample.test/health', '${output:bot.url}'),
      ['environments.prod.components.web.verify.url', 'only terraform and ami'],
    ],
    ['another version', edited('version: 1', 'version: 2'), ['reads version 1']],
    [
      'a task with a service',
      edited('kind: service', 'kind: task'),
      ["components.web.deploy.service: there is no key 'service'"],
    ],
  ];

  test.each(mistakes)('refuses %s', (_, text, expected) => {
    const { message, kind } = problemOf(() => loadConfig(text, FILE));
    for (const part of expected) expect(message).toMatch(part instanceof RegExp ? part : new RegExp(literally(part)));
    expect(kind).toBe('config');
  });

  test('never shows a secret that stands in the file', () => {
    for (const literal of ['hunter2', '123456']) {
      const { message } = problemOf(() => loadConfig(edited("'${ssm:/sample/bot/token}'", literal), FILE));
      expect(message).toContain('components.bot.deploy.secrets.DISCORD_TOKEN');
      expect(message).not.toContain(literal);
    }
  });

  test('lists all mistakes at once, in the order of the file', () => {
    const text = edited('to: ecs', 'to: esc').replace('region: eu-central-1 }', 'region: mars }');
    const { message, parts } = problemOf(() => loadConfig(text, FILE));
    expect(message).toContain('2 mistakes');
    expect(message.indexOf('registry.region')).toBeLessThan(message.indexOf('components.web.deploy.to'));
    expect(parts).toMatchObject({ file: FILE, line: 2 });
  });

  const bombs: [string, string, string][] = [
    ['bad syntax', 'version: 1\na: [\n', ':3:1'],
    ['a duplicate key', 'version: 1\nversion: 1\n', ':2:1'],
    ['an empty file', '# nothing\n', 'it is empty'],
    ['two documents', 'version: 1\n---\nversion: 1\n', 'more than one YAML document'],
    ['a text', 'hello', 'where a map'],
    ['an unknown anchor', 'components: *x', 'aliases cannot be expanded'],
    [
      'an anchor bomb',
      `a0: &a0 [x, x]\n${[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `a${n}: &a${n} [${Array(9).fill(`*a${n - 1}`)}]`).join('\n')}`,
      'aliases cannot be expanded',
    ],
    ['deep brackets', '['.repeat(5000), 'levels of brackets'],
    ['deep lists', '- '.repeat(50_000), 'cannot be read'],
    ['a huge file', 'a'.repeat(1024 * 1024 + 1), 'larger than'],
    ['a prototype', '__proto__: { a: 1 }', 'cannot be a key'],
    ['a constructor as a component', 'version: 1\ncomponents:\n  constructor: {}', ':3:3'],
    ['a list as a key', '? [a]\n: b', 'no plain text'],
  ];
  test.each(bombs)('refuses %s as YAML', (_, text, expected) => {
    expect(problemOf(() => loadConfig(text, FILE)).message).toContain(expected);
  });

  test('reads a file with a byte order mark, anchors and Windows line ends', () => {
    const text = `\uFEFF${EXAMPLE.replace("['web/**']", "&p ['web/**']").replace("['bot/**']", '*p')}`;
    expect(loadConfig(text.replaceAll('\n', '\r\n'), FILE).components.bot?.paths).toEqual(['web/**']);
  });
});

describe('loadConfigFile', () => {
  test('says where it looked when there is none', async () => {
    const missing = loadConfigFile(FILE, async () => undefined, '/srv/repo');
    await expect(missing).rejects.toThrow(
      /there is no such file; looked for .github\/ in \/srv\/repo.*Check out the repository/s,
    );
  });
});

describe('environmentConfig', () => {
  const config = loadConfig(EXAMPLE, FILE);

  test('merges overrides and settles the region', () => {
    const prod = environmentConfig(config, 'prod');
    expect(prod.environment).toMatchObject({ name: 'prod', region: 'eu-central-1', approve: true });
    expect(prod.components.web).toMatchObject({
      verify: { url: 'https://www.sample.test/health', expect: { json: { revision: '{revision}' } } },
    });
    expect(config.components.web).toMatchObject({ verify: { url: '${output:infra.web_url}/health' } });
  });

  test('names the environments it knows', () => {
    expect(() => environmentConfig(config, 'pord')).toThrow(/Did you mean 'prod'\? Known here: dev, prod/);
    expect(() => environmentConfig(config, 'toString')).toThrow(/no environment of this name/);
  });

  test('component() names the components it knows', () => {
    expect(component(config, 'web').kind).toBe('service');
    expect(() => component(config, 'wep')).toThrow(/input 'component' is "wep".*Did you mean 'web'\?/);
  });
});

test.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
  ['maps deeply', { vars: { a: 1, b: { c: 1 } } }, { vars: { b: { d: 2 } } }, { vars: { a: 1, b: { c: 1, d: 2 } } }],
  ['lists as a whole', { tags: ['a', 'b'] }, { tags: ['c'] }, { tags: ['c'] }],
  [
    'another place as a whole',
    { deploy: { to: 'ecs', cluster: 'c' } },
    { deploy: { to: 'ssm', port: '1' } },
    { deploy: { to: 'ssm', port: '1' } },
  ],
  [
    'the same place by key',
    { deploy: { to: 'ecs', cluster: 'c' } },
    { deploy: { to: 'ecs', service: 's' } },
    { deploy: { to: 'ecs', cluster: 'c', service: 's' } },
  ],
  [
    'several images for one',
    { image: { repository: 'a' } },
    { images: { x: { repository: 'b' } } },
    { images: { x: { repository: 'b' } } },
  ],
])('overrides %s', (_, base, over, expected) => {
  expect(overrideComponent(base, over)).toEqual(expected);
});

test('patterns may have signs that are meant as they are, and count some kinds of change only', () => {
  const paths = ['app/(shop)/[id]/**', '\\*\\{a\\}', { 'added|deleted': 'db/**' }, { modified: ['db/keep', '!db/**'] }];
  const text = edited("paths: ['bot/**']", `paths: ${JSON.stringify(paths)}`);
  expect(loadConfig(text, FILE).components.bot?.paths).toEqual(paths);
});

describe('defaults', () => {
  const config = loadConfig(
    `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  ami: { kind: ami, paths: ['infra/ami/*.hcl'] }
  image: { kind: ami, template: images/base.pkr.hcl }
  net: { kind: terraform, root: infra/, var-files: [vars/dev.tfvars] }
  all: { kind: worker, image: { repository: all }, deploy: { to: ecs, cluster: c, service: s } }
  duo:
    kind: service
    images: { app: { repository: app, context: ./app }, proxy: { repository: proxy, context: proxy, dockerfile: docker/proxy } }
    deploy: { to: ecs, cluster: c, service: s, task-definition: ecs/duo.json }
  odd: { kind: worker, image: { repository: odd, context: 'a (b)/[c]' }, deploy: { to: ecs, cluster: c, service: s, task-definition: odd.yaml } }
`.replace('  all:', '  whole:'),
    FILE,
  );
  test.each([
    ['ami', ['infra/ami/*.hcl']],
    ['image', ['images/base.pkr.hcl/**']],
    ['net', ['infra/**', 'vars/dev.tfvars']],
    ['whole', ['**', 'Dockerfile']],
    ['odd', ['a \\(b\\)/\\[c\\]/**', 'a \\(b\\)/\\[c\\]/Dockerfile', 'odd.yaml']],
    ['duo', ['app/**', 'app/Dockerfile', 'proxy/**', 'docker/proxy', 'ecs/duo.json']],
  ])('paths of %s', (name, expected) => {
    expect(pathsOf(component(config, name))).toEqual(expected);
  });

  test('images with container, context and Dockerfile', () => {
    const duo = component(config, 'duo');
    expect(isApp(duo) && imagesOf(duo)).toMatchObject([
      { container: 'app', repository: 'app', context: './app', dockerfile: 'app/Dockerfile' },
      { container: 'proxy', repository: 'proxy', context: 'proxy', dockerfile: 'docker/proxy' },
    ]);
  });

  test('Packer template from the first pattern', () => {
    expect(amiTemplate({ kind: 'ami', paths: [{ modified: ['infra/ami/*.hcl', 'x'] }] })).toBe('infra/ami');
    expect(amiTemplate({ kind: 'ami', paths: ['infra/ami/*.hcl'] })).toBe('infra/ami');
    expect(amiTemplate({ kind: 'ami', template: 'x.pkr.hcl' })).toBe('x.pkr.hcl');
  });
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
