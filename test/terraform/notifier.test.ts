/** The function that tells Discord of alarms, against the local Discord, which keeps Discord's own limits. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createDiscord, type Discord } from '../../local/discord/server.ts';
import { createFaults } from '../../local/faults.ts';
import { sources, ZIP, zip } from '../../scripts/lambda-zip.ts';

interface Ports {
  webhook(fresh: boolean): Promise<string>;
  fetch: typeof fetch;
  sleep(ms: number): Promise<void>;
}
type Send = (event: { Records: { Sns: { Message: string; Subject?: string } }[] }, ports: Ports) => Promise<void>;

const folder = '../../terraform/modules/monitoring/notifier';
const { send } = (await import(`${folder}/send.mjs`)) as { send: Send };

const ROOMY = { bucket: { limit: 1000, windowMs: 1000 }, global: { limit: 1000, windowMs: 1000 } };
const faults = createFaults(1);
const running: Discord[] = [];
afterEach(async () => {
  faults.clear();
  for (const discord of running.splice(0)) await discord.close();
});

async function discordWith(webhook?: (hook: string, fresh: boolean) => string, rates = ROOMY) {
  const discord = await createDiscord({ faults, rates, guild: { channels: [{ name: 'alarms' }] } });
  running.push(discord);
  const hook = discord.createWebhook();
  const slept: number[] = [];
  const ports: Ports = {
    webhook: async (fresh) => webhook?.(hook, fresh) ?? hook,
    fetch,
    sleep: async (ms) => void slept.push(ms),
  };
  return {
    discord,
    hook,
    slept,
    tell: (message: object | string, subject?: string) => send(event(message, subject), ports),
  };
}

const event = (message: object | string, subject?: string) => ({
  Records: [
    {
      Sns: {
        Message: typeof message === 'string' ? message : JSON.stringify(message),
        ...(subject === undefined ? {} : { Subject: subject }),
      },
    },
  ],
});

// As CloudWatch publishes it (user guide, "Alarm notifications").
const ALARM = {
  AlarmName: 'sample-dev-errors',
  AlarmDescription: '[critical] Over 5 % of requests have failed (5xx) for 5 minutes.',
  AWSAccountId: '123456789012',
  NewStateValue: 'ALARM',
  NewStateReason: 'Threshold Crossed: 5 datapoints were greater than the threshold (5.0).',
  StateChangeTime: '2026-11-25T23:10:00.000+0000',
  Region: 'EU (Frankfurt)',
  AlarmArn: 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:sample-dev-errors',
  OldStateValue: 'OK',
};

test('an alarm says what, how bad, why and where', async () => {
  const { discord, tell } = await discordWith();
  await tell(ALARM);
  expect(discord.messages()[0]?.embeds[0]).toMatchObject({
    title: 'Alarm: sample-dev-errors',
    description: 'Over 5 % of requests have failed (5xx) for 5 minutes.',
    color: 0xd83a3a,
    url: 'https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#alarmsV2:alarm/sample-dev-errors',
    fields: [
      { name: 'Severity', value: 'critical' },
      { name: 'State', value: 'OK → ALARM' },
      { name: 'Region', value: 'eu-central-1' },
      { name: 'Why', value: ALARM.NewStateReason },
    ],
  });
});

test.each([
  ['over', { NewStateValue: 'OK', OldStateValue: 'ALARM' }, 'Over: sample-dev-errors', 0x2e9e5b],
  ['a warning', { AlarmDescription: '[warning] Slow.' }, 'Alarm: sample-dev-errors', 0xe0a030],
  ['without data', { NewStateValue: 'INSUFFICIENT_DATA' }, 'No data: sample-dev-errors', 0x808080],
])('%s', async (_name, change, title, color) => {
  const { discord, tell } = await discordWith();
  await tell({ ...ALARM, ...change });
  expect(discord.messages()[0]?.embeds[0]).toMatchObject({ title, color });
});

test('what is no alarm comes as it is', async () => {
  const { discord, tell } = await discordWith();
  await tell(
    'AWS Budget Notification\nBudget Name: sample-dev',
    'AWS Budgets: sample-dev has exceeded your alert threshold',
  );
  expect(discord.messages()[0]?.embeds[0]).toMatchObject({
    title: 'AWS Budgets: sample-dev has exceeded your alert threshold',
    description: 'AWS Budget Notification\nBudget Name: sample-dev',
  });
});

test('names call nobody, and everything fits', async () => {
  const { discord, tell } = await discordWith();
  const long = '@everyone '.repeat(1000);
  await tell({ ...ALARM, AlarmName: long, AlarmDescription: long, NewStateReason: long });
  await tell(long, long);
  expect(discord.messages()).toHaveLength(2);
});

test('a Discord that wants it slower is waited for as it says', async () => {
  const { discord, hook } = await discordWith(undefined, { ...ROOMY, bucket: { limit: 1, windowMs: 400 } });
  const slept: number[] = [];
  const sleep = (ms: number) => {
    slept.push(ms);
    return new Promise<void>((resolve) => setTimeout(resolve, ms));
  };
  for (const _ of [1, 2]) await send(event(ALARM), { webhook: async () => hook, fetch, sleep });
  expect(discord.messages()).toHaveLength(2);
  expect(slept).toHaveLength(1);
  expect(slept[0]).toBeLessThanOrEqual(1000);
});

test('a failure of Discord is tried again', async () => {
  const { discord, slept, tell } = await discordWith();
  faults.add({ service: 'discord', times: 1, effect: { status: 503 } });
  await tell(ALARM);
  expect(slept).toEqual([1000]);
  expect(discord.messages()).toHaveLength(1);
});

test('a new webhook is read once more, before it is given up', async () => {
  const asked: boolean[] = [];
  const { discord, tell } = await discordWith((hook, fresh) => {
    asked.push(fresh);
    return fresh ? hook : hook.replace(/[^/]+$/, 'the-old-token');
  });
  await tell(ALARM);
  expect(asked).toEqual([false, true]);
  expect(discord.messages()).toHaveLength(1);
});

test('an address that is wrong fails without saying it', async () => {
  const { hook, tell } = await discordWith((given) => given.replace(/[^/]+$/, 'secret-but-wrong'));
  const failure = await tell(ALARM).catch((error: Error) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(String(failure)).toMatch(/Discord answered 40[14]/);
  expect(`${failure}${(failure as Error).stack}`).not.toMatch(/secret-but-wrong/);
  expect(hook).not.toBe('');
});

test('a Discord that cannot be reached fails without saying where', async () => {
  const { slept, tell } = await discordWith(() => 'http://127.0.0.1:1/api/webhooks/1/secret-token');
  const failure = await tell(ALARM).catch((error: Error) => error);
  expect(String(failure)).toBe('Error: Discord answered nothing to an alarm.');
  expect((failure as Error).cause).toBeUndefined();
  expect(slept).toEqual([1000, 2000]);
});

test('the zip is what its sources give, and unzips', () => {
  const made = zip(sources());
  expect(made.equals(readFileSync(ZIP))).toBe(true);
  const there = mkdtempSync(join(tmpdir(), 'notifier-'));
  try {
    execFileSync('python3', ['-m', 'zipfile', '-e', ZIP, there]);
    for (const { name, bytes } of sources()) expect(readFileSync(join(there, name)).equals(bytes)).toBe(true);
  } finally {
    rmSync(there, { recursive: true });
  }
});
