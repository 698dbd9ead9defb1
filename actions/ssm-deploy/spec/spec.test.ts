import { describe, expect, test } from '@jest/globals';
import { readInputs } from '../../../lib/inputs.ts';
import { fields } from '../inputs.ts';
import { specOf } from './from-inputs.ts';
import { knownSecrets, refuseSecrets } from './guard.ts';
import { readSpec, releaseFingerprint, specText } from './spec.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const IMAGE = `127.0.0.1:5000/sample-bot@${DIGEST}`;
type Given = Record<string, string>;
const inputs = (given: Given) =>
  readInputs(fields, (name) => ({ component: 'bot', image: IMAGE, ...given })[name] ?? '');
const spec = (given: Given = {}) => specOf(inputs(given));

describe('a spec from the inputs', () => {
  test('says little of a container with nothing special', () => {
    expect(spec()).toEqual({
      v: 1,
      component: 'bot',
      release: expect.stringMatching(/^[0-9a-f]{16}$/),
      image: IMAGE,
      order: 'stop-first',
      restart: 'always',
      init: true,
      'stop-timeout': 30,
      'healthy-within': 120,
      'stable-for': 5,
      'drain-within': 30,
    });
  });

  test.each<[string, Given, object]>([
    [
      'HTTP behind the proxy',
      { port: '80:3000' },
      { order: 'start-first', http: { port: 80, 'container-port': 3000 } },
    ],
    ['one number is both', { port: '8080' }, { http: { port: 8080, 'container-port': 8080 } }],
    [
      'host names and a path',
      { port: '80', 'host-names': 'a.example, b.example', 'health-path': '/health' },
      { http: { port: 80, 'container-port': 80, hosts: ['a.example', 'b.example'], 'health-path': '/health' } },
    ],
    ['published ports stop first', { publish: '53:53/udp' }, { order: 'stop-first', publish: ['53:53/udp'] }],
    ['a bot may start first if told', { order: 'start-first' }, { order: 'start-first' }],
    ['the environment', { 'environment-variables': 'A=1\nB=x=y' }, { env: { A: '1', B: 'x=y' } }],
    [
      'secrets of both kinds, as files unless told',
      {
        secrets:
          'A=${ssm:/x/y}\nB=${secretsmanager:prod/db#password}\nC=${secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:c-AbCdEf}',
        'secrets-as-environment': 'B',
      },
      {
        secrets: [
          { name: 'A', from: 'ssm:/x/y', as: 'file' },
          { name: 'B', from: 'secretsmanager:prod/db#password', as: 'environment' },
          {
            name: 'C',
            from: 'secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:c-AbCdEf',
            as: 'file',
          },
        ],
      },
    ],
    [
      'options of docker run',
      {
        volumes: 'data:/data\n/etc/a:/etc/a:ro',
        tmpfs: '/tmp:size=64m',
        networks: 'a,b',
        memory: '256m',
        cpus: '0.5',
        pids: '200',
        restart: 'on-failure',
        labels: 'team=web',
        user: '1000:1000',
        entrypoint: '[/bin/server]',
        command: "[--listen, '3000']",
        'read-only': 'true',
        init: 'false',
        'cap-add': 'NET_BIND_SERVICE',
        'cap-drop': 'ALL',
        'extra-hosts': 'db:10.0.0.5',
        ulimits: 'nofile=1024:2048',
        'shm-size': '64m',
        hostname: 'web',
        'stop-signal': 'SIGQUIT',
        'stop-timeout': '1m',
        'log-driver': 'json-file',
        'log-options': 'max-size=10m',
      },
      {
        volumes: ['data:/data', '/etc/a:/etc/a:ro'],
        tmpfs: ['/tmp:size=64m'],
        networks: ['a', 'b'],
        memory: '256m',
        cpus: '0.5',
        pids: 200,
        restart: 'on-failure',
        labels: { team: 'web' },
        user: '1000:1000',
        entrypoint: ['/bin/server'],
        command: ['--listen', '3000'],
        'read-only': true,
        init: false,
        'cap-add': ['NET_BIND_SERVICE'],
        'cap-drop': ['ALL'],
        'extra-hosts': ['db:10.0.0.5'],
        ulimits: ['nofile=1024:2048'],
        'shm-size': '64m',
        hostname: 'web',
        'stop-signal': 'SIGQUIT',
        'stop-timeout': 60,
        'log-driver': 'json-file',
        'log-options': { 'max-size': '10m' },
      },
    ],
    [
      'a health check',
      { 'health-command': '[curl, -f, http://127.0.0.1/]', 'health-interval': '2s', 'health-retries': '4' },
      { 'health-check': { command: ['curl', '-f', 'http://127.0.0.1/'], interval: 2, retries: 4 } },
    ],
    [
      'times in whole seconds, rounded up',
      { 'stable-for': '500ms', 'healthy-within': '90s' },
      { 'stable-for': 1, 'healthy-within': 90 },
    ],
  ])('%s', (_, given, expected) => {
    expect(spec(given)).toMatchObject(expected);
  });

  test.each<[Given, RegExp]>([
    [{ image: 'nginx:latest' }, /'image' is "nginx:latest": .*a tag may move/],
    [{ image: '' }, /'image': it is empty/],
    [{ component: '' }, /'name': it is empty/],
    [{ name: '-rf' }, /'name' is "-rf"/],
    [{ port: '80:x' }, /'port' is "80:x": it is not HOST:CONTAINER/],
    [{ port: '80:99999' }, /'port' is "80:99999": 99999 is no port/],
    [{ 'health-path': '/health' }, /'health-path': it is for what the proxy stands before/],
    [{ 'host-names': 'a.example' }, /'host-names': it is for what the proxy stands before/],
    [{ port: '80', 'host-names': 'https://a.example' }, /'host-names' .*it is not the name of a host/],
    [{ publish: '53', order: '' }, /'publish' is "53": a line of it: it is not HOST:CONTAINER/],
    [
      { publish: '53:53/udp', order: 'start-first' },
      /'order' is "start-first": two containers cannot publish one port/,
    ],
    [{ port: '80', networks: 'host' }, /'networks' is "host"/],
    [{ secrets: 'A B=${ssm:/x}' }, /NAME=value/],
    [{ 'environment-variables': 'A=${ssm:/x}' }, /variable A is ".*it is a reference/],
    [{ 'secrets-as-environment': 'X' }, /'secrets-as-environment' is "X": `secrets` has no secret of this name/],
    [{ volumes: './data:/data' }, /'volumes' is .*an absolute path/],
    [{ volumes: '--privileged' }, /'volumes' is "--privileged"/],
    [{ networks: '--pid=host' }, /'networks' is "--pid=host"/],
    [{ memory: 'much' }, /'memory' is "much": it is not a size/],
    [{ user: 'root --privileged' }, /'user' is/],
    [{ labels: 'slipway.release=x' }, /'labels' .*which the host sets by itself/],
    [{ 'extra-hosts': 'a' }, /'extra-hosts' is "a"/],
    [{ ulimits: 'nofile' }, /'ulimits' is "nofile"/],
    [{ command: 'node server.js' }, /'command' .*list/],
    [{ 'max-concurrency': 'all' }, /'max-concurrency' is "all"/],
    [{ restart: 'unless-stopped' }, /'restart' is "unless-stopped": it is none of always, on-failure, no/],
  ])('%j is refused', (given, message) => {
    expect(() => spec(given)).toThrow(message);
  });
});

describe('the release fingerprint', () => {
  const of = (given: Given) => releaseFingerprint(spec(given));
  const base = { 'environment-variables': 'A=1\nB=2' };

  test.each<[string, Given]>([
    ['the order of lines', { 'environment-variables': 'B=2\nA=1' }],
    ['the registry', { image: IMAGE.replace('127.0.0.1:5000', 'other.test') }],
    [
      'how it is rolled out',
      { 'healthy-within': '5m', 'stable-for': '1s', order: 'start-first', 'max-concurrency': '3' },
    ],
  ])('does not count %s', (_, given) => {
    expect(of({ ...base, ...given })).toBe(of(base));
  });

  test.each<[string, Given]>([
    ['a variable', { 'environment-variables': 'A=1\nB=3' }],
    ['the digest', { image: IMAGE.replace('aaa', 'bbb') }],
    ['a limit', { memory: '1g' }],
    ['a volume', { volumes: '/a:/b' }],
    ['a secret’s place', { secrets: 'T=${ssm:/t}' }],
    ['the port', { port: '80' }],
    ['the command', { command: '[x]' }],
  ])('counts %s', (_, given) => {
    expect(of({ ...base, ...given })).not.toBe(of(base));
  });
});

describe('a parameter’s value', () => {
  test('is read back as the spec', () => {
    const written = spec({ port: '80', 'environment-variables': 'A=1' });
    expect(readSpec(specText(written))).toEqual(written);
  });
  test.each(['', 'x', 'null', '[]', '{"v":2}', '{"v":1,"release":"a","image":"nginx:latest"}'])(
    '%j is none',
    (text) => {
      expect(readSpec(text)).toBeUndefined();
    },
  );
});

describe('secrets do not travel', () => {
  test.each([
    'TOKEN=hunter2',
    'TOKEN=$SECRET',
    'TOKEN=${ssm:/a b}',
    'TOKEN=${output:a.b}',
    'TOKEN=x${ssm:/a}',
    'TOKEN=${env:TOKEN}',
  ])('%s is no reference, and the error does not repeat it', (line) => {
    const refused = () => spec({ secrets: line });
    expect(refused).toThrow(/^input 'secrets', TOKEN: it is not a reference/);
    const value = line.slice('TOKEN='.length);
    expect(refused).not.toThrow(value);
  });

  const known = knownSecrets({
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+example',
    DISCORD_WEBHOOK_URL: 'https://discord.test/hook/4711-secret',
    DEPLOY_PASSWORD: 'correct "horse" battery',
    INPUT_TOKEN: 'a-token-that-was-given',
    INPUT_SECRETS: 'DISCORD_TOKEN=${ssm:/sample}',
    'INPUT_SECRETS-AS-ENVIRONMENT': 'DISCORD_TOKEN',
    TOKEN_TTL: '36000000',
    NEWLINE_SECRET: 'ends-with-a-newline\n',
    SIGNING_KEY: '-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END X-----\n',
    ALL_SECRETS: '{"A":"one-of-them-all","B":"x"}',
    COOKIE_DOMAIN: 'example.com',
    SHORT_TOKEN: 'short',
    PATH: '/usr/bin:/bin',
  });

  test('the step knows those of its environment, by their names', () => {
    expect([...new Set(known.map((k) => k.name))]).toEqual([
      'AWS_SECRET_ACCESS_KEY',
      'DISCORD_WEBHOOK_URL',
      'DEPLOY_PASSWORD',
      'INPUT_TOKEN',
      'NEWLINE_SECRET',
      'SIGNING_KEY',
      'ALL_SECRETS',
    ]);
  });

  const words = 'correct "horse" battery';
  test.each<[string, Given, RegExp]>([
    [
      'as it is',
      { 'environment-variables': `X=${words}` },
      /^environment variable X: it holds the value of DEPLOY_PASSWORD/,
    ],
    [
      'inside a text',
      { 'environment-variables': `X=a ${words} b` },
      /variable X: it holds the value of DEPLOY_PASSWORD/,
    ],
    ['in base64', { 'environment-variables': `X=${Buffer.from(words).toString('base64')}` }, /of DEPLOY_PASSWORD/],
    [
      'in a URL',
      { command: JSON.stringify([`--at=${encodeURIComponent(words)}`]) },
      /option 'command' of the container: .*DEPLOY_PASSWORD/,
    ],
    [
      'as JSON',
      { labels: `x=${JSON.stringify({ a: words })}` },
      /option 'labels.x' of the container: .*DEPLOY_PASSWORD/,
    ],
    ['a key of AWS', { 'environment-variables': 'K=wJalrXUtnFEMI/K7MDENG+example' }, /of AWS_SECRET_ACCESS_KEY/],
    [
      'a token by its shape',
      { 'environment-variables': `X=ghp_${'a1'.repeat(18)}` },
      /variable X: it has the shape of a token/,
    ],
    [
      'a password in a URL',
      { 'environment-variables': 'DB=postgres://u:pass-word@db/x' },
      /variable DB: it has the shape/,
    ],
    [
      'in the middle of base64',
      { 'environment-variables': `X=Basic ${Buffer.from(`me:${words}`).toString('base64')}` },
      /of DEPLOY_PASSWORD/,
    ],
    ['in hexadecimal', { labels: `x=${Buffer.from(words).toString('hex')}` }, /'labels.x' .*DEPLOY_PASSWORD/],
    ['with a line break at its end', { 'environment-variables': 'X=ends-with-a-newline' }, /of NEWLINE_SECRET/],
    ['a line of a key', { 'environment-variables': 'X=MIIEvQIBADANBgkqhkiG9w0B' }, /of SIGNING_KEY/],
    ['one of all secrets', { 'environment-variables': 'X=one-of-them-all' }, /of ALL_SECRETS/],
    [
      'a short one by its name',
      { 'environment-variables': 'DB_PASSWORD=hunter2' },
      /variable DB_PASSWORD: it is named/,
    ],
    ['an abbreviation', { 'environment-variables': 'SMTP_PASS=hunter2hunter2' }, /variable SMTP_PASS: it is named/],
    [
      'an option of the log driver',
      { 'log-options': 'splunk-token=4711-4711-4711' },
      /'log-options.splunk-token' .* named/,
    ],
    ['a label', { labels: 'app.api-key=4711-4711' }, /'labels.app.api-key' .* named/],
    [
      'the word after an option',
      { command: '[serve, --password, "4711-4711"]' },
      /'command' of the container, --password: it is named/,
    ],
    [
      'by its name',
      { 'environment-variables': 'API_TOKEN=4711-4711-4711' },
      /variable API_TOKEN: it is named like a secret.*not-secret: API_TOKEN/,
    ],
  ])('%s is refused, and not repeated', (_, given, message) => {
    const refused = () => refuseSecrets(spec(given), known);
    expect(refused).toThrow(message);
    for (const part of [words, 'wJalrXUtnFEMI', 'ghp_a1', 'pass-word', '4711-4711']) expect(refused).not.toThrow(part);
  });

  test.each<[string, Given]>([
    ['what only sounds like one', { 'environment-variables': 'TOKEN_TTL=36000000\nSECRET_NAME=sample/db\nAUTH=on' }],
    [
      'what is said to be none',
      { 'environment-variables': 'SESSION_SECRET=not-a-secret-at-all', 'not-secret': 'SESSION_SECRET' },
    ],
    ['references', { secrets: 'API_TOKEN=${ssm:/sample/token}' }],
    [
      'numbers, addresses and switches',
      {
        'environment-variables':
          'ACCESS_TOKEN_EXPIRE_MINUTES=30\nCOOKIE_DOMAIN=example.com\nAUTH=basic\nTOKEN_ISSUER=https://id.test\nVAPID_PUBLIC_KEY=BNbxGYNMhEIi9zrneh7mqV4oUanjLUK3m',
      },
    ],
    [
      'what a shell reads from the file of a secret',
      {
        command: JSON.stringify([
          'sh',
          '-c',
          'export DB_PASSWORD=$(cat "$DB_PASSWORD_FILE") URL="postgres://app:$DB_PASSWORD@db/app" && exec node server.js',
        ]),
        'health-command': JSON.stringify(['sh', '-c', 'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1/']),
      },
    ],
    ['an option that names a file', { command: '[--token, /run/secrets/token, --token-ttl, "36000000"]' }],
    [
      'what is said to be none, by its shape too',
      { 'environment-variables': 'DEV_DB=postgres://dev:dev@db/x', 'not-secret': 'DEV_DB' },
    ],
    [
      'a variable of the job that is said to be none',
      { 'environment-variables': `X=${words}`, 'not-secret': 'DEPLOY_PASSWORD' },
    ],
  ])('%s may travel', (_, given) => {
    const read = inputs(given);
    expect(() => refuseSecrets(specOf(read), known, read['not-secret'])).not.toThrow();
  });
});
