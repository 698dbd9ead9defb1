import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROGRAM_FILE } from '../../scripts/host-program.ts';
import { makeCertificate } from '../../test/support/certificate.ts';
import { DOCUMENT, DOCUMENT_NAME, encodePayload, PAYLOAD_LIMIT } from './document.ts';
import { fingerprintOf, HOST_PROGRAM, HOST_PROGRAM_VERSION } from './host-program.ts';

let work: string;
let library: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-program-'));
  library = join(work, 'library.sh');
  // Everything but the last part, which would begin.
  writeFileSync(library, HOST_PROGRAM.slice(0, HOST_PROGRAM.indexOf('# The one place where anything begins')));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Runs a line of bash with the program's functions; $1 … are the arguments. */
function bash(line: string, args: string[] = [], input = ''): string {
  const text = `. "$LIBRARY"; STATE=$WORK RUN=$WORK CONFIG=$WORK PROXY_FILE=$WORK/haproxy.cfg; ${line}`;
  return execFileSync('bash', ['--norc', '-c', text, 'bash', ...args], {
    env: { PATH: process.env.PATH, LIBRARY: library, WORK: work },
    encoding: 'utf8',
    input,
  });
}

describe('the program', () => {
  test('has no problem that shellcheck knows of', () => {
    const { stdout, status } = spawnSync('shellcheck', ['-'], { input: HOST_PROGRAM, encoding: 'utf8' });
    expect([stdout, status]).toEqual(['', 0]);
  });
  test('is made of every part there is', () => {
    for (const part of readdirSync(new URL('./host', import.meta.url)).filter((file) => file.endsWith('.sh'))) {
      const text = readFileSync(new URL(`./host/${part}`, import.meta.url), 'utf8');
      expect([part, HOST_PROGRAM.includes(text.replace(/^# shellcheck shell=bash\n/, ''))]).toEqual([part, true]);
    }
  });
  test('lies in the images of hosts as it is here; else run node scripts/host-program.ts', () => {
    expect(readFileSync(PROGRAM_FILE, 'utf8') === HOST_PROGRAM).toBe(true);
  });
  test('has a version that was raised for what it is; else run node scripts/host-program.ts', () => {
    expect(HOST_PROGRAM).toContain(
      `PROGRAM_VERSION=${HOST_PROGRAM_VERSION}\n# parts: ${fingerprintOf(HOST_PROGRAM)}\n`,
    );
  });
  test('has no double braces, which SSM would take for its own', () => {
    expect(HOST_PROGRAM.match(/\{\{|\}\}/g)).toBeNull();
  });
});

describe('the document', () => {
  const { mainSteps } = JSON.parse(DOCUMENT) as { mainSteps: { inputs: { runCommand: string[] } }[] };
  const lines = mainSteps[0]?.inputs.runCommand ?? [];

  test('has no double braces but those of its two parameters', () => {
    expect([...DOCUMENT.matchAll(/\{\{[^}]*\}\}/g)].map((m) => m[0]).sort()).toEqual([
      '{{ executionTimeout }}',
      '{{ payload }}',
    ]);
  });
  test('is below the 64 KB of SSM with its longest payload, and named by its content', () => {
    expect(Buffer.byteLength(DOCUMENT) + PAYLOAD_LIMIT).toBeLessThan(64 * 1024);
    expect(DOCUMENT_NAME).toMatch(/^Slipway-Deploy-[0-9a-f]{12}$/);
  });
  test('is understood by a POSIX shell, and unpacks to the program', () => {
    execFileSync('sh', ['-n'], { input: lines.join('\n') });
    const packed = lines.slice(lines.findIndex((line) => line.includes("<< 'PROGRAM'")) + 1, lines.indexOf('PROGRAM'));
    const text = execFileSync('sh', ['-c', 'base64 -d | gzip -d'], { input: packed.join('\n'), encoding: 'utf8' });
    expect(text === HOST_PROGRAM).toBe(true);
  });
  test('takes a payload as one word of base64', () => {
    const payload = encodePayload({ text: `a'b"$(id) {{x}} ü` });
    expect(payload).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toEqual({ text: `a'b"$(id) {{x}} ü` });
  });
});

const IMAGE = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@sha256:${'a'.repeat(64)}`;
const SPEC = { v: 1, component: 'web', release: '0123456789abcdef', image: IMAGE };

/** What is refused, and why. */
const REFUSED: readonly (readonly [over: object, problem: string | RegExp])[] = [
  [{ surprise: 1 }, 'surprise is not known to this host: its program is older than the action'],
  [{ release: undefined }, 'release is missing'],
  [{ v: 2 }, 'v does not fit: 2'],
  [{ component: '../etc' }, 'component does not fit: "../etc"'],
  [{ component: '-x' }, 'component does not fit: "-x"'],
  [{ image: 'nginx:latest' }, 'image does not fit: "nginx:latest"'],
  [{ http: { port: 80 } }, 'http does not fit: {"port":80}'],
  [{ http: { port: 0, 'container-port': 1 } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1, path: '/' } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1, hosts: ['a b'] } }, /^http does not fit/],
  [{ component: 'web\n' }, 'component does not fit: "web\\n"'],
  [{ http: { port: 80, 'container-port': 1, hosts: ['a.example\n'] } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1, 'health-path': '/\n' } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1, hosts: ['a}\n  bind :1'] } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1, 'health-path': 'health' } }, /^http does not fit/],
  [{ http: { port: 80, 'container-port': 1 }, publish: ['1:1'] }, /^http and publish do not go together/],
  [{ http: { port: 80, 'container-port': 1 }, networks: ['host'] }, /^http needs a network of its own/],
  [{ publish: ['80'] }, 'publish does not fit: ["80"]'],
  [{ env: { 'A=B': '' } }, /^env does not fit/],
  [{ env: { A: 1 } }, /^env does not fit/],
  [{ env: { A: 'x\0y' } }, /^env does not fit/],
  [{ secrets: [{ name: 'A', from: 'hunter2' }] }, /^secrets does not fit/],
  [{ secrets: [{ name: '../A', from: 'ssm:/x' }] }, /^secrets does not fit/],
  [{ secrets: [{ name: 'A', from: 'ssm:/x', as: 'argument' }] }, /^secrets does not fit/],
  [
    {
      secrets: [
        { name: 'A', from: 'ssm:/x' },
        { name: 'A', from: 'ssm:/y' },
      ],
    },
    /^secrets does not fit/,
  ],
  [{ volumes: ['--privileged'] }, /^volumes does not fit/],
  [{ memory: 'lots' }, 'memory does not fit: "lots"'],
  [{ restart: 'unless-stopped' }, /^restart does not fit/],
  [{ pids: 1.5 }, /^pids does not fit/],
  [{ 'stop-timeout': -1 }, /^stop-timeout does not fit/],
  [{ 'health-check': { test: [] } }, /^health-check does not fit/],
];

describe('a spec', () => {
  const problem = (over: object) => bash('spec_problem "$1"', [JSON.stringify({ ...SPEC, ...over })]).trim();
  let answers: string[] = [];
  beforeAll(() => {
    const specs = REFUSED.map(([over]) => JSON.stringify({ ...SPEC, ...over }));
    answers = bash('jq -r "$SPEC_RULES"', [], specs.join('\n')).split('\n');
  });

  test('with everything that the contract names is taken', () => {
    expect(
      problem({
        revision: 'abc',
        order: 'start-first',
        http: {
          port: 80,
          'container-port': 3000,
          hosts: ['a.example', '*.b.example'],
          'health-path': '/health?full=1',
        },
        env: { A: 'x\n$(id)' },
        secrets: [
          { name: 'A', from: 'ssm:/x/y', as: 'file' },
          { name: 'B', from: 'secretsmanager:prod/db#password', as: 'environment' },
          { name: 'C', from: 'secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf' },
        ],
        volumes: ['data:/data', '/srv/x:/x:ro'],
        tmpfs: ['/tmp:size=64m'],
        networks: ['app'],
        memory: '256m',
        cpus: '0.5',
        pids: 200,
        restart: 'on-failure',
        labels: { 'com.example.team': 'a b' },
        user: '1000:1000',
        entrypoint: '/bin/x',
        command: ['--flag', ''],
        'read-only': true,
        init: false,
        'cap-add': ['NET_ADMIN'],
        'cap-drop': ['ALL'],
        'extra-hosts': ['db:10.0.0.1'],
        ulimits: ['nofile=1024:2048'],
        'shm-size': '64m',
        hostname: 'h',
        'stop-signal': 'SIGQUIT',
        'stop-timeout': 30,
        'log-driver': 'awslogs',
        'log-options': { 'awslogs-group': 'g' },
        'health-check': { command: ['CMD', 'curl', 'x'], interval: 5, timeout: 2.5, retries: 3, 'start-period': 0 },
        'healthy-within': 120,
        'stable-for': 5,
        'drain-within': 30,
      }),
    ).toBe('');
  });

  test.each(REFUSED.map(([over, expected], i) => [over, expected, i] as const))('%j is refused', (_, expected, i) => {
    if (typeof expected === 'string') expect(answers[i]).toBe(expected);
    else expect(answers[i]).toMatch(expected);
  });

  test.each([
    [{}, 'stop-first'],
    [{ http: { port: 80, 'container-port': 1 } }, 'start-first'],
    [{ http: { port: 80, 'container-port': 1 }, order: 'stop-first' }, 'stop-first'],
    [{ order: 'start-first' }, 'start-first'],
    [{ order: 'start-first', publish: ['1:1'] }, 'stop-first'],
  ])('%j is deployed %s', (over, order) => {
    expect(bash('order_of "$1"', [JSON.stringify({ ...SPEC, ...over })]).trim()).toBe(order);
  });
});

describe('the arguments of docker create', () => {
  const created = (over: object) =>
    bash('jq -j --arg name web-1 --arg secrets /run/slipway/secrets/web-1 "$CREATE" <<< "$1"', [
      JSON.stringify({ ...SPEC, ...over }),
    ])
      .split('\0')
      .slice(0, -1);
  const plain = [
    ...['--name', 'web-1', '--restart', 'no'],
    ...['--label', 'slipway.component=web', '--label', 'slipway.container=web-1'],
    ...['--label', 'slipway.release=0123456789abcdef', '--label', `slipway.image=${IMAGE}`],
    ...[
      '--env',
      'SLIPWAY_COMPONENT=web',
      '--env',
      'SLIPWAY_REVISION=',
      '--env',
      `SLIPWAY_DIGEST=sha256:${'a'.repeat(64)}`,
    ],
    ...['--stop-timeout', '30', '--init'],
    ...['--log-driver', 'json-file', '--log-opt', 'max-size=10m', '--log-opt', 'max-file=3'],
  ];
  test('of a spec that says nothing', () => expect(created({})).toEqual(plain));
  test.each([
    [{ env: { A: `x "y" $(id)\n'z'` } }, ['--env', `A=x "y" $(id)\n'z'`]],
    [{ http: { port: 80, 'container-port': 3000 } }, ['--publish', '127.0.0.1::3000']],
    [{ publish: ['53:53/udp'] }, ['--publish', '53:53/udp']],
    [{ memory: '256m', cpus: '0.5', pids: 9 }, ['--memory', '256m', '--cpus', '0.5', '--pids-limit', '9']],
    [
      { secrets: [{ name: 'T', from: 'ssm:/t' }] },
      ['--volume', '/run/slipway/secrets/web-1/files:/run/secrets:ro', '--env', 'T_FILE=/run/secrets/T'],
    ],
    [{ secrets: [{ name: 'T', from: 'ssm:/t', as: 'environment' }] }, []],
    [{ 'read-only': true }, ['--read-only']],
    [{ 'cap-drop': ['ALL', 'x'] }, ['--cap-drop', 'ALL', '--cap-drop', 'x']],
    [
      { 'health-check': { command: ['CMD', 'curl', "it's"], interval: 1.5, retries: 2 } },
      ['--health-cmd', `'curl' 'it'\\''s'`, '--health-interval', '1500ms', '--health-retries', '2'],
    ],
    [{ 'health-check': { command: ['CMD-SHELL', 'a || b'] } }, ['--health-cmd', 'a || b']],
    [{ 'health-check': { command: ['NONE'] } }, ['--no-healthcheck']],
  ])('%j adds its own', (over, added) => {
    const seen = created(over);
    expect(plain.every((word) => seen.includes(word))).toBe(true);
    expect(seen.join('\0')).toContain(added.join('\0'));
    expect(seen).toHaveLength(plain.length + added.length);
  });
});

describe('the configuration of the proxy', () => {
  const records = [
    { spec: { ...SPEC, http: { port: 80, 'container-port': 1 } }, slot: 'blue', address: '127.0.0.1:32768' },
    {
      spec: {
        ...SPEC,
        component: 'api',
        order: 'stop-first',
        http: { port: 80, 'container-port': 1, hosts: ['API.example', '*.api.example'] },
      },
      slot: 'green',
      address: '127.0.0.1:32769',
    },
    { spec: { ...SPEC, component: 'bot' }, slot: '', address: '' },
  ];
  const render = (given: object[], tls = '') =>
    bash(
      'jq -r --arg bind "*" --arg tls "$1" --arg socket /run/x.sock --arg user "" "$PROXY_CONFIG"',
      [tls],
      JSON.stringify(given),
    );

  test('has a frontend for each port, the names of components that share it, and two servers for each', () => {
    const text = render(records);
    expect(text.match(/^frontend .*/gm)).toEqual(['frontend p_80']);
    expect(text).toContain('use_backend c_api if { req.hdr(host),field(1,:),lower -m str api.example }');
    expect(text).toContain('default_backend c_web\n');
    expect(text).toContain('  server blue 127.0.0.1:32768\n  server green 127.0.0.1:9 disabled\n');
    expect(text).toContain('  server blue 127.0.0.1:9 disabled\n  server green 127.0.0.1:32769\n');
    expect(text).not.toContain('bot');
  });
  test.each([[[]], [records], [records.slice(1)]])('is one that HAProxy takes', (given) => {
    const file = join(work, 'rendered.cfg');
    writeFileSync(file, render(given));
    const { status, stderr } = spawnSync('/usr/sbin/haproxy', ['-c', '-f', file], { encoding: 'utf8' });
    expect([status, stderr.includes('ALERT')]).toEqual([0, false]);
  });
  test('is one that HAProxy takes with a certificate', () => {
    const folder = join(work, 'tls');
    mkdirSync(folder);
    const { cert, key } = makeCertificate({ name: 'a.example' });
    writeFileSync(join(folder, 'a.pem'), cert + key);
    const file = join(work, 'tls.cfg');
    writeFileSync(file, render(records, `${folder}/`));
    const { status, stderr } = spawnSync('/usr/sbin/haproxy', ['-c', '-f', file], { encoding: 'utf8' });
    expect([status, stderr.includes('ALERT')]).toEqual([0, false]);
  });
  test('serves TLS beside port 80 when there are certificates, and alone on 443', () => {
    expect(render(records, '/etc/slipway/tls/').match(/^ {2}bind .*/gm)).toEqual([
      '  bind *:80',
      '  bind *:443 ssl crt /etc/slipway/tls/ alpn h2,http/1.1',
      '  bind abns@slipway-*-80 accept-proxy',
    ]);
    const own = [{ spec: { ...SPEC, http: { port: 443, 'container-port': 1 } }, slot: 'blue', address: '127.0.0.1:1' }];
    expect(render(own, '/etc/slipway/tls/').match(/^ {2}bind .*/gm)).toEqual([
      '  bind *:443 ssl crt /etc/slipway/tls/ alpn h2,http/1.1',
      '  bind abns@slipway-*-443 accept-proxy',
    ]);
  });
  test('asks for whole names first, then for the longest ending, whichever component is named first', () => {
    const named = (component: string, hosts: string[]) => ({
      spec: { ...SPEC, component, http: { port: 80, 'container-port': 1, hosts } },
    });
    const text = render([
      named('all', ['*.example']),
      named('eu', ['*.eu.example', 'example']),
      named('z', ['API.example']),
    ]);
    expect(
      text.match(/^ {2}use_backend c_.*/gm)?.map((line) =>
        line
          .replace(/use_backend|if|req\S+|-m|[{}]/g, '')
          .trim()
          .split(/ +/),
      ),
    ).toEqual([
      ['c_eu', 'str', 'example'],
      ['c_z', 'str', 'api.example'],
      ['c_eu', 'end', '.eu.example'],
      ['c_all', 'end', '.example'],
    ]);
  });
  test('has requests wait for a container that has no address yet', () => {
    const down = [{ spec: { ...SPEC, http: { port: 80, 'container-port': 1 } }, slot: 'green', address: '' }];
    expect(render(down)).toContain('  server blue 127.0.0.1:9 disabled\n  server green 127.0.0.1:9\n');
  });
  test.each([
    ['127.0.0.1:1', '0', true],
    ['127.0.0.1:1', '4', true],
    ['127.0.0.1:1', '8', false],
    ['127.0.0.1:2', '0', false],
  ])('a server at %s in administrative state %s takes requests: %s', (address, state, ready) => {
    const columns = `3 c_web 1 blue 127.0.0.1 2 ${state} 1 1 0 1 0 0 0 0 0 0 - 1 - 0 0 - - 0`;
    expect(bash('proxy_ready c_web blue "$1" && echo true || echo false', [address], columns).trim()).toBe(
      String(ready),
    );
  });
});

describe('masking', () => {
  test.each([
    ['a value', ['hunter2'], 'it is hunter2, hunter2!', 'it is ***, ***!'],
    ['a value of patterns', ['a*b?[c]'], 'x a*b?[c] axb', 'x *** axb'],
    ['a value that holds another', ['abc', 'abcdef'], 'abcdef abc', '*** ***'],
    ['each line of a value', ['line-1\nline-2'], 'line-2 then line-1', '*** then ***'],
    ['lines that end as on Windows', ['line-1\r\nline-2'], 'a line-1 b', 'a *** b'],
    ['nothing without secrets', [], 'as it is', 'as it is'],
  ])('%s', (_, values, text, expected) => {
    const write = values.map((_value, i) => `printf %s "$${i + 2}" > "$RUN/secrets/c/files/S${i}"`).join('; ');
    const line = `rm -rf "$RUN/secrets"; mkdir -p "$RUN/secrets/c/files" "$RUN/secrets/c/environment"; ${write || ':'}; printf %s "$1" | mask c`;
    expect(bash(line, [text, ...values]).trimEnd()).toBe(expected);
  });
});

describe('the log of a container', () => {
  test('has no half of a secret at the end of a line that is too long', () => {
    const line = `mkdir -p "$RUN/secrets/d/files"; printf hunter2 > "$RUN/secrets/d/files/S"
      dk() { printf '%1995s' ''; echo hunter2; }; last_lines d 1`;
    expect(bash(line).trim()).toBe('***');
  });
});

describe('a secret', () => {
  const read = (secret: object, from: string) =>
    bash(
      `mkdir -p "$WORK/bin" "$WORK/s/answers" "$WORK/s/files"; printf '#!/bin/sh\ncat "$WORK/answer"\n' > "$WORK/bin/aws"; chmod +x "$WORK/bin/aws"
       export WORK; PATH=$WORK/bin:$PATH; printf %s "$1" > "$WORK/answer"; own_secret() { :; }
       read_secret "$WORK/s" A "$2" file && od -An -tx1 "$WORK/s/files/A" | tr -d ' \n' || printf %s "$why"`,
      [JSON.stringify(secret), from],
    );
  test.each([
    ['of bytes is what it was', { SecretBinary: 'AP8KgA==' }, 'secretsmanager:x', '00ff0a80'],
    ['of text keeps its last newline', { SecretString: 'a\n' }, 'secretsmanager:x', '610a'],
    ['may be empty', { SecretString: '' }, 'secretsmanager:x', ''],
    ['of a key may be false', { SecretString: '{"k":false}' }, 'secretsmanager:x#k', '66616c7365'],
    [
      'of a key that is not there is none',
      { SecretString: '{"k":1}' },
      'secretsmanager:x#other',
      'the secret A cannot be read from secretsmanager:x#other: it has no such key',
    ],
  ])('%s', (_, secret, from, expected) => expect(read(secret, from)).toBe(expected));
});

describe('a record', () => {
  const begin = `mkdir -p "$STATE/components" "$STATE/lock"; rm -f "$STATE"/components/* "$STATE/booted"; component=web
    save() { printf '%s' "$2" > "$STATE/components/$1.json"; }; save web '{"spec":{"release":"1"},"container":"web-1","address":"127.0.0.1:5"}';`;
  test('stays as it was when the disk is full', () => {
    const line = `${begin} ln -s /dev/full "$STATE/components/web.json.new"; load_record
      save_record '{"spec":{"release":"2"}}' || echo "$why"; cat "$STATE/components/web.json"`;
    expect(bash(line)).toMatch(
      /^the record \S+web.json cannot be written; is the disk full\?\n\{"spec":\{"release":"1"\}/,
    );
  });
  test('is none, in one list, on a host that has none yet', () => {
    expect(bash(`${begin} rm "$STATE"/components/*; records`)).toBe('[]\n');
  });
  test('is never replaced by nothing', () => {
    expect(bash(`${begin} load_record; save_record '' || cat "$STATE/components/web.json"`)).toContain('"release":"1"');
  });
  test.each(['', '{"spec":', '[]', '{"spec":1}'])(
    'that is damaged (%j) is set aside, and takes no other one along',
    (text) => {
      const line = `${begin} save api "$1"; records; component=api; load_record 2>&1; echo "$current$record"; cat "$STATE/components/api.unreadable"`;
      const [others, alarm, ...rest] = bash(line, [text]).split('\n');
      expect(JSON.parse(others ?? '')).toHaveLength(1);
      expect(alarm).toMatch(/^slipway-alarm: the record of api was not readable/);
      expect(rest.join('\n')).toBe(`{}\n${text}`);
    },
  );
  test('has no address from before a boot, which may be another component’s by now', () => {
    const address = 'jq -r .address "$STATE/components/web.json"';
    const line = `${begin} forget_addresses; ${address}; save web '{"spec":{},"container":"c","address":"127.0.0.1:6"}'; forget_addresses; ${address}`;
    expect(bash(line)).toBe('\n127.0.0.1:6\n');
  });
});

describe('a container that dies', () => {
  const line = `mkdir -p "$STATE/components"; printf '{"container":"web-1"}' > "$STATE/components/web.json"
    declare -A due=() deaths=() died_at=()
    for ((i = 0; i < 12; i++)); do died web "$1" 2>&1; look_at_clock; echo "$((\${due[web]:--5000} - now))"; done`;
  test('is started again at once, then ever later, and alarmed in the end', () => {
    const lines = bash(line, ['web-1']).trim().split('\n');
    // A second may pass between the two looks at the clock.
    const expected = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];
    for (const [i, seconds] of expected.entries()) expect([seconds, seconds - 1]).toContain(Number(lines[i]));
    expect(lines[10]).toBe('slipway-alarm: web has died 11 times in a row; it is started again only every 300 s');
  });
  test('is left alone when it is not the current one', () => {
    expect(Number(bash(line, ['web-0']).split('\n')[0])).toBeLessThan(-1000);
  });
});

describe('what is no order ends with 64', () => {
  test.each([
    ['not base64', '%%%', 'no base64 of a JSON object'],
    ['no object', Buffer.from('[1]').toString('base64'), 'no base64 of a JSON object'],
    [
      'an unknown key',
      encodePayload({ v: 1, operation: 'status', component: 'web', sudo: true }),
      'does not know: sudo',
    ],
    ['another version', encodePayload({ v: 2, operation: 'status', component: 'web' }), 'of a version that this host'],
    ['a strange name', encodePayload({ v: 1, operation: 'status', component: '../x' }), "the component's name is"],
    ['a strange group', encodePayload({ v: 1, operation: 'status', component: 'x', group: 'a/b' }), "group 'a/b'"],
    [
      'another spec',
      encodePayload({ v: 1, operation: 'deploy', component: 'x', spec: SPEC }),
      'the spec is of web, not of x',
    ],
  ])('%s', (_, payload, cause) => {
    const { status, stdout } = spawnSync(
      'bash',
      ['--norc', '-c', '. "$LIBRARY"; STATE=$WORK RUN=$WORK; read_payload; check_spec'],
      {
        env: { PATH: process.env.PATH, LIBRARY: library, WORK: work, payload },
        encoding: 'utf8',
      },
    );
    const line = /^slipway-result (.*)$/m.exec(stdout)?.[1] ?? '';
    expect([status, JSON.parse(Buffer.from(line, 'base64').toString()).cause]).toEqual([
      64,
      expect.stringContaining(cause),
    ]);
  });
});
