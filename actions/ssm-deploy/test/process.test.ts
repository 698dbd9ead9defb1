import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { type ActionRun, runAction } from '../../../test/support/action.ts';
import { GIVEN, PARAMETER } from './play.ts';
import { died, type End, good, type Script, type ScriptedSsm, scriptedSsm } from './scripted-ssm.ts';

// The action as the runner starts it, cancels it and starts it again as the post step: real processes, real signals, real HTTP.
const [ONE, TWO] = ['i-00000000000000001', 'i-00000000000000002'] as const;
const SECRET = 'correct-horse-battery-staple-4711';
const open: ScriptedSsm[] = [];
const said: string[] = [];

afterEach(async () => {
  for (const ssm of open.splice(0)) {
    said.push(JSON.stringify(ssm.calls));
    await ssm.close();
  }
});

interface Cut {
  /** Cancelled when this operation arrives for the so-and-so-manieth time; it is answered late. */
  at: string;
  nth?: number;
  answerAfterMs?: number;
  does?: (payload: Parameters<typeof good>[0]) => End;
  inputs?: Record<string, string>;
  signal?: NodeJS.Signals;
}

const env = (ssm: ScriptedSsm) => ({
  AWS_ENDPOINT_URL: ssm.url,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test-secret-key',
  SAMPLE_TOKEN: SECRET,
});

const busy = (payload: Parameters<typeof good>[0]): End => ({ ...good(payload), ms: 20_000 });

async function cut({ at, nth = 1, answerAfterMs = 300, does = busy, inputs = {}, signal = 'SIGINT' }: Cut) {
  let arrived: () => void = () => undefined;
  const interruptWhen = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const script: Script = {
    hosts: { [ONE]: { does }, [TWO]: { does } },
    parameters: { [PARAMETER]: ['{}'] },
    answering: async (operation, count) => {
      if (operation !== at || count !== nth) return;
      arrived();
      await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
    },
  };
  const ssm = await scriptedSsm(systemClock, script);
  open.push(ssm);
  const given = {
    ...GIVEN,
    component: '',
    environment: 'dev',
    name: 'bot',
    secrets: 'T=${ssm:/sample/token}',
    ...inputs,
  };
  const run = await runAction('ssm-deploy', given, { env: env(ssm), interruptWhen, interruptWith: signal });
  said.push(JSON.stringify([run.log, run.summary, run.outputs, run.state]));
  return { ssm, run };
}

async function post(ssm: ScriptedSsm, run: ActionRun): Promise<ActionRun> {
  const after = await runAction('ssm-deploy', {}, { env: { ...env(ssm), STATE_hosts: run.state.hosts ?? '' } });
  said.push(JSON.stringify([after.log, after.summary, after.outputs]));
  return after;
}

const calls = (ssm: ScriptedSsm) => [ssm.count('ssm:SendCommand'), ssm.cancelled.length, ssm.count('ssm:PutParameter')];

describe('cancelled at', () => {
  test.each<[string, Cut, [sent: number, cancelled: number, written: number]]>([
    ['the question who is online', { at: 'DescribeInstanceInformation' }, [0, 0, 0]],
    ['the command', { at: 'SendCommand' }, [1, 1, 0]],
    ['a command whose answer comes late', { at: 'SendCommand', answerAfterMs: 1_500 }, [1, 1, 0]],
    ['the watch', { at: 'GetCommandInvocation', nth: 2 }, [1, 1, 0]],
    ['the second host', { at: 'SendCommand', nth: 2, does: (p) => ({ ...good(p), ms: 500 }) }, [2, 1, 0]],
  ])(
    '%s',
    async (_, given, expected) => {
      const { ssm, run } = await cut(given);
      expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
      expect(run.outputs.cause).toContain('the run was cancelled');
      expect(run.endedInMs).toBeLessThan(5_000);
      expect(calls(ssm)).toEqual(expected);
    },
    60_000,
  );
});

describe('the post step', () => {
  test('waits for the hosts of a cancelled command, and tells how they stand', async () => {
    const { ssm, run } = await cut({
      at: 'SendCommand',
      nth: 2,
      does: (p) => ({ ...good(p), ms: p.operation === 'deploy' ? 700 : 10 }),
    });
    const after = await post(ssm, run);
    expect(after.outputs.outcome).toBe('stopped');
    expect(after.outputs.cause).toMatch(
      new RegExp(`^the run was cut; 1 of 2 hosts \\(${ONE}\\) were brought to release [0-9a-f]{16}$`),
    );
    expect(after.summary).toContain('after the run was cut');
    expect(calls(ssm)[2]).toBe(0);
  }, 60_000);

  test.each([
    ['the command whose answer it never got', { at: 'SendCommand', answerAfterMs: 500 }],
    ['the watch', { at: 'GetCommandInvocation' }],
  ])(
    'cancels what a killed run had begun, killed at %s',
    async (_, given) => {
      const { ssm, run } = await cut({ ...given, signal: 'SIGKILL' });
      expect([run.code, run.outputs.outcome, ssm.cancelled]).toEqual([-1, undefined, []]);
      const after = await post(ssm, run);
      expect([after.outputs.outcome, ssm.cancelled.length]).toEqual(['stopped', 1]);
    },
    60_000,
  );

  test('puts those back that had changed, where all or nothing was asked for', async () => {
    let deployed = 0;
    const { ssm, run } = await cut({
      at: 'SendCommand',
      nth: 2,
      signal: 'SIGKILL',
      inputs: { 'all-or-nothing': 'true' },
      // The second host is at work for as long as any machine may take to start the post step.
      does: (p) => ({ ...good(p), ms: p.operation === 'deploy' && ++deployed === 2 ? 120_000 : 10 }),
    });
    const after = await post(ssm, run);
    expect(ssm.sent.at(-1)?.payload).toMatchObject({ operation: 'rollback', to: ssm.sent[0]?.payload.spec?.release });
    expect(after.outputs.outcome).toBe('rolled-back');
  }, 60_000);

  test('writes the desired state down that a killed run had brought to every host', async () => {
    const { ssm, run } = await cut({
      at: 'GetParameter',
      nth: 2,
      signal: 'SIGKILL',
      does: (p) => ({ ...good(p), ms: 10 }),
    });
    expect(calls(ssm)).toEqual([2, 0, 0]);
    const after = await post(ssm, run);
    expect([after.outputs.outcome, calls(ssm)]).toEqual(['succeeded', [2, 0, 1]]);
    expect(ssm.parameters.get(PARAMETER)?.at(-1)).toContain(ssm.sent[0]?.payload.spec?.release ?? 'none');
  }, 60_000);

  test('asks AWS nothing after a run that told its own end', async () => {
    const { ssm, run } = await cut({ at: 'none', does: () => died });
    expect(run.outputs.outcome).toBe('rolled-back');
    const before = ssm.calls.length;
    const after = await post(ssm, run);
    expect([after.code, after.summary, ssm.calls.length - before]).toEqual([0, '', 0]);
  }, 60_000);
});

test('a variable with the value of a secret of the job is one clear error without it', async () => {
  const { ssm, run } = await cut({ at: 'none', inputs: { 'environment-variables': `A=x${SECRET}y` } });
  expect(run.log).toMatch(/::error::environment variable A: it holds the value of SAMPLE_TOKEN of this job/);
  expect(run.log).not.toMatch(/^\s+at /m);
  expect(ssm.calls).toEqual([]);
}, 20_000);

test('nothing that any of these runs said or sent holds a secret', () => {
  expect(said.length).toBeGreaterThan(20);
  for (const text of said) expect(text).not.toMatch(new RegExp(`${SECRET}|test-secret-key`));
});
