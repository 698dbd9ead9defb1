import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { readInputs } from '../../lib/inputs.ts';
import { combine } from './combine.ts';
import { decideWrite, goalOf, isUnfinished, parameterValue, placeOf } from './desired.ts';
import { DOCUMENT, DOCUMENT_NAME, PAYLOAD_LIMIT } from './document.ts';
import { invented } from './fleet/follow.ts';
import { livelyMs, nextWait } from './fleet/pace.ts';
import { countOf, standing, wavesOf } from './fleet/waves.ts';
import { type HostResult, hostResult, STDOUT_LIMIT, statusOf } from './host-result.ts';
import { fields } from './inputs.ts';
import { encodePayload } from './payload.ts';
import { bytesOf, fleetOf, unfit } from './preflight.ts';
import { specOf } from './spec/from-inputs.ts';
import { specText } from './spec/spec.ts';
import { hostStatus } from './status.ts';
import { parseTargets } from './targets.ts';

type Given = Record<string, string>;
const IMAGE = `registry.test/bot@sha256:${'a'.repeat(64)}`;
const inputs = (given: Given) =>
  readInputs(fields, (name) => ({ component: 'bot', image: IMAGE, ...given })[name] ?? '');
const spec = (given: Given = {}) => specOf(inputs(given));
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const host = (status: HostResult['status'], instance = 'i-1', cause = 'c') => invented(instance, status, cause);

describe('targets', () => {
  test.each([
    [['tag:Role=docker-host'], [{ key: 'tag:Role', values: ['docker-host'] }]],
    [
      ['tag:A=x', 'tag:B=y=z'],
      [
        { key: 'tag:A', values: ['x'] },
        { key: 'tag:B', values: ['y=z'] },
      ],
    ],
    [['tag:A=x', 'tag:A=y', 'tag:A=x'], [{ key: 'tag:A', values: ['x', 'y'] }]],
    [['i-0123456789abcdef0', 'i-0123456789abcdef0'], [{ key: 'InstanceIds', values: ['i-0123456789abcdef0'] }]],
    [['i-0123456789abcdef0', 'mi-01234567'], [{ key: 'InstanceIds', values: ['i-0123456789abcdef0', 'mi-01234567'] }]],
  ])('%j', (lines, targets) => {
    expect(parseTargets(lines)).toEqual(targets);
  });
  test.each([
    [[], /it is empty/],
    [['docker-host'], /"docker-host": it is neither tag:NAME=VALUE nor an instance id/],
    [['tag:A=x', 'i-0123456789abcdef0'], /not both/],
  ])('%j is refused', (lines, message) => {
    expect(() => parseTargets(lines)).toThrow(message);
  });
});

describe('where the desired state is kept', () => {
  test.each<[string[], Given, string]>([
    [['tag:Role=docker-host'], { environment: 'prod' }, '/slipway/prod/docker-host/bot'],
    [['tag:Role=docker-host'], { environment: 'prod', group: 'eu' }, '/slipway/prod/eu/bot'],
    [['tag:A=x', 'tag:B=y'], {}, '/slipway/default/bot/bot'],
    [['i-0123456789abcdef0'], { name: 'web' }, '/slipway/default/web/web'],
  ])('%j %j', (lines, given, expected) => {
    const read = inputs(given);
    expect(placeOf(read, read.name || 'bot', parseTargets(lines)).parameter).toBe(expected);
  });
  test('a tag that could be no part of it asks for a group', () => {
    expect(() => placeOf(inputs({}), 'bot', parseTargets(['tag:Role=docker host']))).toThrow(
      /host group is "docker host": .*Set `group`/,
    );
  });
  test('a value over 8 KB is refused, and the largest part named', () => {
    const large = spec({ 'environment-variables': `A=${'x'.repeat(9000)}` });
    expect(() => parameterValue(large)).toThrow(
      /is "\d+ bytes": a parameter holds 8192 at most, and `env` alone takes 90\d\d/,
    );
    expect(parameterValue(spec({ 'environment-variables': `A=${'x'.repeat(7000)}` })).length).toBeLessThan(8192);
  });
});

describe('whether the desired state is written', () => {
  const ours = { value: specText(spec()), release: spec().release };
  const theirs = specText(spec({ memory: '1g' }));
  const v = (version: number, value: string) => ({ version, value });
  test.each([
    ['there is none', undefined, undefined, { do: 'write' }],
    ['it is another', v(3, theirs), v(3, theirs), { do: 'write' }],
    ['it is the same', v(3, ours.value), v(3, ours.value), { do: 'leave' }],
    ['another run has written the same', undefined, v(1, ours.value), { do: 'leave' }],
    [
      'another run has written another release',
      v(3, ours.value),
      v(4, theirs),
      { do: 'yield', release: spec({ memory: '1g' }).release },
    ],
    [
      'another run was the first to write',
      undefined,
      v(1, theirs),
      { do: 'yield', release: spec({ memory: '1g' }).release },
    ],
    [
      'another run has written the release with other times',
      v(3, theirs),
      v(4, specText(spec({ 'stable-for': '9s' }))),
      { do: 'write' },
    ],
    [
      'somebody has written something else',
      v(3, theirs),
      v(4, 'x'),
      { do: 'yield', release: 'something that is no release' },
    ],
  ])('%s', (_, base, now, expected) => {
    expect(decideWrite(base, now, ours)).toEqual(expected);
  });
});

describe('what a rollback goes back to', () => {
  const [a, b, c] = ['1m', '2m', '3m'].map((memory) => spec({ memory }));
  const history = [c, b, c, a].map((one, i) => ({ version: 4 - i, value: one ? specText(one) : '' }));
  test.each([
    ['the newest that is not the current', '', b],
    ['the one that is named', a?.release ?? '', a],
    ['by its whole fingerprint', `${a?.release}${'0'.repeat(48)}`, a],
    ['one that is not there', '0'.repeat(16), undefined],
  ])('%s', (_, wanted, expected) => {
    expect(goalOf(history, c?.release, wanted)?.spec).toEqual(expected);
  });
  test.each<[string, string[], boolean]>([
    ['all serve what is written down', [c?.release ?? '', c?.release ?? ''], false],
    ['one lags behind', [c?.release ?? '', a?.release ?? ''], false],
    ['one does not tell', [''], false],
    ['one serves what was never written down', [c?.release ?? '', 'f'.repeat(16)], true],
  ])('whether a deployment has not come to its end: %s', (_, served, expected) => {
    expect(isUnfinished(history, served)).toBe(expected);
  });
  test('what is no spec is passed over', () => {
    expect(goalOf([{ version: 2, value: 'x' }, ...history.slice(3)], 'x', '')?.spec).toEqual(a);
  });
});

describe('waves', () => {
  const hosts = Array.from({ length: 120 }, (_, i) => `i-${i}`);
  const pace = { maxConcurrency: '1', maxErrors: '0', gate: true };
  test.each([
    ['one host gates nobody', 1, pace, [[1, 1, false]]],
    [
      'the first alone, then the rest',
      3,
      pace,
      [
        [1, 1, true],
        [2, 1, false],
      ],
    ],
    ['without a gate', 3, { ...pace, gate: false, maxConcurrency: '50%' }, [[3, 2, false]]],
    [
      'a percentage is of all hosts',
      5,
      { ...pace, maxConcurrency: '50%' },
      [
        [1, 1, true],
        [4, 3, false],
      ],
    ],
    [
      'fifty ids a command',
      120,
      { ...pace, maxConcurrency: '10%' },
      [
        [1, 1, true],
        [50, 12, false],
        [50, 12, false],
        [19, 12, false],
      ],
    ],
    [
      'never none at once',
      3,
      { ...pace, maxConcurrency: '0' },
      [
        [1, 1, true],
        [2, 1, false],
      ],
    ],
  ])('%s', (_, count, given, expected) => {
    const waves = wavesOf(hosts.slice(0, count), given);
    expect(waves.map((w) => [w.hosts.length, w.atOnce, w.gate])).toEqual(expected);
    expect(waves.flatMap((w) => w.hosts)).toEqual(hosts.slice(0, count));
  });

  test.each([
    ['1', 1, 1],
    ['25%', 2, 1],
    ['100%', 5, 5],
    ['0', 0, 0],
    ['1%', 1, 0],
  ])('%s of 5 hosts is %d at once, and %d that may fail', (limit, atOnce, mayFail) => {
    expect([countOf(limit, 5, 'up'), countOf(limit, 5, 'down')]).toEqual([atOnce, mayFail]);
  });

  test.each([
    ['all is well', [host('succeeded', 'i-0'), host('unchanged')], 0, { left: 0, halt: '' }],
    [
      'the first did not do well',
      [host('rolled-back', 'i-0')],
      5,
      { left: 0, halt: expect.stringContaining('i-0, the first host') },
    ],
    [
      'one more than may fail',
      [host('succeeded', 'i-0'), host('failed')],
      0,
      { left: -1, halt: expect.stringContaining('too many') },
    ],
    ['as many as may fail', [host('succeeded', 'i-0'), host('failed')], 1, { left: 0, halt: '' }],
  ])('%s', (_, results, mayFail, expected) => {
    expect(standing(results, 'i-0', mayFail)).toEqual(expected);
  });
});

describe('the wait for the next look', () => {
  test.each([
    [0, 1000, 1000],
    [59_000, 1000, 1000],
    [61_000, 1000, 1250],
    [61_000, 4500, 5000],
    [3_600_000, 5000, 5000],
    [0, 5000, 1000],
  ])('%d ms after something moved, after a wait of %d ms: %d ms', (still, previous, expected) => {
    expect(nextWait(still, previous)).toBe(expected);
  });
});

describe('how long nothing may move', () => {
  const times = { 'healthy-within': '4m', 'drain-within': '30s', 'stop-timeout': '30s' };
  test.each([
    ['a question', { operation: 'status' as const }, 60_000],
    ['a restart', { operation: 'restart' as const }, 240_000],
    ['a deployment: as long as its container may take', { operation: 'deploy' as const, spec: spec(times) }, 360_000],
    ['ten minutes at most', { operation: 'deploy' as const, spec: spec({ 'healthy-within': '1h' }) }, 600_000],
  ])('%s', (_, payload, expected) => {
    expect(livelyMs(payload)).toBe(expected);
  });
});

describe('preflight', () => {
  const agent = (instance: string, online = true) => ({ instance, online, version: '3.3' });
  const tag = parseTargets(['tag:Role=x']);
  const ids = parseTargets(['i-0000000000000001', 'i-0000000000000002']);
  test('hosts in order, and those that do not answer', () => {
    expect(fleetOf([agent('i-2'), agent('i-3', false), agent('i-1')], tag, undefined)).toEqual({
      online: ['i-1', 'i-2'],
      offline: ['i-3'],
    });
  });
  test.each([
    ['nobody', [], tag, undefined, /no host with an online SSM agent matches\./],
    ['nobody online', [agent('i-1', false)], tag, undefined, /no host .* matches; offline: i-1/],
    [
      'fewer than the minimum',
      [agent('i-1'), agent('i-2', false)],
      tag,
      2,
      /only 1 of at least 2 hosts are online; offline: i-2/,
    ],
    [
      'an id that SSM does not know',
      [agent('i-0000000000000001')],
      ids,
      undefined,
      /only 1 of at least 2 .*offline: i-0000000000000002/,
    ],
  ])('%s', (_, agents, targets, minimum, message) => {
    expect(() => fleetOf(agents, targets, minimum)).toThrow(message);
  });
  test('fewer than named may be enough, when told', () => {
    expect(fleetOf([agent('i-0000000000000001')], ids, 1).online).toHaveLength(1);
  });

  const withDisk = (free: number | undefined) => ({
    ...host('succeeded'),
    facts: { diskFree: free, engine: '28', agent: '', program: '', containers: [] },
  });
  test.each([
    ['room enough', withDisk(2 ** 30), []],
    ['none told', withDisk(undefined), []],
    [
      'too little room',
      withDisk(2 ** 29),
      ["docker's disk has 512 MB free, and minimum-disk asks for 1,024 MB; run the operation prune"],
    ],
    ['no engine', host('failed', 'i-1', 'the docker engine does not answer'), ['the docker engine does not answer']],
    ['too late', host('timed-out', 'i-1', 'the agent did not take it'), ['the agent did not take it']],
  ])('%s', (_, result, causes) => {
    expect(unfit([result], bytesOf('1g')).map((u) => u.cause)).toEqual(causes);
  });
  test.each([
    ['1g', 2 ** 30],
    ['512m', 2 ** 29],
    ['1.5k', 1536],
    ['100', 100],
    ['7B', 7],
  ])('%s is %d bytes', (size, bytes) => {
    expect(bytesOf(size)).toBe(bytes);
  });
});

describe('the document', () => {
  test('has no double braces but those of its two parameters', () => {
    expect([...DOCUMENT.matchAll(/\{\{[^}]*\}\}/g)].map((m) => m[0]).sort()).toEqual([
      '{{ executionTimeout }}',
      '{{ payload }}',
    ]);
  });
  test('fits with its payload into the 64 KB of SSM, and is named by its content', () => {
    expect(Buffer.byteLength(DOCUMENT)).toBeLessThan(64 * 1024 - PAYLOAD_LIMIT);
    expect(DOCUMENT_NAME).toMatch(/^Slipway-Deploy-[0-9a-f]{12}$/);
  });
  test('its script is understood by a shell', () => {
    const { mainSteps } = JSON.parse(DOCUMENT) as { mainSteps: { inputs: { runCommand: string[] } }[] };
    execFileSync('bash', ['-n'], { input: mainSteps[0]?.inputs.runCommand.join('\n') ?? 'exit 1' });
  });
});

describe('the payload', () => {
  const payload = (given: Given) => ({
    v: 1 as const,
    operation: 'deploy' as const,
    component: 'bot',
    environment: 'dev',
    group: 'g',
    region: 'eu-central-1',
    base: 0,
    spec: spec(given),
  });
  test('every byte of a value reaches the host as data', () => {
    const value = `a'b"c $(touch /tmp/x) \`id\` \\ {{payload}} ü\t.`;
    const word = encodePayload(payload({ 'environment-variables': `V=${value}` }));
    expect(word).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(JSON.parse(Buffer.from(word, 'base64').toString())).toMatchObject({ spec: { env: { V: value } } });
  });
  test('the largest that a parameter could hold fits into a command', () => {
    expect(encodePayload(payload({ 'environment-variables': `V=${'x'.repeat(7500)}` })).length).toBeLessThan(
      PAYLOAD_LIMIT,
    );
  });
  test('more is refused before anything is sent', () => {
    expect(() => encodePayload(payload({ 'environment-variables': `V=${'x'.repeat(30_000)}` }))).toThrow(
      /over the \d+ bytes that an SSM command takes/,
    );
  });
});

describe('what a host did', () => {
  const invocation = {
    commandId: 'c',
    instance: 'i-1',
    statusDetails: 'Success',
    exitCode: 0,
    stdout: '',
    stderr: '',
    stdoutUrl: '',
    startedAt: 1,
    ms: 2,
  };
  const line = (state: string, more: object = {}) =>
    `slipway-step pull a layer\nslipway-result ${encoded({ state, cause: '', ...more })}\n`;
  const failed = { statusDetails: 'Failed', exitCode: 1 };
  test.each<[string, Partial<typeof invocation>, string, string]>([
    ['its own word counts', { stdout: line('succeeded') }, 'succeeded', ''],
    ['unchanged', { stdout: line('unchanged', { cause: 'it runs' }) }, 'unchanged', 'it runs'],
    ['rolled back', { ...failed, stdout: line('rolled-back', { cause: 'exit code 1' }) }, 'rolled-back', 'exit code 1'],
    ['Success without a result line is no success', {}, 'failed', 'the command ended as Success with exit code 0'],
    [
      'nor is a made-up state',
      { stdout: line('fine') },
      'failed',
      'the command ended as Success with exit code 0: slipway-step pull a layer',
    ],
    [
      'nor a line that is no base64 of JSON',
      { stdout: 'slipway-result x' },
      'failed',
      'the command ended as Success with exit code 0',
    ],
    [
      'a container’s own line is no result',
      { stdout: `slipway-log slipway-result ${encoded({ state: 'succeeded' })}` },
      'failed',
      'the command ended as Success with exit code 0',
    ],
    ['an output that SSM cut', { stdout: 'x'.repeat(STDOUT_LIMIT) }, 'succeeded', ''],
    ['an output that was cut by its bytes', { stdout: `${'ü'.repeat(STDOUT_LIMIT / 2 - 1)}\ufffd` }, 'succeeded', ''],
    [
      'an output that SSM cut, of one that failed',
      { ...failed, stdout: 'x\n'.repeat(STDOUT_LIMIT / 2) },
      'failed',
      'the command ended as Failed with exit code 1: x',
    ],
    [
      'offline',
      { statusDetails: 'Undeliverable' },
      'failed',
      'the command could not be delivered: the agent is not online',
    ],
    ['not taken', { statusDetails: 'DeliveryTimedOut' }, 'timed-out', 'the agent did not take the command in time'],
    [
      'not taken, in the words of the console',
      { statusDetails: 'Delivery Timed Out' },
      'timed-out',
      'the agent did not take the command in time',
    ],
    [
      'too slow',
      { statusDetails: 'ExecutionTimedOut' },
      'timed-out',
      'the command ran longer than its time-out and was ended',
    ],
    ['cancelled', { statusDetails: 'Cancelled' }, 'stopped', 'the command was cancelled'],
    [
      'cancelled after its result',
      { statusDetails: 'Cancelled', stdout: line('succeeded') },
      'stopped',
      'the command was cancelled',
    ],
    ['not tried', { statusDetails: 'Terminated' }, 'stopped', 'not tried, because too many hosts before it had failed'],
    [
      'denied',
      { statusDetails: 'AccessDenied' },
      'denied',
      'the role of this run may not send our document to this host',
    ],
    ['no Linux', { statusDetails: 'InvalidPlatform' }, 'failed', 'the host is no Linux, which the document needs'],
    ['too many at once', { statusDetails: 'RateExceeded' }, 'failed', 'the account runs too many commands at once'],
    ['the lock', { ...failed, exitCode: 75 }, 'failed', 'another deployment holds the lock on this host'],
    ['no engine', { ...failed, exitCode: 69 }, 'failed', 'the docker engine does not answer on this host'],
    [
      'a payload of another time',
      { ...failed, exitCode: 64 },
      'failed',
      'the host program does not understand what it was sent',
    ],
    [
      'a script that died says its last line',
      { ...failed, exitCode: 2, stderr: 'boom\n' },
      'failed',
      'the command ended as Failed with exit code 2: boom',
    ],
    ['what nobody knows', { statusDetails: 'Novel' }, 'failed', 'the command ended as Novel with exit code 0'],
  ])('%s', (_, over, status, cause) => {
    expect(hostResult({ ...invocation, ...over })).toMatchObject({ status, cause });
  });

  test('everything that the result line tells', () => {
    const told = {
      image: IMAGE,
      previous: 'p',
      release: 'r',
      'previous-release': 'q',
      next: 'look',
      steps: [{ name: 'pull', ms: 812 }],
      logs: ['last words'],
      facts: { 'disk-free': 5, engine: '28', program: 7, containers: [{ component: 'bot', state: 'running' }] },
    };
    expect(hostResult({ ...invocation, stdout: line('succeeded', told) })).toMatchObject({
      image: IMAGE,
      previous: 'p',
      release: 'r',
      previousRelease: 'q',
      next: 'look',
      steps: [{ name: 'pull', ms: 812 }],
      logs: ['last words'],
      output: ['slipway-step pull a layer'],
      facts: {
        diskFree: 5,
        engine: '28',
        program: '7',
        containers: [{ component: 'bot', state: 'running', health: '' }],
      },
    });
  });

  test('the lines of a container are its log, and secrets in them are hidden', () => {
    const stdout = `slipway-log a\nslipway-log password=hunter2\n${line('succeeded', { logs: ['z'] })}`;
    expect(hostResult({ ...invocation, stdout }).logs).toEqual(['a', 'password=(hidden)']);
  });

  test.each([
    ['Pending', false],
    ['InProgress', false],
    ['Delayed', false],
    ['Cancelling', false],
    ['', false],
    ['Success', true],
    ['Failed', true],
    ['Cancelled', true],
    ['TimedOut', true],
    ['Execution Timed Out', true],
    ['Undeliverable', true],
    ['Terminated', true],
  ])('%s is the end: %s', (words, ended) => {
    expect(statusOf(words).ended).toBe(ended);
  });
});

describe('all hosts together', () => {
  test.each([
    [[host('succeeded'), host('unchanged')], 'succeeded'],
    [[host('unchanged'), host('unchanged')], 'unchanged'],
    [[host('succeeded'), host('rolled-back')], 'rolled-back'],
    [[host('rolled-back'), host('failed')], 'failed'],
    [[host('stopped'), host('timed-out')], 'timed-out'],
    [[host('stopped'), host('rolled-back')], 'rolled-back'],
    [[], 'failed'],
  ] as const)('%#', (hosts, status) => {
    expect(combine(hosts).status).toBe(status);
  });
  test('a mix of versions is said', () => {
    expect(combine([host('succeeded'), host('rolled-back', 'i-2')])).toMatchObject({
      cause: 'i-2: c',
      next: expect.stringContaining('1 of 2 hosts run the new version'),
    });
  });
});

describe('what a host serves', () => {
  const desired = spec();
  const serving = (over: object = {}): HostResult => ({
    ...host('succeeded', 'i-1', ''),
    facts: {
      diskFree: 1,
      engine: '28',
      agent: '',
      program: '1',
      containers: [
        {
          name: 'old',
          component: 'bot',
          role: 'previous',
          image: 'o',
          release: 'o',
          state: 'exited',
          health: '',
          since: '',
          port: '',
        },
        {
          name: 'x',
          component: 'other',
          role: 'current',
          image: 'x',
          release: 'x',
          state: 'running',
          health: '',
          since: '',
          port: '',
        },
        {
          name: 'n',
          component: 'bot',
          role: 'current',
          image: IMAGE,
          release: desired.release,
          state: 'running',
          health: 'healthy',
          since: 's',
          port: '80',
          ...over,
        },
      ],
    },
  });
  test.each<[string, HostResult, typeof desired | undefined, string]>([
    ['what it should', serving(), desired, ''],
    [
      'another release',
      serving({ release: 'f00' }),
      desired,
      `it serves release f00, and ${desired.release} is the desired state`,
    ],
    [
      'another image',
      serving({ image: IMAGE.replace(/a{64}/, 'b'.repeat(64)) }),
      desired,
      `it serves sha256:${'b'.repeat(64)}, and sha256:${'a'.repeat(64)} is the desired state`,
    ],
    ['something unhealthy', serving({ health: 'unhealthy' }), desired, 'its container is unhealthy'],
    ['something that has ended', serving({ state: 'exited' }), desired, 'its container is exited'],
    ['nothing', host('failed', 'i-1', 'no container of bot runs here'), desired, 'no container of bot runs here'],
    ['what nobody has written down', serving(), undefined, 'it serves something, and no desired state is written down'],
  ])('%s', (_, result, wanted, drift) => {
    expect(hostStatus(result, 'bot', wanted).drift).toBe(drift);
  });
});
