import { describe, expect, test } from '@jest/globals';
import { readInputs } from '../../lib/inputs.ts';
import { fields } from './inputs.ts';
import type { Note } from './note.ts';
import { specOf } from './spec/from-inputs.ts';
import { type Spec, specText } from './spec/spec.ts';
import { GIVEN, hostsOf, IMAGE, PARAMETER, type Played, play } from './test/play.ts';
import { bucket, died, type End, good, type Script } from './test/scripted-ssm.ts';

// Decisions over time, against a scripted SSM: real HTTP and real clients on a clock that jumps.

const specWith = (given: Record<string, string>): Spec =>
  specOf(readInputs(fields, (name) => ({ ...GIVEN, ...given })[name] ?? ''));
const NEW = specWith({});
const OLD = specWith({ image: IMAGE.replace(/a{64}/, 'b'.repeat(64)) });
const OLDER = specWith({ image: IMAGE.replace(/a{64}/, 'c'.repeat(64)) });

const [ONE, TWO, THREE] = ['i-00000000000000001', 'i-00000000000000002', 'i-00000000000000003'] as const;
const three = (over: Script['hosts'] = {}): Script => ({ hosts: { [ONE]: {}, [TWO]: {}, [THREE]: {}, ...over } });
const one = (does?: Script['hosts'][string]['does']): Script => ({ hosts: { [ONE]: does ? { does } : {} } });
const on = (operation: string, end: End) => ({
  does: (payload: Parameters<typeof good>[0]) => (payload.operation === operation ? end : good(payload)),
});
const commands = ({ ssm }: Played) =>
  ssm.sent.map((s) => `${s.payload.operation} ${s.hosts.map((h) => h.at(-1)).join('')}`);
const outcome = ({ report }: Played) => report.outcome.status;

describe('a deployment', () => {
  test('to one host: told what to run, and written down afterwards', async () => {
    const played = await play(one());
    expect(played.report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(commands(played)).toEqual(['deploy 1']);
    expect(played.ssm.sent[0]?.payload).toEqual({
      v: 1,
      operation: 'deploy',
      component: 'bot',
      environment: 'dev',
      group: 'docker-host',
      region: 'eu-central-1',
      base: 0,
      spec: NEW,
    });
    expect(played.ssm.parameters.get(PARAMETER)).toEqual([specText(NEW)]);
    expect(played.ssm.tags.get(PARAMETER)).toEqual({
      'slipway:release': played.report.outputs['release-fingerprint'],
      'slipway:component': 'bot',
      'slipway:environment': 'dev',
    });
    expect(played.ssm.calls.find((c) => c.operation === 'ssm:PutParameter')?.input).toMatchObject({
      Tier: 'Intelligent-Tiering',
    });
    expect(played.report.outputs).toMatchObject({ 'desired-state': PARAMETER, 'previous-release': '' });
    expect(played.report.summary).toContain('pull 200 ms, switch 20 ms');
  });

  test('over an earlier one: its version is the base, tags come before the value', async () => {
    const played = await play({ ...one(), parameters: { [PARAMETER]: ['x', specText(OLD)] } });
    expect(played.ssm.sent[0]?.payload.base).toBe(2);
    expect(played.report.outputs['previous-release']).toBe(OLD.release);
    expect(played.ssm.parameters.get(PARAMETER)?.at(-1)).toBe(specText(NEW));
    const writes = played.ssm.calls.map((c) => c.operation).filter((o) => /Put|AddTags/.test(o));
    expect(writes).toEqual(['ssm:AddTagsToResource', 'ssm:PutParameter']);
  });

  test('the same again is unchanged only because the hosts say so, and nothing is written', async () => {
    const unchanged = on('deploy', { result: { state: 'unchanged', release: NEW.release } });
    const played = await play({
      ...three({ [ONE]: unchanged, [TWO]: unchanged, [THREE]: unchanged }),
      parameters: { [PARAMETER]: [specText(NEW)] },
    });
    expect(played.report.outcome).toMatchObject({ status: 'unchanged', cause: 'all 3 hosts run it already' });
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('that runs everywhere and is written down nowhere is written down', async () => {
    const played = await play(one(() => ({ result: { state: 'unchanged' } })));
    expect(outcome(played)).toBe('succeeded');
    expect(played.ssm.parameters.get(PARAMETER)).toEqual([specText(NEW)]);
  });

  test('the document is made where it is missing', async () => {
    const played = await play({ ...one(), document: false });
    expect([outcome(played), played.ssm.count('ssm:CreateDocument')]).toEqual(['succeeded', 1]);
    expect(played.ssm.sent[0]?.input.DocumentName).toMatch(/^Slipway-Deploy-[0-9a-f]{12}$/);
  });

  test('bootstrap is told to the host', async () => {
    const played = await play(one(), { inputs: { bootstrap: 'true' } });
    expect(played.ssm.sent[0]?.payload).toMatchObject({ operation: 'deploy', bootstrap: true });
  });

  test('a secret of the job is refused before any call', async () => {
    const played = play(one(), {
      inputs: { 'environment-variables': 'X=the-value-itself' },
      known: [{ name: 'SOME_TOKEN', value: 'the-value-itself' }],
    });
    await expect(played).rejects.toThrow(/^environment variable X: it holds the value of SOME_TOKEN/);
  });
});

describe('in waves', () => {
  test('the first host alone, then the others as many at once as told', async () => {
    const played = await play(three(), { inputs: { 'max-concurrency': '50%', 'max-errors': '1' } });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 23']);
    expect(played.ssm.sent.map((s) => [s.input.MaxConcurrency, s.input.MaxErrors])).toEqual([
      ['1', '0'],
      ['2', '1'],
    ]);
    expect(played.ssm.sent.map((s) => s.input.TimeoutSeconds)).toEqual([60, 60]);
    expect(played.ssm.sent[1]?.at).toBeGreaterThanOrEqual((played.ssm.sent[0]?.at ?? 0) + 1_000);
  });

  test('hosts that wait for others of their wave have the whole time to take the command', async () => {
    const played = await play(three(), { inputs: { timeout: '10m' } });
    const [first, rest] = played.ssm.sent.map((s) => Number(s.input.TimeoutSeconds));
    expect(first).toBe(60);
    expect(rest).toBeGreaterThan(590);
  });

  test('a first host that does not do well keeps the others as they are', async () => {
    const played = await play(three({ [ONE]: on('deploy', died) }), { inputs: { 'max-errors': '100%' } });
    expect(commands(played)).toEqual(['deploy 1']);
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'rolled-back', [TWO]: 'stopped', [THREE]: 'stopped' });
    expect(played.report.outcome).toMatchObject({
      status: 'rolled-back',
      cause: `${ONE}: the container ended with exit code 3`,
    });
    expect(played.report.outputs.log).toBe('cannot find module x');
    expect(played.report.summary).toContain('cannot find module x');
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('without a gate all are sent to at once', async () => {
    expect(commands(await play(three(), { inputs: { gate: 'false' } }))).toEqual(['deploy 123']);
  });

  test('too many errors: SSM does not try the rest, and that is told', async () => {
    const played = await play(three({ [TWO]: on('deploy', died) }));
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'succeeded', [TWO]: 'rolled-back', [THREE]: 'stopped' });
    expect(played.report.outcome.next).toContain('1 of 3 hosts run the new version');
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('as many errors as may be: the rest is tried, and the end is no success all the same', async () => {
    const played = await play(three({ [TWO]: on('deploy', died) }), { inputs: { 'max-errors': '1' } });
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'succeeded', [TWO]: 'rolled-back', [THREE]: 'succeeded' });
    expect(outcome(played)).toBe('rolled-back');
  });

  test('all or nothing: those that had succeeded are put back, from this very release', async () => {
    const played = await play(three({ [THREE]: on('deploy', died) }), { inputs: { 'all-or-nothing': 'true' } });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 23', 'rollback 12']);
    expect(played.ssm.sent[2]?.payload).toMatchObject({ to: NEW.release });
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'rolled-back', [TWO]: 'rolled-back', [THREE]: 'rolled-back' });
    expect(played.report.outcome).toMatchObject({
      status: 'rolled-back',
      cause: expect.stringContaining('the 2 hosts that had switched were put back'),
    });
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('all or nothing: one that ran it before is not put back', async () => {
    const already = on('deploy', { result: { state: 'unchanged' } });
    const played = await play(three({ [ONE]: already, [THREE]: on('deploy', died) }), {
      inputs: { 'all-or-nothing': 'true' },
    });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 23', 'rollback 2']);
  });

  test('all or nothing: a host of which nobody knows how far it came is put back too', async () => {
    const hangs = on('deploy', { ms: 3_600_000 });
    const played = await play(three({ [THREE]: hangs }), {
      inputs: { 'all-or-nothing': 'true', timeout: '3m', 'max-concurrency': '2' },
    });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 23', 'rollback 123']);
    expect(outcome(played)).toBe('timed-out');
  });

  test('all or nothing: one that says that it does not serve it keeps its own end', async () => {
    const killed = {
      does: ({ operation }: { operation: string }): End =>
        operation === 'rollback' ? { result: { state: 'unchanged' } } : { exitCode: 137 },
    };
    const played = await play(three({ [THREE]: killed }), { inputs: { 'all-or-nothing': 'true' } });
    expect(commands(played).at(-1)).toBe('rollback 123');
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'rolled-back', [TWO]: 'rolled-back', [THREE]: 'failed' });
    expect(played.report.outcome.cause).toMatch(/exit code 137.*the 2 hosts that had switched were put back/);
  });

  test.each([
    ['ThrottlingException', 'failed'],
    ['AccessDeniedException', 'denied'],
  ])(
    'a later command that is refused (%s) is how its hosts end; those before are told of, and put back',
    async (exception, status) => {
      const script: Script = {
        ...three(),
        refuse: (operation, count) => (operation === 'SendCommand' && count === 2 ? exception : undefined),
      };
      const plain = await play(script);
      expect(hostsOf(plain.report)).toEqual({ [ONE]: 'succeeded', [TWO]: status, [THREE]: status });
      expect(plain.report.outcome).toMatchObject({
        status,
        cause: expect.stringContaining('nothing was sent to it: ssm:SendCommand'),
      });
      const whole = await play(script, { inputs: { 'all-or-nothing': 'true' } });
      expect(commands(whole)).toEqual(['deploy 1', 'rollback 1']);
    },
  );

  test('all or nothing: a way back that is refused is told with the hosts, and tried again by the post step', async () => {
    const played = await play(
      {
        ...three({ [THREE]: on('deploy', died) }),
        refuse: (operation, count) => (operation === 'SendCommand' && count === 3 ? 'ThrottlingException' : undefined),
      },
      { inputs: { 'all-or-nothing': 'true' }, post: true },
    );
    expect(played.report.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringContaining(`${ONE}, ${TWO} could not be put back: ssm:SendCommand`),
    });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 23', 'rollback 12']);
    expect(played.post?.outcome.status).toBe('rolled-back');
  });

  test('a first command that is refused leaves the post step nothing to do', async () => {
    const notes: Note[] = [];
    const played = play(
      { ...one(), refuse: (op) => (op === 'SendCommand' ? 'AccessDeniedException' : undefined) },
      { notes },
    );
    await expect(played).rejects.toMatchObject({ kind: 'denied' });
    expect(notes.at(-1)).toMatchObject({ command: undefined, ended: {} });
  });

  test('all or nothing: one that cannot be put back is a failure', async () => {
    const stuck = {
      does: ({ operation }: { operation: string }) =>
        operation === 'rollback' ? { exitCode: 75 } : { result: { state: 'succeeded' } },
    };
    const played = await play(three({ [ONE]: stuck, [THREE]: on('deploy', died) }), {
      inputs: { 'all-or-nothing': 'true' },
    });
    expect(played.report.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringContaining(`${ONE} could not be put back: another deployment holds the lock`),
    });
  });
});

describe('before anything is changed', () => {
  test('every host is asked at once for its engine and disk', async () => {
    const played = await play(three(), { inputs: { preflight: 'true' } });
    expect(commands(played)).toEqual(['preflight 123', 'deploy 1', 'deploy 23']);
    expect(played.report.summary).toMatch(/\| Engine \| Disk free \|/);
    expect(played.report.summary).toContain('20,480 MB');
  });

  test('one host alone is not asked: it looks by itself', async () => {
    expect(commands(await play(one(), { inputs: { preflight: 'true' } }))).toEqual(['deploy 1']);
  });

  test.each<[string, End, string, RegExp]>([
    [
      'a full disk',
      { result: { state: 'succeeded', facts: { 'disk-free': 2 ** 20 } } },
      'failed',
      /disk has 1 MB free/,
    ],
    ['a dead engine', { exitCode: 69 }, 'failed', /the docker engine does not answer/],
    ['an agent that has gone', { status: 'Undeliverable' }, 'failed', /the agent is not online/],
  ])('%s of one host is the end for all', async (_, end, status, cause) => {
    const played = await play(three({ [THREE]: on('preflight', end) }), { inputs: { preflight: 'true' } });
    expect(commands(played)).toEqual(['preflight 123']);
    expect(played.report.outcome).toMatchObject({ status, cause: expect.stringMatching(cause) });
    expect(played.report.outcome.cause).toMatch(/; nothing was changed on any host$/);
  });

  test('what a host says to do about it is the next step', async () => {
    const lacks = {
      exitCode: 1,
      result: { state: 'failed', cause: 'no jq', next: 'Run the action with bootstrap: true' },
    };
    const played = await play(three({ [TWO]: on('preflight', lacks) }), { inputs: { preflight: 'true' } });
    expect(played.report.outcome).toMatchObject({ status: 'failed', next: 'Run the action with bootstrap: true' });
  });

  test('with max-errors such a host is left out, and the end is no success', async () => {
    const played = await play(three({ [THREE]: on('preflight', { exitCode: 69 }) }), {
      inputs: { preflight: 'true', 'max-errors': '1' },
    });
    expect(commands(played)).toEqual(['preflight 123', 'deploy 1', 'deploy 2']);
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'succeeded', [TWO]: 'succeeded', [THREE]: 'failed' });
    expect(outcome(played)).toBe('failed');
  });

  test('hosts that are offline are named, and the others deployed to', async () => {
    const played = await play(three({ [TWO]: { online: false } }));
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'succeeded', [THREE]: 'succeeded' });
    expect(played.report.annotations).toMatchObject([
      { level: 'warning', message: expect.stringContaining(`offline: ${TWO}`) },
    ]);
  });

  test('fewer than the minimum: nothing is sent', async () => {
    await expect(play(three({ [TWO]: { online: false } }), { inputs: { minimum: '3' } })).rejects.toThrow(
      new RegExp(`only 2 of at least 3 hosts are online; offline: ${TWO}`),
    );
  });

  test('a host that goes offline in between fails alone', async () => {
    const script = three();
    const played = await play({
      ...script,
      answering: (operation, count) => {
        if (operation === 'SendCommand' && count === 1) script.hosts[THREE] = { online: false };
        return undefined;
      },
    });
    expect(commands(played)).toEqual(['deploy 1', 'deploy 2']);
    expect(hostsOf(played.report)).toEqual({ [ONE]: 'succeeded', [TWO]: 'succeeded', [THREE]: 'failed' });
  });
});

test('a time for all hosts that one alone may need is told of', async () => {
  const { report } = await play(one(), { inputs: { 'healthy-within': '20m' } });
  expect(report.annotations).toMatchObject([
    { message: expect.stringContaining('may take 20 min 00 s to become healthy') },
  ]);
});

test('more hosts by id than one filter takes are asked for in parts', async () => {
  const ids = Array.from({ length: 120 }, (_, i) => `i-${String(i).padStart(17, '0')}`);
  const played = await play(
    { hosts: Object.fromEntries(ids.map((id) => [id, {}])) },
    { inputs: { targets: ids.join('\n'), gate: 'false', 'max-concurrency': '100%', group: 'docker-host' } },
  );
  expect([outcome(played), Object.keys(hostsOf(played.report)).length]).toEqual(['succeeded', 120]);
  const asked = played.ssm.calls.filter((c) => c.operation === 'ssm:DescribeInstanceInformation');
  expect(asked.map((c) => (c.input.Filters as { Values: string[] }[])[0]?.Values.length)).toEqual([100, 20]);
});

describe('what SSM says of a host', () => {
  test.each<[string, string]>([
    ['Undeliverable', 'failed'],
    ['DeliveryTimedOut', 'timed-out'],
    ['ExecutionTimedOut', 'timed-out'],
    ['Terminated', 'stopped'],
    ['Cancelled', 'stopped'],
    ['AccessDenied', 'denied'],
    ['InvalidPlatform', 'failed'],
    ['Success', 'failed'],
  ])('%s without a result: %s', async (status, expected) => {
    const played = await play(one(() => ({ status, exitCode: status === 'Success' ? 0 : -1 })));
    expect(outcome(played)).toBe(expected);
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('an invocation that it does not know yet is waited for', async () => {
    const played = await play({ ...one(), unknownMs: 3_500 });
    expect(outcome(played)).toBe('succeeded');
  });

  test('an invocation that it never knows is no success', async () => {
    const played = await play({ ...three(), unknownMs: 3_600_000 }, { inputs: { gate: 'false' } });
    expect(played.report.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringContaining('never listed this host'),
    });
  });

  test('a host that hangs: its command is cancelled when the time is over', async () => {
    const played = await play(
      one(() => ({ ms: 3_600_000 })),
      { inputs: { timeout: '2m' } },
    );
    expect(outcome(played)).toBe('timed-out');
    expect(played.ssm.cancelled).toHaveLength(1);
    expect(played.clock.elapsed()).toBeLessThan(130_000);
    expect(played.ssm.sent[0]?.input.Parameters).toMatchObject({ executionTimeout: ['120'] });
  });

  test('calls that fail for a while are made again', async () => {
    const played = await play({
      ...one(() => ({ ms: 20_000, result: { state: 'succeeded' } })),
      refuse: (operation, count) =>
        operation === 'GetCommandInvocation' && count > 2 && count < 8 ? 'ThrottlingException' : undefined,
    });
    expect(outcome(played)).toBe('succeeded');
  });

  test('a call that is denied is the end of the watch at once, and of the command that nobody can see', async () => {
    const played = await play({
      ...one(),
      refuse: (operation) => (operation === 'GetCommandInvocation' ? 'AccessDeniedException' : undefined),
    });
    expect(played.report.outcome).toMatchObject({
      status: 'denied',
      cause: expect.stringContaining('could not be watched: ssm:GetCommandInvocation'),
      next: expect.stringContaining('Allow ssm:GetCommandInvocation'),
    });
    expect(played.ssm.cancelled).toHaveLength(1);
  });

  test('the end is known within 1.5 s as long as a container may take to start, drain and stop', async () => {
    for (const ms of [1_300, 7_777, 42_001, 58_999, 121_500, 181_234, 239_000]) {
      const played = await play(one((payload) => ({ ...good(payload), ms })));
      expect(played.clock.now() - played.ssm.endedAt()).toBeLessThanOrEqual(1_000);
    }
  });

  test('what hangs for long is asked less often', async () => {
    const played = await play(one((payload) => ({ ...good(payload), ms: 600_000 })));
    expect(played.ssm.count('ssm:GetCommandInvocation')).toBeLessThan(330);
  });
});

describe('the whole output', () => {
  const long = (payload: Parameters<typeof good>[0]): End => ({
    ...good(payload),
    lines: [
      ...Array.from({ length: 400 }, (_, i) => ({ at: 500, text: `line ${i} ${'x'.repeat(90)}` })),
      { at: 900, text: 'the very last line' },
    ],
  });

  test('longer than SSM gives back, without another place: good or bad by the exit code', async () => {
    const played = await play(one(long));
    expect(outcome(played)).toBe('succeeded');
    expect(played.report.summary).not.toContain('the very last line');
  });

  test('from S3', async () => {
    const played = await play(one(long), { inputs: { 'output-bucket': bucket, 'output-prefix': 'out' } });
    expect(played.ssm.sent[0]?.input).toMatchObject({ OutputS3BucketName: bucket, OutputS3KeyPrefix: 'out' });
    expect(played.log.join('\n')).toContain('the very last line');
    expect(played.report.summary).toContain('the very last line');
    expect(JSON.parse(played.report.outputs.hosts ?? '')).toMatchObject([{ release: NEW.release }]);
  });

  test('from CloudWatch Logs, and live', async () => {
    const slow = (payload: Parameters<typeof good>[0]): End => ({
      ...long(payload),
      ms: 6_000,
      lines: [...(long(payload).lines ?? []), { at: 4_000, text: 'slipway-step drain' }],
    });
    const played = await play(one(slow), { inputs: { 'log-group': '/slipway/deploy' } });
    expect(played.ssm.sent[0]?.input.CloudWatchOutputConfig).toEqual({
      CloudWatchOutputEnabled: true,
      CloudWatchLogGroupName: '/slipway/deploy',
    });
    const at = (text: string) => played.log.findIndex((line) => line.includes(text));
    expect(at(`${ONE} | line 0 `)).toBeGreaterThan(0);
    expect(at(`${ONE} | drain`)).toBeGreaterThan(at(`${ONE} | line 399`));
    expect(at('✅ succeeded')).toBeGreaterThan(at(`${ONE} | drain`));
    expect(played.log.filter((line) => line.includes('the very last line'))).toHaveLength(1);
    expect(played.report.summary).toContain('the very last line');
  });

  test('lines that come after the last look are told all the same, and each once', async () => {
    const lines = [0, 1_500, 2_050].map((at, i) => ({ at, text: `slipway-step part ${i}` }));
    const played = await play(
      one((payload) => ({ ...good(payload), ms: 2_060, lines })),
      {
        inputs: { 'log-group': '/slipway/deploy' },
      },
    );
    expect(played.log.filter((line) => line.includes('| part'))).toEqual([0, 1, 2].map((i) => `${ONE} | part ${i}`));
  });

  test('a Logs group that may not be read costs nothing but its lines', async () => {
    const played = await play(
      { ...one(), refuse: (operation) => (operation === 'DescribeLogStreams' ? 'AccessDeniedException' : undefined) },
      { inputs: { 'log-group': '/x' } },
    );
    expect(outcome(played)).toBe('succeeded');
    expect(played.log.filter((line) => line.startsWith('warning: The output cannot be read'))).toHaveLength(1);
  });

  test('nothing that a container prints is a command to the runner', async () => {
    const played = await play(
      one(() => ({
        exitCode: 1,
        lines: [{ at: 0, text: '::set-output name=x::y' }],
        result: { state: 'rolled-back', cause: 'c', logs: ['::error::pwned', '##[command]x', 'token=abc123'] },
      })),
    );
    for (const line of played.log) expect(line).not.toMatch(/^\s*::|##\[|abc123/);
  });
});

describe('the desired state', () => {
  test('moved by another run meanwhile: superseded, and left as it is', async () => {
    const played = await play({
      ...one(),
      parameters: { [PARAMETER]: [specText(OLD)] },
      race: [PARAMETER, specText(OLDER)],
    });
    expect(played.report.outcome).toMatchObject({
      status: 'superseded',
      cause: expect.stringContaining(`release ${OLDER.release}`),
    });
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test('written by the same deployment at once: both are right', async () => {
    const played = await play({
      ...one(),
      parameters: { [PARAMETER]: [specText(OLD)] },
      race: [PARAMETER, specText(NEW)],
    });
    expect(outcome(played)).toBe('succeeded');
    expect(played.ssm.count('ssm:PutParameter')).toBe(0);
  });

  test.each([
    ['the same release: both are right', NEW, 'succeeded'],
    ['another: superseded', OLD, 'superseded'],
  ])('first written by another run in the same moment, %s', async (_, theirs, status) => {
    const played = await play({ ...one(), lateRace: [PARAMETER, specText(theirs)] });
    expect(outcome(played)).toBe(status);
    expect(played.ssm.parameters.get(PARAMETER)).toEqual([specText(theirs)]);
  });

  test('written over what another run wrote in the same moment: that is told', async () => {
    const played = await play({
      ...one(),
      parameters: { [PARAMETER]: [specText(OLDER)] },
      lateRace: [PARAMETER, specText(OLD)],
    });
    expect(played.report.outcome).toMatchObject({
      status: 'superseded',
      cause: expect.stringContaining('has written over it'),
    });
  });

  test.each([
    ['AccessDeniedException', 'denied'],
    ['InternalServerError', 'failed'],
  ])('that cannot be written (%s) is no success', async (exception, status) => {
    const played = await play({
      ...one(),
      refuse: (operation) => (operation === 'PutParameter' ? exception : undefined),
    });
    expect(played.report.outcome).toMatchObject({
      status,
      cause: expect.stringContaining('could not be written: ssm:PutParameter'),
    });
  });
});

describe('a rollback', () => {
  const parameters = { [PARAMETER]: [specText(OLDER), specText(OLD), specText(NEW)] };
  const back = (spec: Spec) => on('rollback', { result: { state: 'succeeded', release: spec.release } });

  test('goes to the release before on all hosts, and the desired state with them', async () => {
    const played = await play(
      { ...three({ [ONE]: back(OLD), [TWO]: back(OLD), [THREE]: back(OLD) }), parameters },
      { inputs: { operation: 'rollback', image: '' } },
    );
    expect(outcome(played)).toBe('succeeded');
    expect(commands(played)).toEqual(['status 123', 'rollback 123']);
    expect(played.ssm.sent[1]?.payload).toMatchObject({ to: NEW.release, base: 3, spec: OLD });
    expect(played.ssm.parameters.get(PARAMETER)?.at(-1)).toBe(specText(OLD));
    expect(played.ssm.tags.get(PARAMETER)).toMatchObject({
      'slipway:release': played.report.outputs['release-fingerprint'],
    });
  });

  test('to a release that is named', async () => {
    const played = await play(
      { ...one(back(OLDER).does), parameters },
      { inputs: { operation: 'rollback', image: '', release: OLDER.release } },
    );
    expect([outcome(played), played.ssm.parameters.get(PARAMETER)?.at(-1)]).toEqual(['succeeded', specText(OLDER)]);
  });

  const serves = (release: string): Script['hosts'][string] => ({
    does: (payload) => (payload.operation === 'status' ? { result: { state: 'succeeded', release } } : good(payload)),
  });

  test('of a deployment that has reached one host alone goes to what is written down, not beyond', async () => {
    const fresh = specWith({ memory: '64m' });
    const played = await play(
      {
        ...three({ [ONE]: serves(fresh.release), [TWO]: serves(NEW.release), [THREE]: serves(NEW.release) }),
        parameters,
      },
      { inputs: { operation: 'rollback', image: '', 'max-concurrency': '3' } },
    );
    expect(commands(played)).toEqual(['status 123', 'deploy 123']);
    expect(played.ssm.sent[1]?.payload.spec).toEqual(NEW);
    expect([outcome(played), played.ssm.count('ssm:PutParameter')]).toEqual(['succeeded', 0]);
  });

  test('a host that lags behind does not change where it goes', async () => {
    const played = await play(
      { ...three({ [ONE]: serves(NEW.release), [TWO]: serves(OLDER.release) }), parameters },
      { inputs: { operation: 'rollback', image: '' } },
    );
    expect(played.ssm.sent[1]?.payload).toMatchObject({ operation: 'rollback', spec: OLD });
  });

  test('cut after a host said that it serves something else does not write it down', async () => {
    const other = on('rollback', { result: { state: 'unchanged', release: NEW.release } });
    const played = await play(
      { ...three({ [ONE]: back(OLD), [TWO]: back(OLD), [THREE]: other }), parameters },
      { inputs: { operation: 'rollback', image: '' }, cancelWhen: (_, sent) => sent === 3, post: true },
    );
    expect(played.report.outcome.status).toBe('stopped');
    expect([played.post?.outcome.status, played.ssm.count('ssm:PutParameter')]).toEqual(['stopped', 0]);
  });

  test('to one that nobody knows is refused before anything is sent', async () => {
    const played = play(
      { ...one(), parameters },
      { inputs: { operation: 'rollback', image: '', release: '0'.repeat(16) } },
    );
    await expect(played).rejects.toThrow(/'release' is "0+": the history of .* holds no such release/);
  });

  test('a host that keeps nothing, or something else, is deployed to', async () => {
    const empty = on('rollback', { exitCode: 1, result: { state: 'failed', cause: 'no earlier container is kept' } });
    const played = await play(
      { ...three({ [ONE]: back(OLD), [TWO]: empty, [THREE]: back(OLDER) }), parameters },
      { inputs: { operation: 'rollback', image: '' } },
    );
    expect(commands(played)).toEqual(['status 123', 'rollback 123', 'deploy 2', 'deploy 3']);
    expect(played.ssm.sent[2]?.payload.spec).toEqual(OLD);
    expect([outcome(played), played.ssm.parameters.get(PARAMETER)?.at(-1)]).toEqual(['succeeded', specText(OLD)]);
  });

  test('without a history each host goes back by itself, and what that leaves is said', async () => {
    const played = await play(
      { ...one(back(OLD).does), parameters: { [PARAMETER]: [specText(NEW)] } },
      { inputs: { operation: 'rollback', image: '' } },
    );
    expect(outcome(played)).toBe('succeeded');
    expect(played.report.annotations).toMatchObject([{ message: expect.stringContaining('holds no earlier release') }]);
  });

  test('that fails leaves the desired state as it is', async () => {
    const broken = { does: (): End => ({ exitCode: 1, result: { state: 'failed', cause: 'no' } }) };
    const played = await play({ ...one(broken.does), parameters }, { inputs: { operation: 'rollback', image: '' } });
    expect([outcome(played), played.ssm.count('ssm:PutParameter')]).toEqual(['failed', 0]);
  });
});

describe('the other operations', () => {
  const serving = (release: string, over: object = {}) =>
    on('status', {
      result: {
        state: 'succeeded',
        facts: {
          containers: [
            {
              component: 'bot',
              role: 'current',
              image: IMAGE,
              release,
              state: 'running',
              health: 'healthy',
              since: 's',
              ...over,
            },
          ],
        },
      },
    });

  test('status tells what each host serves, and how that differs', async () => {
    const script = {
      ...three({ [ONE]: serving(NEW.release), [TWO]: serving(OLD.release), [THREE]: { online: false } }),
      parameters: { [PARAMETER]: [specText(NEW)] },
    };
    const played = await play(script, { inputs: { operation: 'status', image: '' } });
    expect(outcome(played)).toBe('succeeded');
    expect(commands(played)).toEqual(['status 12']);
    expect(played.report.outputs).toMatchObject({
      steady: 'false',
      trouble: expect.stringContaining(`${TWO}: it serves release ${OLD.release}`),
    });
    expect(played.report.outputs.trouble).toContain(`offline: ${THREE}`);
    expect(JSON.parse(played.report.outputs.hosts ?? '')).toMatchObject([
      { instance: ONE, release: NEW.release, health: 'healthy', drift: '' },
      { instance: TWO },
    ]);
  });

  test('status of hosts that say nothing is no success', async () => {
    const played = await play(
      one(() => ({ status: 'AccessDenied', exitCode: -1 })),
      {
        inputs: { operation: 'status', image: '' },
      },
    );
    expect(played.report.outcome).toMatchObject({ status: 'denied' });
    expect(played.report.outputs.steady).toBe('false');
  });

  test('status of hosts in order tells the release whole', async () => {
    const script = {
      ...three({ [ONE]: serving(NEW.release), [TWO]: serving(NEW.release), [THREE]: serving(NEW.release) }),
      parameters: { [PARAMETER]: [specText(NEW)] },
    };
    const { report } = await play(script, { inputs: { operation: 'status', image: '' } });
    expect(report.outputs).toMatchObject({
      steady: 'true',
      trouble: '',
      revision: 'abc123',
      'release-fingerprint': expect.stringMatching(new RegExp(`^${NEW.release}[0-9a-f]{48}$`)),
    });
    expect(report.annotations).toEqual([]);
  });

  test('restart goes in waves', async () => {
    expect(commands(await play(three(), { inputs: { operation: 'restart', image: '' } }))).toEqual([
      'restart 1',
      'restart 23',
    ]);
  });

  test('logs ask all at once, and show what comes', async () => {
    const script = one(() => ({
      lines: [
        { at: 0, text: 'slipway-log hello' },
        { at: 0, text: 'slipway-log world' },
      ],
      result: { state: 'succeeded' },
    }));
    const played = await play(script, { inputs: { operation: 'logs', image: '', lines: '20', since: '10m' } });
    expect(played.ssm.sent[0]?.payload).toMatchObject({ operation: 'logs', lines: 20, since: '10m' });
    expect(played.log).toEqual(expect.arrayContaining([`${ONE} > hello`, `${ONE} > world`]));
    expect(played.report.summary).toContain('hello\nworld');
  });

  test('prune tells how many to keep', async () => {
    const played = await play(three(), { inputs: { operation: 'prune', image: '', keep: '1' } });
    expect(commands(played)).toEqual(['prune 123']);
    expect(played.ssm.sent[0]?.payload).toMatchObject({ keep: 1 });
  });
});
