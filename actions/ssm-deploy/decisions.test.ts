import { describe, expect, test } from '@jest/globals';
import { readInputs } from '../../lib/inputs.ts';
import { combine, type HostResult, hostResult } from './host-result.ts';
import { fields } from './inputs.ts';
import { containerOf, payloadOf, releaseFingerprint } from './payload.ts';
import { parseTargets } from './targets.ts';

const IMAGE = `127.0.0.1:5000/sample-bot@sha256:${'a'.repeat(64)}`;
const b64 = (text: string) => Buffer.from(text).toString('base64');
const inputs = (given: Record<string, string>) =>
  readInputs(fields, (name) => ({ component: 'bot', image: IMAGE, ...given })[name] ?? '');
const timing = { stableMs: 5000, healthyMs: 120_000 };

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

describe('the container', () => {
  test.each([
    [{ image: 'nginx:latest' }, /a tag may move between two hosts/],
    [{ component: '' }, /input 'name': it is empty/],
    [{ name: '-rf' }, /input 'name' is "-rf"/],
    [{ port: '80' }, /input 'port' is "80"/],
    [{ secrets: 'TOKEN=hunter2' }, /^input 'secrets', TOKEN: it is not a reference/],
    [{ secrets: 'A B=${ssm:/x}' }, /NAME=value/],
  ])('%j is refused', (given, message) => {
    expect(() => containerOf(inputs(given as Record<string, string>))).toThrow(message);
  });

  test('a refused secret is not repeated', () => {
    expect(() => containerOf(inputs({ secrets: 'TOKEN=hunter2' }))).not.toThrow(/hunter2/);
  });

  test('a published port forces stop-first', () => {
    expect(containerOf(inputs({ port: '80:8080', order: 'start-first' })).order).toBe('stop-first');
  });

  test('the fingerprint knows everything that changes the container, and not the registry or the order of lines', () => {
    const of = (given: Record<string, string>) => releaseFingerprint(containerOf(inputs(given)));
    const base = of({ 'environment-variables': 'A=1\nB=2' });
    expect(of({ 'environment-variables': 'B=2\nA=1', image: IMAGE.replace('127.0.0.1:5000', 'other.test') })).toBe(
      base,
    );
    const others = [
      { 'environment-variables': 'A=1\nB=3' },
      { image: IMAGE.replace('aaa', 'bbb') },
      { memory: '1g' },
      { volumes: '/a:/b' },
      { secrets: 'T=${ssm:/t}' },
    ];
    for (const other of others) expect(of({ 'environment-variables': 'A=1\nB=2', ...other })).not.toBe(base);
  });

  test('every byte of a value reaches the host as data', () => {
    const value = `a'b"c $(touch /tmp/x) \`id\` \\ {{payload}} ü\t`;
    const payload = payloadOf(
      'deploy',
      containerOf(inputs({ 'environment-variables': `V=${value.trimEnd()}` })),
      timing,
    );
    expect(payload).toMatch(/^[A-Za-z0-9+/=]+$/);
    const { spec } = JSON.parse(Buffer.from(payload, 'base64').toString());
    expect(spec.env).toEqual({ V: value.trimEnd() });
  });

  test('options too large for a command are refused before anything is sent', () => {
    expect(() =>
      payloadOf('deploy', containerOf(inputs({ 'environment-variables': `V=${'x'.repeat(30_000)}` })), timing),
    ).toThrow(/over the 16000 bytes/);
  });
});

describe('what a host did', () => {
  const invocation = { instance: 'i-1', statusDetails: 'Success', exitCode: 0, stdout: '', stderr: '', ms: 1 };
  const line = (state: string, cause = '') =>
    `pulling\nslipway-result ${b64(JSON.stringify({ state, cause, image: 'x@y', previous: '' }))}\n`;
  test.each([
    ['its own word counts', { stdout: line('succeeded') }, 'succeeded', ''],
    ['unchanged', { stdout: line('unchanged', 'it runs') }, 'unchanged', 'it runs'],
    [
      'rolled back',
      { stdout: line('rolled-back', 'exit code 1'), statusDetails: 'Failed', exitCode: 1 },
      'rolled-back',
      'exit code 1',
    ],
    ['Success without a result line is no success', {}, 'failed', 'the command ended as Success with exit code 0'],
    [
      'a made-up state is no success',
      { stdout: line('fine') },
      'failed',
      'the command ended as Success with exit code 0: pulling',
    ],
    [
      'offline',
      { statusDetails: 'Undeliverable' },
      'failed',
      'the command could not be delivered: the agent is not online',
    ],
    ['too slow', { statusDetails: 'ExecutionTimedOut' }, 'timed-out', 'the command ran longer than its time-out'],
    ['cancelled', { statusDetails: 'Cancelled' }, 'stopped', 'the command was cancelled'],
    ['not tried', { statusDetails: 'Terminated' }, 'stopped', 'not tried, because too many hosts before it had failed'],
    [
      'a script that died says its last line',
      { statusDetails: 'Failed', exitCode: 2, stderr: 'boom\n' },
      'failed',
      'the command ended as Failed with exit code 2: boom',
    ],
  ])('%s', (_, over, status, cause) => {
    expect(hostResult({ ...invocation, ...over })).toMatchObject({ status, cause });
  });
});

describe('all hosts together', () => {
  const host = (status: HostResult['status'], instance = 'i-1'): HostResult => ({
    instance,
    status,
    cause: 'c',
    image: '',
    previous: '',
    exitCode: 0,
    ms: 0,
    output: [],
  });
  test.each([
    [[host('succeeded'), host('unchanged')], 'succeeded'],
    [[host('unchanged'), host('unchanged')], 'unchanged'],
    [[host('succeeded'), host('rolled-back')], 'rolled-back'],
    [[host('rolled-back'), host('failed')], 'failed'],
    [[host('stopped'), host('timed-out')], 'timed-out'],
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
